"""
A log proof: one self-contained text that an entry is in a log which witnesses vouch for.

::

    c2sp.org/tlog-proof@v1
    extra YWdl…                                         optional; proves nothing by itself
    index 73894                                         counted from 0
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=        the inclusion proof, leaf to root
    …
                                                        one empty line
    example.org/log                                     the signed checkpoint, verbatim
    …

The entry itself is not in it: whoever checks must know it, or rebuild it.

Source: C2SP tlog-proof.md (draft, commit 0065ea5); docs/formats/receipt.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dengwen_audit.merkle import HASH_SIZE, MAX_PROOF, Hash, check_inclusion, leaf_hash
from dengwen_audit.note import Note
from dengwen_audit.policy import Cosigned, Policy
from dengwen_audit.text import TextError, parse_base64, parse_number, to_base64

KIND = "c2sp.org/tlog-proof@v1"
MAX_EXTRA_BYTES = 64 * 1024
MAX_NOTE_BYTES = 16 * 1024
MAX_PROOF_BYTES = MAX_EXTRA_BYTES * 4 // 3 + 4 * 1024 + MAX_NOTE_BYTES


@dataclass(frozen=True)
class LogProof:
    """
    A proof, read but not checked.

    Attributes:
        extra: Bytes that travel along and are vouched for by nobody.
        index: Which entry of the log, counted from 0.
        path: The inclusion proof.
        checkpoint: The signed checkpoint that the path leads to.
    """

    extra: bytes | None
    index: int
    path: tuple[Hash, ...]
    checkpoint: Note

    @classmethod
    def parse(cls, data: bytes) -> LogProof:
        """
        Read a proof.

        Raises:
            TextError: If it is too long or not in its one spelling.
        """
        if len(data) > MAX_PROOF_BYTES:
            raise TextError(f"proof: longer than {MAX_PROOF_BYTES} bytes")
        head, separator, note = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise TextError("proof: not ASCII before the checkpoint") from None
        if not separator or lines.pop(0) != KIND:
            raise TextError(f"proof: no checkpoint, or not of {KIND}")
        extra = _parse_extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else None
        if not lines or not lines[0].startswith("index "):
            raise TextError("proof: expected a line 'index'")
        index = parse_number(lines.pop(0).removeprefix("index "), "proof: index")
        return cls(extra, index, _parse_path(lines), Note.parse(note, MAX_NOTE_BYTES))

    def to_bytes(self) -> bytes:
        """Spell the proof."""
        lines = [KIND]
        if self.extra is not None:
            lines.append(f"extra {to_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines.extend(to_base64(sibling) for sibling in self.path)
        return "\n".join([*lines, "", ""]).encode("ascii") + self.checkpoint.to_bytes()

    def check(self, policy: Policy, entry: bytes) -> Cosigned:
        """
        Check that *entry* is number `index` of a log that fulfils *policy*.

        Raises:
            SignatureError: If the checkpoint's signatures are missing or wrong.
            PolicyError: If too few witnesses vouch for it.
            ProofError: If the path does not lead from the entry to the checkpoint's root.
        """
        cosigned = policy.check(self.checkpoint)
        checkpoint = cosigned.checkpoint
        check_inclusion(self.path, leaf_hash(entry), self.index, checkpoint.size, checkpoint.root)
        return cosigned


def _parse_extra(line: str) -> bytes:
    """Read the extra's line; an empty extra is spelt by leaving the line out."""
    extra = parse_base64(line.removeprefix("extra "), "proof: extra")
    if not 0 < len(extra) <= MAX_EXTRA_BYTES:
        raise TextError(f"proof: extra is empty or longer than {MAX_EXTRA_BYTES} bytes")
    return extra


def _parse_path(lines: Sequence[str]) -> tuple[Hash, ...]:
    """Read the hashes, one a line."""
    path = tuple(Hash(parse_base64(line, "proof: path")) for line in lines)
    if len(path) > MAX_PROOF or any(len(sibling) != HASH_SIZE for sibling in path):
        raise TextError("proof: too many hashes, or one is not of 32 bytes")
    return path
