"""Tests of merkle.py: proofs agree with the standard's recursion, and nothing else is a proof."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.errors import FormatError, ProofError
from dengwen_audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Hash,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    inclusion_root,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    read_leaves,
    root,
)

MOST = 300
ENTRIES = tuple(f"entry {number}".encode() for number in range(MOST))
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
READ = read_leaves(LEAVES)

# The oracle: RFC 6962 section 2.1 as it is written there, over ranges of ENTRIES, and unrelated to
# the code under test, which never recurses and never looks at a leaf twice.


def oracle_split(size: int) -> int:
    """Return k, "the largest power of two smaller than n"."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


@cache
def oracle_mth(start: int, stop: int) -> bytes:
    """Return MTH(D[start:stop])."""
    if start == stop:
        return hashlib.sha256().digest()
    if stop - start == 1:
        return hashlib.sha256(b"\x00" + ENTRIES[start]).digest()
    middle = start + oracle_split(stop - start)
    return hashlib.sha256(b"\x01" + oracle_mth(start, middle) + oracle_mth(middle, stop)).digest()


@cache
def oracle_path(m: int, start: int, stop: int) -> tuple[bytes, ...]:
    """Return PATH(m, D[start:stop])."""
    if stop - start == 1:
        return ()
    k = oracle_split(stop - start)
    if m < k:
        return (*oracle_path(m, start, start + k), oracle_mth(start + k, stop))
    return (*oracle_path(m - k, start + k, stop), oracle_mth(start, start + k))


@cache
def oracle_subproof(m: int, start: int, stop: int, *, whole: bool) -> tuple[bytes, ...]:
    """Return SUBPROOF(m, D[start:stop], whole)."""
    if m == stop - start:
        return () if whole else (oracle_mth(start, stop),)
    k = oracle_split(stop - start)
    if m <= k:
        return (
            *oracle_subproof(m, start, start + k, whole=whole),
            oracle_mth(start + k, stop),
        )
    return (
        *oracle_subproof(m - k, start + k, stop, whole=False),
        oracle_mth(start, start + k),
    )


def test_every_root_up_to_300_leaves_is_the_standards() -> None:
    """A frontier grown leaf by leaf has, at each size, the root that the recursion gives."""
    frontier = Frontier()
    for size in range(MOST):
        assert frontier.root() == oracle_mth(0, size) == root(LEAVES[:size])
        assert frontier.size == size
        frontier.append(LEAVES[size])


def test_every_inclusion_proof_up_to_300_leaves_is_the_standards_and_checks() -> None:
    """For each size and index: the same hashes as the recursion, and they lead to the root."""
    for size in range(1, MOST + 1):
        for index in range(size):
            proof = prove_inclusion(READ, index, size)
            assert tuple(proof) == oracle_path(index, 0, size)
            assert inclusion_root(proof, LEAVES[index], index, size) == oracle_mth(0, size)


def test_every_consistency_proof_up_to_300_leaves_is_the_standards_and_checks() -> None:
    """For each pair of sizes: the same hashes as the recursion, and they lead to both roots."""
    for size in range(1, MOST + 1):
        for old in range(1, size + 1):
            proof = prove_consistency(READ, old, size)
            assert tuple(proof) == oracle_subproof(old, 0, size, whole=True)
            check_consistency(proof, old, Hash(oracle_mth(0, old)), size, Hash(oracle_mth(0, size)))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 64, 77])
def test_a_flipped_byte_of_an_inclusion_proof_is_refused(size: int) -> None:
    """Each byte of each hash, of the leaf and of the root counts."""
    expected = root(LEAVES[:size])
    for index in range(0, size, 5):
        proof = prove_inclusion(READ, index, size)
        for place in range(32 * (len(proof) + 2)):
            hashes = bytearray(b"".join([*proof, LEAVES[index], expected]))
            hashes[place] ^= 1 << place % 8
            parts = [Hash(bytes(hashes[i : i + 32])) for i in range(0, len(hashes), 32)]
            with pytest.raises(ProofError):
                check_inclusion(parts[:-2], parts[-2], index, size, parts[-1])


@pytest.mark.parametrize(
    ("old", "size"), [(1, 2), (2, 3), (3, 7), (4, 7), (6, 8), (64, 77), (65, 77), (77, 77)]
)
def test_a_flipped_byte_of_a_consistency_proof_is_refused(old: int, size: int) -> None:
    """Each byte of each hash and of both roots counts."""
    proof = prove_consistency(READ, old, size)
    for place in range(32 * (len(proof) + 2)):
        hashes = bytearray(b"".join([*proof, root(LEAVES[:old]), root(LEAVES[:size])]))
        hashes[place] ^= 1 << place % 8
        parts = [Hash(bytes(hashes[i : i + 32])) for i in range(0, len(hashes), 32)]
        with pytest.raises(ProofError):
            check_consistency(parts[:-2], old, parts[-2], size, parts[-1])


