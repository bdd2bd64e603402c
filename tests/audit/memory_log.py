"""A whole log in memory, for tests of those who watch logs: its key, its entries, its proofs."""

from __future__ import annotations

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.merkle import Hash, consistency_proof, leaf_hash, root
from dengwen_audit.note import COSIGNATURE_V1, Note, SigningKey, sign_note
from dengwen_audit.witness import Submission

ORIGIN = "dengwen.example/log"


def signing_key(name: str, number: int = 1) -> SigningKey:
    """Return a key that signs notes; another *number* gives another key."""
    return SigningKey(name, bytes([number]) * 32)


def cosigning_key(name: str, number: int) -> SigningKey:
    """Return a witness's key."""
    return SigningKey(name, bytes([number]) * 32, COSIGNATURE_V1)


class MemoryLog:
    """
    A log of short entries.

    Attributes:
        entries: All of them; a test that wants a fork changes one.
    """

    def __init__(self, size: int = 0, fork: str = "") -> None:
        """Begin with *size* entries; another *fork* gives other entries."""
        self.key = signing_key(ORIGIN)
        self.entries = [f"entry {index}{fork}".encode() for index in range(size)]

    def leaves(self, size: int) -> list[Hash]:
        """Return the leaf hashes of the first *size* entries."""
        return [leaf_hash(entry) for entry in self.entries[:size]]

    def checkpoint(self, size: int) -> Checkpoint:
        """Return the checkpoint of the first *size* entries."""
        return Checkpoint(ORIGIN, size, root(self.leaves(size)))

    def note(self, size: int) -> Note:
        """Return that checkpoint, signed by the log."""
        return sign_note(self.checkpoint(size).to_bytes(), self.key)

    def prove(self, old_size: int, size: int) -> list[Hash]:
        """Prove that the first *size* entries begin with the first *old_size*."""
        return consistency_proof(self.leaves(size), old_size, size)

    def submission(self, old_size: int, size: int) -> bytes:
        """Return what the log sends to a witness that cosigned *old_size* last."""
        proof = self.prove(old_size, size)
        return Submission(old_size, tuple(proof), self.note(size)).to_bytes()
