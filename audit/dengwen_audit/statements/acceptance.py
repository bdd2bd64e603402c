"""
The acceptance: the office's signed promise, at once, that a petition will be in the log soon.

::

    dengwen/acceptance/v1
    office dengwen.example/log
    case 02ab…
    manifest 9c41…
    day 2025-01-01
    deadline 7200                         seconds from the answer to the log

It is signed by the intake key that the roster names. With it a dropped petition can be proved. It
names a day and no time; the same manifest accepted again on one day gives the same bytes.

Source: docs/formats/acceptance.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dengwen_audit.errors import RuleError
from dengwen_audit.note import NoteHash
from dengwen_audit.statements.fields import CaseId, check_office
from dengwen_audit.statements.signers import check_signed_by
from dengwen_audit.text import TextReader, TextWriter

if TYPE_CHECKING:
    import datetime

    from dengwen_audit.note import Note
    from dengwen_audit.statements.roster import Roster

KIND = "dengwen/acceptance/v1"
MAX_ACCEPTANCE_BYTES = 4 << 10


class AcceptanceError(RuleError):
    """The acceptance is well spelt, but for another office or with a later deadline."""


@dataclass(frozen=True)
class Acceptance:
    """The acceptance's text; *deadline* is in seconds."""

    office: str
    case: CaseId
    manifest: bytes
    day: datetime.date
    deadline: int

    @classmethod
    def parse(cls, text: bytes) -> Acceptance:
        """
        Read an acceptance's text. It says nothing of who signed it: see `check_acceptance`.

        Raises:
            TextError: If it is not an acceptance in its one spelling.
        """
        reader = TextReader(text, KIND, MAX_ACCEPTANCE_BYTES)
        acceptance = cls(
            office=check_office(reader.take("office"), "acceptance: office"),
            case=CaseId(reader.take_hash("case")),
            manifest=reader.take_hash("manifest"),
            day=reader.take_day("day"),
            deadline=reader.take_number("deadline"),
        )
        reader.end()
        return acceptance

    def to_bytes(self) -> bytes:
        """Spell the acceptance's text."""
        writer = TextWriter(KIND)
        writer.line("office", self.office).line("case", self.case).line("manifest", self.manifest)
        return writer.line("day", self.day).line("deadline", self.deadline).to_bytes()

    @property
    def hash(self) -> NoteHash:
        """What the event of the receipt calls this acceptance by."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())


def check_acceptance(note: Note, roster: Roster) -> Acceptance:
    """
    Check that the office's intake key signed an acceptance, with a deadline the roster allows.

    Whether case and manifest are those of the petition is for the caller to compare.

    Raises:
        TextError: If it is no acceptance.
        AcceptanceError: If it is for another office, or promises less than the roster.
        SignatureError: If the note carries anything but the intake key's signature.
    """
    acceptance = Acceptance.parse(note.text)
    if acceptance.office != roster.office:
        raise AcceptanceError("the acceptance is for another office")
    if acceptance.deadline > roster.acceptance_deadline:
        raise AcceptanceError("the acceptance promises less than the roster")
    check_signed_by(note, roster.intake)
    return acceptance