@given(st.integers(1, 64), st.integers(0, 64), st.integers(1, 64), st.integers(0, 64))
def test_a_proof_for_one_leaf_is_no_proof_for_another(
    size: int, index: int, other_size: int, other_index: int
) -> None:
    """Neither the index nor, if it changes the proof's shape, the size may be another."""
    index %= size
    proof = prove_inclusion(READ, index, size)
    expected = root(LEAVES[:size])
    if other_index != index:
        with pytest.raises(ProofError):
            check_inclusion(proof, LEAVES[index], other_index, size, expected)
    if other_size != size:
        with pytest.raises(ProofError):
            check_inclusion(proof, LEAVES[index], index, other_size, root(LEAVES[:other_size]))


@given(st.integers(1, 64), st.integers(1, 64), st.integers(0, 5))
def test_a_longer_or_shorter_proof_is_refused(size: int, old: int, place: int) -> None:
    """A proof has exactly the hashes that its sizes call for."""
    old = min(old, size)
    inclusion = prove_inclusion(READ, old - 1, size)
    consistency = prove_consistency(READ, old, size)
    roots = root(LEAVES[:old]), root(LEAVES[:size])
    for change in (lambda proof: [*proof[:place], LEAVES[0], *proof[place:]], lambda p: p[1:]):
        if change(inclusion) != inclusion:
            with pytest.raises(ProofError, match="too few or too many"):
                check_inclusion(change(inclusion), LEAVES[old - 1], old - 1, size, roots[1])
        if change(consistency) != consistency:
            with pytest.raises(ProofError, match="too few or too many"):
                check_consistency(change(consistency), old, roots[0], size, roots[1])


def test_what_is_no_hash_is_refused() -> None:
    """An empty leaf or root proves nothing, nor does a sibling of another length."""
    leaf, empty, long = LEAVES[0], Hash(b""), Hash(bytes(33))
    for bad in (empty, long):
        with pytest.raises(ProofError, match="32 bytes"):
            check_inclusion([], bad, 0, 1, bad)
        with pytest.raises(ProofError, match="32 bytes"):
            check_inclusion([bad], leaf, 0, 2, root(LEAVES[:2]))
        with pytest.raises(ProofError, match="32 bytes"):
            check_consistency([bad], 1, leaf, 2, root(LEAVES[:2]))
        with pytest.raises(ProofError, match="32 bytes"):
            check_consistency([], 2, bad, 2, bad)
        with pytest.raises(ProofError, match="32 bytes"):
            check_consistency([], 0, EMPTY_ROOT, 1, bad)


def test_every_tree_begins_with_the_empty_one_and_with_itself() -> None:
    """These two need no hashes; the roots must still be the right ones."""
    some = root(LEAVES[:5])
    check_consistency([], 0, EMPTY_ROOT, 5, some)
    check_consistency([], 5, some, 5, some)
    check_consistency([], 0, EMPTY_ROOT, 0, EMPTY_ROOT)
    for old, old_root, size, new_root in (
        (0, some, 5, some),
        (5, some, 5, EMPTY_ROOT),
        (0, some, 0, some),
        (6, some, 5, some),
        (-1, EMPTY_ROOT, 5, some),
    ):
        with pytest.raises(ProofError):
            check_consistency([], old, old_root, size, new_root)


def test_proofs_over_leaves_at_hand_are_the_same() -> None:
    """The short forms read only the first *size* leaves."""
    assert inclusion_proof(LEAVES, 3, 11) == prove_inclusion(READ, 3, 11)
    assert consistency_proof(LEAVES, 3, 11) == prove_consistency(READ, 3, 11)


def test_what_cannot_be_proved_is_a_mistake_of_the_caller() -> None:
    """Asking for a leaf or an older tree that is not there is not bad input from outside."""
    with pytest.raises(AssertionError, match="internal error"):
        prove_inclusion(READ, 5, 5)
    with pytest.raises(AssertionError, match="internal error"):
        prove_consistency(READ, 6, 5)


@given(st.integers(0, MOST), st.integers(0, MOST))
def test_a_frontier_goes_on_where_it_was_left(first: int, second: int) -> None:
    """Bytes and back, a copy and its original: each appends by itself."""
    begun = Frontier()
    begun.extend(LEAVES[:first])
    taken_up = Frontier.parse(begun.to_bytes())
    assert taken_up.to_bytes() == begun.to_bytes()
    copy = begun.copy()
    copy.extend(LEAVES[first:second])
    taken_up.extend(LEAVES[first:second])
    assert begun.root() == root(LEAVES[:first])
    assert copy.root() == taken_up.root() == root(LEAVES[: max(first, second)])


@given(st.binary(max_size=200))
def test_a_frontier_is_read_only_in_its_one_spelling(data: bytes) -> None:
    """The number of hashes follows from the size."""
    try:
        assert Frontier.parse(data).to_bytes() == data
    except FormatError:
        return


def test_a_frontier_of_another_length_is_refused() -> None:
    """A hash too many, one too few, half a size."""
    good = Frontier(3, LEAVES[:2]).to_bytes()
    for bad in (good[:-32], good + LEAVES[0], good[:-1], good[:4], b""):
        with pytest.raises(FormatError):
            Frontier.parse(bad)
