"""Any k shares give the secret back; fewer say nothing about it."""

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_keys import shamir
from dengwen_keys.errors import ShareError
from dengwen_keys.shamir import Share, combine, seat_of, split
from tests.keys.vectors import read_vectors

SECRET = bytes(range(100, 132))
QUORUMS = [(2, 2), (2, 3), (3, 5), (5, 5), (4, 7)]
VECTORS = read_vectors("shamir.json")


@pytest.mark.parametrize(("k", "n"), QUORUMS)
def test_any_k_shares_give_the_secret(k: int, n: int) -> None:
    """In any choice and any order; more than k do as well."""
    shares = split(SECRET, k, n)
    for choice in itertools.permutations(shares, k):
        assert combine(choice) == SECRET
    assert combine(shares) == SECRET


@given(st.binary(min_size=32, max_size=32), st.integers(2, 12), st.integers(0, 12), st.randoms())
def test_combining_inverts_splitting(secret: bytes, k: int, more: int, random: Random) -> None:
    """For any secret and any quorum."""
    assert combine(random.sample(split(secret, k, k + more), k)) == secret


def test_the_share_of_a_seat_carries_its_number() -> None:
    """Seats are counted from 1."""
    shares = split(SECRET, 3, 5)
    assert [seat_of(share) for share in shares] == [1, 2, 3, 4, 5]
    assert [share[-1] for share in shares] == [1, 2, 3, 4, 5]
    assert {len(share) for share in shares} == {33}


def test_one_share_short_gives_another_secret() -> None:
    """Without complaint: whoever combines must compare with a commitment."""
    for choice in itertools.combinations(split(SECRET, 3, 5), 2):
        assert combine(choice) != SECRET


def test_one_share_short_fits_every_secret() -> None:
    """For two shares of three, each possible third share gives another first byte: all 256."""
    first, second, third = split(SECRET, 3, 3)
    bytes_found = {
        combine([first, second, Share(bytes([value]) + third[1:])])[0] for value in range(256)
    }
    assert len(bytes_found) == 256


def test_splitting_again_gives_other_shares() -> None:
    """The coefficients are random, in every byte."""
    first, second = split(SECRET, 2, 2), split(SECRET, 2, 2)
    assert all(a[:32] != b[:32] for a, b in zip(first, second, strict=True))


def test_every_value_of_a_share_is_equally_likely() -> None:
    """A byte of one share, over many splits, takes nearly all its 256 values, zero included."""
    seen = {byte for _ in range(60) for byte in split(SECRET, 2, 2)[0][:32]}
    assert len(seen) > 240


@pytest.mark.parametrize("pair", VECTORS["products"])
def test_the_field_is_that_of_aes(pair: dict[str, str]) -> None:
    """Known products, for a number and for 32 lanes at once."""
    a, b, product = (int(pair[name], 16) for name in ("a", "b", "product"))
    assert shamir._multiply(a, b) == shamir._multiply(b, a) == product
    lanes = shamir._multiply_lanes(int.from_bytes(bytes([a]) * 32, "big"), b)
    assert lanes.to_bytes(32, "big") == bytes([product]) * 32


def test_every_number_but_zero_has_its_inverse() -> None:
    """All 255 of them."""
    assert all(shamir._multiply(a, shamir._invert(a)) == 1 for a in range(1, 256))


def test_lanes_do_not_touch_each_other() -> None:
    """Multiplying 32 bytes at once is multiplying each of them."""
    lanes = bytes(range(224, 256))
    for factor in range(256):
        together = shamir._multiply_lanes(int.from_bytes(lanes, "big"), factor)
        assert together.to_bytes(32, "big") == bytes(
            shamir._multiply(lane, factor) for lane in lanes
        )


@pytest.mark.parametrize("entry", VECTORS["sets"])
def test_the_shared_vectors_hold(entry: dict[str, object]) -> None:
    """Shares of both implementations, in every choice of k."""
    texts, k = entry["shares"], entry["k"]
    assert isinstance(texts, list)
    assert isinstance(k, int)
    for choice in itertools.combinations([Share(bytes.fromhex(text)) for text in texts], k):
        assert combine(choice).hex() == entry["secret"]


@pytest.mark.parametrize("entry", VECTORS["refused"], ids=lambda entry: entry["comment"])
def test_shares_that_cannot_be_of_one_secret_are_refused(entry: dict[str, list[str]]) -> None:
    """Too few, of one seat, of seat 0, or of another length."""
    with pytest.raises(ShareError):
        combine([Share(bytes.fromhex(text)) for text in entry["shares"]])


@pytest.mark.parametrize(("k", "n"), [(0, 3), (1, 3), (4, 3), (2, 256), (-1, -1), (2, 1)])
def test_an_impossible_quorum_is_refused(k: int, n: int) -> None:
    """One share must never be the secret, and a seat must fit in a byte."""
    with pytest.raises(ShareError):
        split(SECRET, k, n)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_of_another_length_is_refused(length: int) -> None:
    """Everything that is shared here has 32 bytes."""
    with pytest.raises(ShareError):
        split(bytes(length), 2, 3)
