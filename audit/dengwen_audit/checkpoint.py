"""
A checkpoint: which log, how many entries, and the root over them. Signed, it is the log's word.

::

    example.org/log                                     the origin: which log
    4195                                                how many entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=        the root, base64

Extension lines, which the standard allows, are refused: implementations disagree about who signs
them, and this log has none.

Source: C2SP tlog-checkpoint.md v1.0.0; docs/formats/log.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dengwen_audit.merkle import EMPTY_ROOT, HASH_SIZE, Hash
from dengwen_audit.text import MAX_NUMBER, TextError, parse_base64, parse_number, to_base64

MAX_CHECKPOINT_BYTES = 512  # the text, without signatures
_LINES = 3
_ORIGIN = re.compile(r"[!-*,-~]{1,255}")  # printable ASCII, no space and no plus: a key name too


@dataclass(frozen=True)
class Checkpoint:
    """
    The state of a log.

    Attributes:
        origin: The log's name, which is also the name of its key.
        size: How many entries it has.
        root: The root of the tree over them.
    """

    origin: str
    size: int
    root: Hash

    def __post_init__(self) -> None:
        """Refuse what `parse` would refuse."""
        if not _ORIGIN.fullmatch(self.origin):
            raise TextError("checkpoint: not an origin of printable letters")
        if not 0 <= self.size <= MAX_NUMBER or len(self.root) != HASH_SIZE:
            raise TextError("checkpoint: no such size, or not a root of 32 bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise TextError("checkpoint: not the root of the empty tree")

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """
        Read the text of a checkpoint note.

        Raises:
            TextError: If it is not three lines in their one spelling.
        """
        try:
            lines = text.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise TextError("checkpoint: not ASCII") from None
        if len(text) > MAX_CHECKPOINT_BYTES or len(lines) != _LINES + 1 or lines[-1]:
            raise TextError("checkpoint: not three lines")
        size = parse_number(lines[1], "checkpoint: size")
        return cls(lines[0], size, Hash(parse_base64(lines[2], "checkpoint: root")))

    def to_bytes(self) -> bytes:
        """Spell the text, which is what the log and its witnesses sign."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n".encode("ascii")
