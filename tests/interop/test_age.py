"""Files go both ways between `dengwen_keys.age` and npm `age-encryption`, the browser's half."""

import hashlib
import itertools
from dataclasses import dataclass

import pytest

from dengwen_keys.age.header import check_shape
from dengwen_keys.age.identities import Identity, decrypt
from dengwen_keys.age.recipients import Recipient, encrypt
from dengwen_keys.age.sizes import sealed_length
from tests.interop.node import from_json, run_node, to_json

pytestmark = pytest.mark.interop

SIZES = (0, 1, 65535, 65536, 65537, 1 << 20)
RECIPIENT_COUNTS = (1, 3, 5)
CASES = list(itertools.product(SIZES, RECIPIENT_COUNTS))
IDENTITIES = [Identity.from_seed(bytes([i]) * 32) for i in range(5)]


def _plaintext(size: int) -> bytes:
    return hashlib.shake_128(size.to_bytes(8, "big")).digest(size)


@dataclass(frozen=True)
class Exchange:
    """One run of the other side, for all sizes and numbers of recipients."""

    opened: list[bytes]
    sealed: list[bytes]
    generated: list[dict[str, str]]


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    """Send all our files over, and have as many sealed there."""
    ours = [
        {
            "identity": IDENTITIES[count - 1].to_text(),
            "file": to_json(encrypt([i.recipient for i in IDENTITIES[:count]], _plaintext(size))),
        }
        for size, count in CASES
    ]
    theirs = [
        {
            "recipients": [identity.recipient.to_text() for identity in IDENTITIES[:count]],
            "plaintext": to_json(_plaintext(size)),
        }
        for size, count in CASES
    ]
    answer = run_node("age.mjs", {"open": ours, "seal": theirs})
    return Exchange(
        [from_json(text) for text in answer["opened"]],
        [from_json(text) for text in answer["sealed"]],
        answer["generated"],
    )


def test_the_other_side_opens_what_we_seal(exchange: Exchange) -> None:
    """Every size around a chunk's end, for one, three and five recipients, by the last of them."""
    assert exchange.opened == [_plaintext(size) for size, _ in CASES]


def test_we_open_what_the_other_side_seals(exchange: Exchange) -> None:
    """Every recipient opens it, the first as well as the last."""
    for (size, count), file in zip(CASES, exchange.sealed, strict=True):
        assert decrypt([IDENTITIES[0]], file) == _plaintext(size)
        assert decrypt([IDENTITIES[count - 1]], file) == _plaintext(size)


def test_what_the_other_side_seals_has_our_shape(exchange: Exchange) -> None:
    """A file from there passes the check that a server makes, and has the length we foretell."""
    for (size, count), file in zip(CASES, exchange.sealed, strict=True):
        assert check_shape(file, count) == size
        assert len(file) == sealed_length(size, count)


def test_both_sides_agree_on_keys(exchange: Exchange) -> None:
    """An identity made there has the same recipient here."""
    assert len(exchange.generated) == 3
    for pair in exchange.generated:
        identity = Identity.parse(pair["identity"])
        assert identity.to_text() == pair["identity"]
        assert identity.recipient == Recipient.parse(pair["recipient"])
