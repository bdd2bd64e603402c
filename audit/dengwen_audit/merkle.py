"""
The tree behind the log: what its hashes are, and how two kinds of proof follow from them.

::

    leaf_hash(entry)       SHA-256(0x00 ‖ entry)
    node_hash(left, right) SHA-256(0x01 ‖ left ‖ right)
    root of n leaves       node_hash(root of the first k, root of the rest),
                           k the largest power of two below n; one leaf is its own root

An *inclusion proof* says that a leaf is number i of the tree with a given root. A *consistency
proof* says that a tree of n leaves begins with the m leaves of an older tree. Both are lists of the
hashes of subtrees, so that one function for each kind names the subtrees (`_inclusion_steps`,
`_consistency_steps`), the prover reads their hashes, and the checker folds them.

Subtrees are named by level and number: subtree number i at level h holds the leaves
[i * 2**h, (i + 1) * 2**h). Whoever proves needs a function that reads the hash of such a subtree.

Source: RFC 6962, section 2.1; docs/formats/log.md.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import NewType, Self

from dengwen_audit.errors import FormatError, ProofError

Hash = NewType("Hash", bytes)
Read = Callable[[int, int], Hash]  # (level, number) of a subtree whose leaves are all there

HASH_SIZE = 32  # bytes
MAX_PROOF = 63  # hashes: the height of the largest tree a uint64 can count
EMPTY_ROOT = Hash(hashlib.sha256(b"").digest())

_SIZE = struct.Struct(">Q")
_LEAF, _NODE = b"\x00", b"\x01"  # what is hashed first, so that neither passes for the other
_Range = tuple[int, int]  # leaves [low, high)


def leaf_hash(entry: bytes) -> Hash:
    """Return the hash of one entry of the log."""
    return Hash(hashlib.sha256(_LEAF + entry).digest())


def node_hash(left: Hash, right: Hash) -> Hash:
    """Return the hash of the tree that has the trees *left* and *right* below its root."""
    return Hash(hashlib.sha256(_NODE + left + right).digest())


def root(leaves: Iterable[Hash]) -> Hash:
    """Return the root of the tree over these *leaves* (leaf hashes, not entries)."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def prove_inclusion(read: Read, index: int, size: int) -> list[Hash]:
    """
    Prove that the leaf *index* belongs to the tree of *size* leaves that *read* can read.

    Costs at most two times 63 calls of *read*.
    """
    if not 0 <= index < size:
        raise AssertionError(f"internal error: leaf {index} of a tree of {size}")
    return [_subtree(read, *step) for step in _inclusion_steps(index, size)]


def prove_consistency(read: Read, old_size: int, size: int) -> list[Hash]:
    """Prove that the tree of *size* leaves begins with the *old_size* leaves of an older one."""
    if not 0 <= old_size <= size:
        raise AssertionError(f"internal error: a tree of {old_size} before a tree of {size}")
    return [_subtree(read, *step) for step in _consistency_steps(old_size, size)]


def inclusion_proof(leaves: Sequence[Hash], index: int, size: int) -> list[Hash]:
    """Prove that the leaf *index* is in the tree over the first *size* of *leaves*, all at hand."""
    return prove_inclusion(read_leaves(leaves[:size]), index, size)


def consistency_proof(leaves: Sequence[Hash], old_size: int, size: int) -> list[Hash]:
    """Prove that the first *size* of *leaves*, all at hand, begin with the first *old_size*."""
    return prove_consistency(read_leaves(leaves[:size]), old_size, size)


def read_leaves(leaves: Iterable[Hash]) -> Read:
    """Return a reader of the subtrees over *leaves*; hashes each node of the tree once."""
    return read_joined(b"".join(leaves))


def read_joined(leaves: bytes) -> Read:
    """Do as `read_leaves` with hashes that lie one after the other; keeps twice their bytes."""
    levels, pair = [leaves], 2 * HASH_SIZE
    while len(levels[-1]) >= pair:
        below = levels[-1]
        starts = range(0, len(below) - pair + 1, pair)
        nodes = [hashlib.sha256(_NODE + below[start : start + pair]).digest() for start in starts]
        levels.append(b"".join(nodes))

    def read(level: int, number: int) -> Hash:
        return Hash(levels[level][HASH_SIZE * number : HASH_SIZE * (number + 1)])

    return read


def inclusion_root(proof: Sequence[Hash], leaf: Hash, index: int, size: int) -> Hash:
    """
    Return the root to which *proof* leads from *leaf*; it proves nothing until it is compared.

    Raises:
        ProofError: If there is no such leaf, or the proof has not exactly the hashes it needs.
    """
    if not 0 <= index < size:
        raise ProofError("inclusion proof: no such leaf in a tree of this size")
    steps = _inclusion_steps(index, size)
    _check_sizes("inclusion", proof, len(steps), leaf)
    result = leaf
    for sibling, (low, _) in zip(proof, steps, strict=True):
        result = node_hash(sibling, result) if low < index else node_hash(result, sibling)
    return result


def check_inclusion(
    proof: Sequence[Hash], leaf: Hash, index: int, size: int, expected_root: Hash
) -> None:
    """
    Check that *leaf* is number *index*, counted from 0, of the tree with this size and root.

    Args:
        proof: Hashes of the subtrees beside the way, from the leaf up to the root.

    Raises:
        ProofError: If the hashes do not lead from the leaf to the root.

    Source: RFC 6962, section 2.1.1.
    """
    if inclusion_root(proof, leaf, index, size) != expected_root:
        raise ProofError("inclusion proof: the hashes do not lead to the root")


