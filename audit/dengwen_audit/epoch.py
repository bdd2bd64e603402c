"""
An epoch: the events of one tick under one root, and the record of it that the public log holds.

::

    dengwen/epoch/v1                                    the record: 161 bytes, always
    events 64 hexadecimal digits                        root over the leaves of this tick
    roster 64 hexadecimal digits                        hash of the roster in force

The leaves are the tick's events and salted empties, 4, 16, 64, … of them, in an order drawn from
the epoch's seed. So the public log shows neither how many events there were, nor which came first,
nor whether there were any.

The seed makes a tick repeatable: a sequencer that was stopped after it chose events and seed builds
the same record again. It stays with the operator.

Source: docs/formats/epoch.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from dengwen_audit.merkle import Hash, inclusion_proof, leaf_hash, root
from dengwen_audit.text import HASH_SIZE, TextError, TextReader, TextWriter

KIND = "dengwen/epoch/v1"
EMPTY_KIND = "dengwen/empty/v1"

RECORD_SIZE = 161  # bytes: as long with a million events as with none
SEED_SIZE = 32  # bytes
MAX_LEAVES = 4**10

_EVENTS = slice(len(KIND) + 8, len(KIND) + 72)
_ROSTER = slice(RECORD_SIZE - 65, RECORD_SIZE - 1)
_EMPTY_SIZE = len(EMPTY_KIND) + 71  # bytes


@dataclass(frozen=True)
class Record:
    """
    One entry of the public log.

    Attributes:
        events_root: Root over the epoch's leaves.
        roster: Hash of the roster in force.
    """

    events_root: Hash
    roster: bytes

    @classmethod
    def parse(cls, data: bytes) -> Record:
        """
        Read a record; about a microsecond, since an auditor reads a million of them.

        The length is fixed, so the fields are cut out and the record spelt anew and compared.

        Raises:
            TextError: If it is not a record in its one spelling.
        """
        try:
            events_root = bytes.fromhex(data[_EVENTS].decode("ascii"))
            record = cls(Hash(events_root), bytes.fromhex(data[_ROSTER].decode("ascii")))
        except ValueError:
            raise TextError(f"{KIND}: not two hashes in hexadecimal") from None
        if record.to_bytes() != data:
            raise TextError(f"{KIND}: not a record in its one spelling")
        return record

    def to_bytes(self) -> bytes:
        """Spell the record; these bytes are the log's entry."""
        text = f"{KIND}\nevents {self.events_root.hex()}\nroster {self.roster.hex()}\n"
        return text.encode("ascii")


@dataclass(frozen=True)
class Empty:
    """A leaf that stands where no event does; its salt hides that from whoever sees its hash."""

    salt: bytes

    @classmethod
    def parse(cls, data: bytes) -> Empty:
        """
        Read an empty leaf.

        Raises:
            TextError: If it is not one.
        """
        reader = TextReader(data, EMPTY_KIND, _EMPTY_SIZE)
        empty = cls(reader.take_hash("salt"))
        reader.end()
        return empty

    def to_bytes(self) -> bytes:
        """Spell the leaf."""
        return TextWriter(EMPTY_KIND).line("salt", self.salt).to_bytes()


@dataclass(frozen=True)
class Epoch:
    """
    The leaves of one tick.

    Attributes:
        leaves: Events and empties, in the order of the tree.
        positions: For each event that was given, in the order given, which leaf it is.
        record: What the public log holds of it.
    """

    leaves: tuple[bytes, ...]
    positions: tuple[int, ...]
    record: Record

    @classmethod
    def build(cls, events: Sequence[bytes], seed: bytes, roster_hash: bytes) -> Epoch:
        """
        Build the epoch of these *events*; the same arguments give the same epoch.

        Args:
            events: The bytes of each event.
            seed: 32 secret random bytes, for this epoch alone.
            roster_hash: Hash of the roster in force.
        """
        if len(seed) != SEED_SIZE or len(roster_hash) != HASH_SIZE:
            raise AssertionError("internal error: a seed or a hash of another length")
        order = _order(padded_count(len(events)), seed)
        leaves = [empty_leaf(seed, index) for index in range(len(order))]
        for index, event in zip(order, events, strict=False):
            leaves[index] = event
        return cls(
            tuple(leaves), tuple(order[: len(events)]), Record(events_root(leaves), roster_hash)
        )

    def path(self, index: int) -> list[Hash]:
        """Return the inclusion proof of the leaf *index* under the events root."""
        return leaf_path(self.leaves, index)


def padded_count(count: int) -> int:
    """Return the number of leaves of an epoch with *count* events: 4, 16, 64, … up to 4**10."""
    if count > MAX_LEAVES:
        raise AssertionError(f"internal error: more than {MAX_LEAVES} events in one tick")
    leaves = 4
    while leaves < count:
        leaves *= 4
    return leaves


def events_root(leaves: Sequence[bytes]) -> Hash:
    """
    Return the root over the leaves of an epoch.

    Raises:
        TextError: If their number is none that an epoch can have.
    """
    if len(leaves) > MAX_LEAVES or len(leaves) != padded_count(len(leaves)):
        raise TextError("epoch: not 4, 16, 64, … leaves")
    return root(map(leaf_hash, leaves))


def leaf_path(leaves: Sequence[bytes], index: int) -> list[Hash]:
    """Return the inclusion proof of the leaf *index* among the *leaves* of an epoch."""
    return inclusion_proof([leaf_hash(leaf) for leaf in leaves], index, len(leaves))


def empty_leaf(seed: bytes, index: int) -> bytes:
    """Return the empty leaf that stands at *index* if no event does."""
    return Empty(_derive(seed, b"empty", index)).to_bytes()


def is_empty(leaf: bytes) -> bool:
    """Tell whether *leaf* is an empty one rather than an event."""
    try:
        Empty.parse(leaf)
    except TextError:
        return False
    return True


def _order(count: int, seed: bytes) -> list[int]:
    """Return the numbers below *count* in an order that only the *seed* tells."""
    return sorted(range(count), key=lambda index: _derive(seed, b"place", index))


def _derive(seed: bytes, label: bytes, index: int) -> bytes:
    """Return 32 bytes for one purpose and leaf: HMAC-SHA256(seed, label ‖ index as uint32)."""
    return hmac.digest(seed, label + index.to_bytes(4, "big"), "sha256")
