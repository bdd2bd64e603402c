"""
Receipts: what a stranger needs, years later and offline, to believe that an event was logged.

A receipt is a log proof whose *extra* holds the event and its way up to the epoch's record::

    dengwen/receipt/v1
    roster 64 hexadecimal digits                        the record's other half
    leaf 3                                              which leaf of the epoch's tree
    path 64 hexadecimal digits                          its inclusion proof, leaf to root
    …
    event ZGVu…                                         the event, base64

The extra proves nothing by itself, and nothing is believed of it: event and path give an events
root, root and roster give a record, and this record must be the entry that the log proof proves.
The whole tree of an epoch has 4, 16, 64, … leaves, so the path's length tells its size.

The *latest proof* is a log proof of the last record, whose extra is that record: it proves which
roster is in force.

Source: docs/formats/receipt.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dengwen_audit.epoch import MAX_LEAVES, Record, events_root, leaf_path
from dengwen_audit.errors import PolicyError, ProofError
from dengwen_audit.event import Event
from dengwen_audit.merkle import Hash, inclusion_root
from dengwen_audit.policy import Cosigned, Policy
from dengwen_audit.proof import MAX_EXTRA_BYTES, LogProof
from dengwen_audit.text import (
    HASH_SIZE,
    TextError,
    TextReader,
    TextWriter,
    parse_base64,
    parse_hex,
    to_base64,
)

KIND = "dengwen/receipt/v1"
MAX_PATH = MAX_LEAVES.bit_length() - 1  # hashes
MAX_CLOCK_SKEW = 300  # seconds that the witnesses' clocks may be before ours


class StaleError(PolicyError):
    """A checkpoint is authentic but too old, or its time is yet to come: ask another source."""


@dataclass(frozen=True)
class Receipt:
    """
    A receipt, read but not checked.

    Attributes:
        event: What happened.
        leaf: Which leaf of its epoch's tree the event is.
        path: The inclusion proof of that leaf.
        roster: The hash of the roster that was in force.
        proof: The proof of the epoch's record in the log, without extra.
    """

    event: Event
    leaf: int
    path: tuple[Hash, ...]
    roster: bytes
    proof: LogProof

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """
        Read a receipt.

        Raises:
            TextError: If it is not a log proof with an extra of this kind, in its one spelling.
        """
        proof = LogProof.parse(data)
        reader = TextReader(proof.extra or b"", KIND, MAX_EXTRA_BYTES)
        roster, leaf = reader.take_hash("roster"), reader.take_number("leaf")
        path = tuple(
            Hash(parse_hex(sibling, HASH_SIZE, f"{KIND}: path"))
            for sibling in reader.take_all("path", MAX_PATH)
        )
        event = Event.parse(parse_base64(reader.take("event"), f"{KIND}: event"))
        reader.end()
        if not path or len(path) % 2 or leaf >> len(path):
            raise TextError(f"{KIND}: no such leaf in a tree of 4, 16, 64, … leaves")
        return cls(event, leaf, path, roster, replace(proof, extra=None))

    def to_bytes(self) -> bytes:
        """Spell the receipt."""
        writer = TextWriter(KIND).line("roster", self.roster).line("leaf", self.leaf)
        writer.lines("path", ((sibling,) for sibling in self.path))
        writer.line("event", to_base64(self.event.to_bytes()))
        return replace(self.proof, extra=writer.to_bytes()).to_bytes()

    @property
    def record(self) -> Record:
        """The record to which event and path lead; whether it was logged, `check` tells."""
        size = 1 << len(self.path)
        return Record(inclusion_root(self.path, self.event.hash, self.leaf, size), self.roster)

    def check(self, policy: Policy) -> CheckedReceipt:
        """
        Check that the event was logged, by a log and under witnesses that *policy* trusts.

        Raises:
            SignatureError: If the checkpoint's signatures are missing or wrong.
            PolicyError: If too few witnesses vouch for it.
            ProofError: If the hashes do not lead from the event to the checkpoint's root.
        """
        cosigned = self.proof.check(policy, self.record.to_bytes())
        return CheckedReceipt(self.event, self.record, self.proof.index, cosigned)


@dataclass(frozen=True)
class CheckedReceipt:
    """
    What a receipt proves.

    Attributes:
        event: It happened,
        record: in the epoch with this record,
        index: which is this entry of the log,
        cosigned: as witnesses saw at these times.
    """

    event: Event
    record: Record
    index: int
    cosigned: Cosigned


def build_receipt(leaves: Sequence[bytes], leaf: int, roster: bytes, proof: LogProof) -> Receipt:
    """
    Build the receipt of the event at *leaf* among the *leaves* of an epoch.

    Args:
        roster: The hash of the roster in the epoch's record.
        proof: The proof of that record, without extra.

    Raises:
        TextError: If the leaf is not an event, or the leaves are not those of an epoch.
    """
    events_root(leaves)  # refuses a number of leaves that no epoch has
    event = Event.parse(leaves[leaf])
    return Receipt(event, leaf, tuple(leaf_path(leaves, leaf)), roster, proof)


def check_receipt(data: bytes, policy: Policy) -> CheckedReceipt:
    """
    Check a receipt as it came; about a millisecond, most of it for the signatures.

    Raises:
        TextError: If it is not a receipt.
        SignatureError: If the checkpoint's signatures are missing or wrong.
        PolicyError: If too few witnesses vouch for the checkpoint.
        ProofError: If the hashes do not lead from the event to the checkpoint's root.
    """
    return Receipt.parse(data).check(policy)


def build_latest(record: Record, proof: LogProof) -> bytes:
    """Return the latest proof: *proof*, of the last *record*, carrying that record."""
    return replace(proof, extra=record.to_bytes()).to_bytes()


def check_latest(
    data: bytes, policy: Policy, now: float, max_age: float
) -> tuple[Record, Cosigned]:
    """
    Check that a record is the last of the log, as of at most *max_age* seconds before *now*.

    Raises:
        TextError: If it is not a latest proof.
        SignatureError: If the checkpoint's signatures are missing or wrong.
        StaleError: If the median of the witnesses' times is too long ago, or yet to come.
        PolicyError: If too few witnesses vouch for the checkpoint.
        ProofError: If the record is not the last entry of the log.
    """
    proof = LogProof.parse(data)
    record = Record.parse(proof.extra or b"")
    cosigned = proof.check(policy, record.to_bytes())
    if proof.index != cosigned.checkpoint.size - 1:
        raise ProofError("latest proof: the log has a later record")
    if now - cosigned.median_time > max_age:
        raise StaleError("latest proof: the witnesses' times are too long ago")
    if cosigned.median_time - now > MAX_CLOCK_SKEW:
        raise StaleError("latest proof: the witnesses' times are yet to come")
    return record, cosigned
