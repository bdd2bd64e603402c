"""Shares go both ways between `dengwen_keys.shamir` and npm `shamir-secret-sharing`."""

import hashlib
import itertools

import pytest

from dengwen_keys.shamir import Share, combine, split
from tests.interop.node import run_node

pytestmark = pytest.mark.interop

SMALL = [(k, n) for n in range(2, 8) for k in range(2, n + 1)]
LARGE = [(2, 255), (10, 20), (128, 255), (255, 255)]
QUORUMS = SMALL + LARGE


def _secret(k: int, n: int) -> bytes:
    return hashlib.sha256(bytes([k, n])).digest()


def _choices(shares: list[bytes], k: int, n: int) -> list[list[bytes]]:
    """Give every choice of k shares of small sets; of large ones the first and the last."""
    if n <= 7:
        return [list(choice) for choice in itertools.combinations(shares, k)]
    return [shares[:k], shares[-k:]]


@pytest.fixture(scope="module")
def exchange() -> tuple[list[list[bytes]], list[bytes]]:
    """Return the shares split there, and the secrets combined there from ours."""
    ours = [
        choice for k, n in QUORUMS for choice in _choices(list(split(_secret(k, n), k, n)), k, n)
    ]
    answer = run_node(
        "shamir.mjs",
        {
            "split": [{"secret": _secret(k, n).hex(), "n": n, "k": k} for k, n in QUORUMS],
            "combine": [[share.hex() for share in choice] for choice in ours],
        },
    )
    shares = [[bytes.fromhex(text) for text in texts] for texts in answer["split"]]
    return shares, [bytes.fromhex(text) for text in answer["combined"]]


def test_we_combine_what_the_other_side_splits(
    exchange: tuple[list[list[bytes]], list[bytes]],
) -> None:
    """Its x coordinates are random, ours are seats; any distinct ones will do."""
    shares, _ = exchange
    for (k, n), their_shares in zip(QUORUMS, shares, strict=True):
        for choice in _choices(their_shares, k, n):
            assert combine([Share(share) for share in choice]) == _secret(k, n)


def test_the_other_side_combines_what_we_split(
    exchange: tuple[list[list[bytes]], list[bytes]],
) -> None:
    """Every choice of k seats gives the secret there too."""
    _, combined = exchange
    expected = [_secret(k, n) for k, n in QUORUMS for _ in _choices([b""] * n, k, n)]
    assert combined == expected