def check_consistency(
    proof: Sequence[Hash], old_size: int, old_root: Hash, size: int, new_root: Hash
) -> None:
    """
    Check that the tree of *size* leaves is the tree of *old_size* leaves with others appended.

    Every tree begins with the empty one: for it, and for equal sizes, the proof is empty.

    Raises:
        ProofError: If it is not, or the proof has not exactly the hashes it needs.

    Source: RFC 6962, section 2.1.2.
    """
    if not 0 <= old_size <= size:
        raise ProofError("consistency proof: the older tree is the larger one")
    steps = _consistency_steps(old_size, size)
    _check_sizes("consistency", proof, len(steps), old_root, new_root)
    if not steps:
        if old_root != (new_root if old_size == size else EMPTY_ROOT):
            raise ProofError("consistency proof: two roots for one size")
        if size == 0 and new_root != EMPTY_ROOT:
            raise ProofError("consistency proof: not the root of the empty tree")
        return
    if _fold_consistency(proof, steps, old_size, old_root) != (old_root, new_root):
        raise ProofError("consistency proof: the hashes do not lead to both roots")


def _check_sizes(kind: str, proof: Sequence[Hash], count: int, *others: Hash) -> None:
    """Check that a proof has *count* hashes, and that it and the *others* are of 32 bytes each."""
    if len(proof) != count:
        raise ProofError(f"{kind} proof: too few or too many hashes")
    if any(len(value) != HASH_SIZE for value in (*proof, *others)):
        raise ProofError(f"{kind} proof: a hash is not of 32 bytes")


def _fold_consistency(
    proof: Sequence[Hash], steps: Sequence[_Range], old_size: int, old_root: Hash
) -> tuple[Hash, Hash]:
    """Return the two roots, old and new, to which *proof* leads."""
    siblings = list(zip(proof, steps, strict=True))
    # If the older tree is itself one subtree of the newer, its root is the start and is not sent.
    start = old_root if steps[0][0] >= old_size else siblings.pop(0)[0]
    old = new = start
    for sibling, (low, _) in siblings:
        if low < old_size:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    return old, new


def _split(size: int) -> int:
    """Return the largest power of two below *size*, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _inclusion_steps(index: int, size: int) -> list[_Range]:
    """Name the leaves under each hash of an inclusion proof, from the leaf upwards."""
    low, high, steps = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            steps.append((middle, high))
            high = middle
        else:
            steps.append((low, middle))
            low = middle
    return steps[::-1]


def _consistency_steps(old_size: int, size: int) -> list[_Range]:
    """Name the leaves under each hash of a consistency proof, from the border upwards."""
    if old_size in (0, size):
        return []
    low, high, steps = 0, size, []
    while high != old_size:
        middle = low + _split(high - low)
        if old_size <= middle:
            steps.append((middle, high))
            high = middle
        else:
            steps.append((low, middle))
            low = middle
    if low > 0:
        steps.append((low, high))
    return steps[::-1]


def _subtree(read: Read, low: int, high: int) -> Hash:
    """Return the root over the leaves [low, high); low is a multiple of their number's top bit."""
    parts: list[Hash] = []
    while low < high:
        level = (high - low).bit_length() - 1
        parts.append(read(level, low >> level))
        low += 1 << level
    return _join(parts)


def _join(parts: Sequence[Hash]) -> Hash:
    """Return the root over whole subtrees, the largest first."""
    result = parts[-1]
    for part in reversed(parts[:-1]):
        result = node_hash(part, result)
    return result


class Frontier:
    """
    All that must be kept of a tree to append to it and to know its root: at most 63 hashes.

    Attributes:
        size: How many leaves the tree has.
        hashes: The roots of the whole subtrees it consists of, the largest first.
    """

    def __init__(self, size: int = 0, hashes: Iterable[Hash] = ()) -> None:
        """Take up a tree where it was left; with no arguments, begin the empty one."""
        self.size = size
        self.hashes = list(hashes)
        if size < 0 or len(self.hashes) != size.bit_count():
            raise FormatError("frontier: not the number of hashes that its size needs")

    def append(self, leaf: Hash) -> None:
        """Append one leaf; on average this hashes one node."""
        carry, size = leaf, self.size
        while size & 1:
            carry = node_hash(self.hashes.pop(), carry)
            size >>= 1
        self.hashes.append(carry)
        self.size += 1

    def extend(self, leaves: Iterable[Hash]) -> None:
        """Append many leaves."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> Hash:
        """Return the root of the tree so far."""
        return _join(self.hashes) if self.hashes else EMPTY_ROOT

    def copy(self) -> Frontier:
        """Return a frontier of the same tree that grows by itself."""
        return Frontier(self.size, self.hashes)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """
        Read a frontier: the size as uint64, big-endian, then the hashes.

        Raises:
            FormatError: If the length does not fit the size.
        """
        if len(data) < _SIZE.size or len(data) % HASH_SIZE != _SIZE.size:
            raise FormatError("frontier: not a size and whole hashes")
        (size,) = _SIZE.unpack_from(data)
        starts = range(_SIZE.size, len(data), HASH_SIZE)
        return cls(size, [Hash(data[start : start + HASH_SIZE]) for start in starts])

    def to_bytes(self) -> bytes:
        """Spell the frontier."""
        return _SIZE.pack(self.size) + b"".join(self.hashes)
