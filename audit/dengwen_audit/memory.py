"""
What an auditor remembers of a log between two visits, in a small file.

::

    dengwen/audit-memory/v1
    office dengwen.example/log
    checkpoint ZGVu…                       the newest checkpoint that was found sound, base64
    visit 1440 88aa… 1735689600            size, root, and the witnesses' time, for each visit

Without a memory a monitor sees that a log is sound; with it, that it is still the same log. A
checkpoint that contradicts the memory is a proof only beside the one in the memory: so the memory
keeps the whole note, and is never changed by a visit that found a breach.

Source: docs/formats/monitor.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.errors import AuditError
from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note
from dengwen_audit.text import (
    HASH_SIZE,
    TextError,
    TextReader,
    TextWriter,
    parse_base64,
    parse_hex,
    parse_number,
    split_fields,
    to_base64,
)
from dengwen_audit.tile_writer import write_durably

KIND = "dengwen/audit-memory/v1"
MAX_VISITS = 500
MAX_MEMORY_BYTES = 256 * 1024


@dataclass(frozen=True)
class Visit:
    """A size and root of the log, and when witnesses vouched for them, in seconds since 1970."""

    size: int
    root: Hash
    time: int


@dataclass(frozen=True)
class Memory:
    """
    The visits to one log, the newest last; there is at least one.

    Attributes:
        checkpoint: The note seen last.
    """

    office: str
    checkpoint: Note
    visits: tuple[Visit, ...]

    @property
    def last(self) -> Visit:
        """The newest visit."""
        return self.visits[-1]

    @classmethod
    def begin(cls, note: Note, visit: Visit) -> Memory:
        """Begin with a first visit."""
        return cls(Checkpoint.parse(note.text).origin, note, (visit,))

    def then(self, note: Note, visit: Visit) -> Memory:
        """Return the memory after another visit; the oldest visits are forgotten at some time."""
        visits = (*self.visits, visit)
        return Memory(self.office, note, visits[-MAX_VISITS:])

    @classmethod
    def parse(cls, data: bytes) -> Memory:
        """
        Read a memory.

        Raises:
            TextError: If it is not one.
        """
        reader = TextReader(data, KIND, MAX_MEMORY_BYTES)
        office = reader.take("office")
        note = Note.parse(parse_base64(reader.take("checkpoint"), "memory: checkpoint"))
        visits = tuple(map(_parse_visit, reader.take_all("visit", MAX_VISITS)))
        reader.end()
        if not visits or Checkpoint.parse(note.text).origin != office:
            raise TextError("memory: no visit, or a checkpoint of another log")
        return cls(office, note, visits)

    def to_bytes(self) -> bytes:
        """Spell the memory."""
        writer = TextWriter(KIND).line("office", self.office)
        writer.line("checkpoint", to_base64(self.checkpoint.to_bytes()))
        return writer.lines("visit", ((v.size, v.root, v.time) for v in self.visits)).to_bytes()


def read_memory(path: Path, office: str) -> Memory | None:
    """
    Read what is remembered of *office*; None if nothing is.

    Raises:
        AuditError: If the file is of another office, or no memory.
    """
    if not path.exists():
        return None
    memory = Memory.parse(path.read_bytes())
    if memory.office != office:
        raise AuditError("the memory is of another office's log")
    return memory


def write_memory(path: Path, memory: Memory) -> None:
    """Write a memory, whole or not at all."""
    write_durably(path, memory.to_bytes())


def _parse_visit(line: str) -> Visit:
    where = "memory: visit"
    size, root, time = split_fields(line, 3, where)
    hash_ = Hash(parse_hex(root, HASH_SIZE, where))
    return Visit(parse_number(size, where), hash_, parse_number(time, where))
