"""Tests of memory.py: what is remembered between two visits."""

from pathlib import Path

import pytest

from dengwen_audit.errors import AuditError
from dengwen_audit.memory import Memory, read_memory, write_memory
from dengwen_audit.text import TextError
from tests.audit.public_office import PublicOffice, remember, signed_office
from tests.small_office import (
    OFFICE,
)


@pytest.fixture
def office(tmp_path: Path) -> PublicOffice:
    """Return an office whose log has 300 records, signed."""
    return signed_office(tmp_path / "public")


def test_a_memory_is_read_as_it_was_written(office: PublicOffice, tmp_path: Path) -> None:
    """In one spelling."""
    memory = remember(office)
    write_memory(tmp_path / "memory", memory)
    assert read_memory(tmp_path / "memory", OFFICE) == memory
    assert Memory.parse(memory.to_bytes()).to_bytes() == memory.to_bytes()


def test_there_may_be_no_memory(tmp_path: Path) -> None:
    """Then it is the first visit."""
    assert read_memory(tmp_path / "memory", OFFICE) is None


def test_the_memory_of_another_office_is_refused(office: PublicOffice, tmp_path: Path) -> None:
    """Nobody compares two logs by mistake."""
    write_memory(tmp_path / "memory", remember(office))
    with pytest.raises(AuditError, match="another office"):
        read_memory(tmp_path / "memory", "other.example/log")


def test_the_oldest_visits_are_forgotten(office: PublicOffice) -> None:
    """The file stays small."""
    memory = remember(office)
    for _ in range(600):
        memory = memory.then(memory.checkpoint, memory.last)
    assert len(memory.visits) == 500
    assert Memory.parse(memory.to_bytes()) == memory


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("dengwen/audit-memory/v1", "dengwen/audit-memory/v2"),
        (f"office {OFFICE}", "office other.example/log"),
        ("visit 300 ", "visit 0300 "),
        ("visit 300 ", "visit 300"),
        ("\nvisit ", "\nvisits "),
    ],
)
def test_a_misspelt_memory_is_refused(office: PublicOffice, line: str, bad: str) -> None:
    """A memory that cannot be read is no first visit."""
    data = remember(office).to_bytes()
    assert line.encode() in data
    with pytest.raises(TextError):
        Memory.parse(data.replace(line.encode(), bad.encode()))
