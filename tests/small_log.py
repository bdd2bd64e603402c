"""
A whole log in memory, with five witnesses and fixed keys: the real code, no files, no network.

A test appends records, takes signed and cosigned checkpoints and proofs, and bends what it likes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.merkle import Hash, inclusion_proof, leaf_hash, root
from dengwen_audit.note import COSIGNATURE_V1, Note, SigningKey, sign_note
from dengwen_audit.policy import Policy
from dengwen_audit.proof import LogProof

ORIGIN = "dengwen.example/log"
NAMES = ("hill", "lake", "moor", "pass", "ford")
NOON = 1_770_000_000  # seconds since 1970: when the witnesses cosign, unless a test says otherwise


def seed(label: str) -> bytes:
    """Return 32 bytes that are always the same for one label."""
    return hashlib.sha256(b"dengwen test " + label.encode()).digest()


LOG_KEY = SigningKey(ORIGIN, seed("log"))
WITNESS_KEYS = {
    name: SigningKey(f"witness.example/{name}", seed(name), COSIGNATURE_V1) for name in NAMES
}
COSIGNERS = {name: Cosigner(key) for name, key in WITNESS_KEYS.items()}


def policy_text(names: Sequence[str] = NAMES, threshold: int = 4) -> str:
    """Return a policy that asks *threshold* of the witnesses of these *names*."""
    lines = [f"log {LOG_KEY.verification_key.to_text()} https://dengwen.example/log"]
    lines += [f"witness {name} {WITNESS_KEYS[name].verification_key.to_text()}" for name in names]
    lines += [f"group witnesses {threshold} {' '.join(names)}", "quorum witnesses"]
    return "\n".join(lines) + "\n"


POLICY = Policy.parse(policy_text())


class SmallLog:
    """
    A growing log.

    Attributes:
        entries: What was appended.
    """

    def __init__(self, entries: Sequence[bytes] = ()) -> None:
        """Begin with these *entries*."""
        self.entries = list(entries)

    def leaves(self) -> list[Hash]:
        """Return the leaf hashes."""
        return [leaf_hash(entry) for entry in self.entries]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """Return the checkpoint of the first *size* entries, or of all."""
        size = len(self.entries) if size is None else size
        return Checkpoint(ORIGIN, size, root(self.leaves()[:size]))

    def note(
        self, witnesses: Sequence[str] = NAMES[:4], time: int = NOON, size: int | None = None
    ) -> Note:
        """Return a signed checkpoint, cosigned by these *witnesses*, a second after each other."""
        note = sign_note(self.checkpoint(size).to_bytes(), LOG_KEY)
        lines = [
            COSIGNERS[name].cosign(note.text, time + second)
            for second, name in enumerate(witnesses)
        ]
        return note.signed_by(*lines)

    def proof(self, index: int, note: Note | None = None, extra: bytes | None = None) -> LogProof:
        """Return the proof of entry *index* under all entries."""
        path = inclusion_proof(self.leaves(), index, len(self.entries))
        return LogProof(extra, index, tuple(path), note or self.note())
