"""
The statement: the signed cause of an event that has no other note of its own.

::

    dengwen/statement/v1
    office dengwen.example/log
    case 02ab…
    type case.withdrawn                   the type of the event that it causes
    subject -                             hash of what it is about, if anything

The petitioner signs it with the case key (withdrawn, objected), members with theirs (recused,
closed, unopenable, a message), the root threshold with its own (a recovery). The case is zeros for
what concerns the whole office. Who may cause which type stands with the types of events.

Source: docs/formats/statement.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dengwen_audit.errors import RuleError
from dengwen_audit.note import NoteHash
from dengwen_audit.statements.fields import (
    CaseId,
    check_event_type,
    check_office,
    or_none,
    parse_hash_or_none,
)
from dengwen_audit.statements.signers import check_signed_by, check_signed_only_by
from dengwen_audit.text import TextReader, TextWriter

if TYPE_CHECKING:
    from dengwen_audit.note import Note
    from dengwen_audit.statements.card import Card
    from dengwen_audit.statements.manifest import Manifest
    from dengwen_audit.statements.roster import Roster

KIND = "dengwen/statement/v1"
MAX_STATEMENT_BYTES = 4 << 10


class StatementError(RuleError):
    """The statement is well spelt, but for another office or case."""


@dataclass(frozen=True)
class Statement:
    """The statement's text; the module's docstring tells its lines."""

    office: str
    case: CaseId
    type: str
    subject: bytes | None = None

    @classmethod
    def parse(cls, text: bytes) -> Statement:
        """
        Read a statement's text. It says nothing of who signed it: see the checks below.

        Raises:
            TextError: If it is not a statement in its one spelling.
        """
        reader = TextReader(text, KIND, MAX_STATEMENT_BYTES)
        statement = cls(
            office=check_office(reader.take("office"), "statement: office"),
            case=CaseId(reader.take_hash("case")),
            type=check_event_type(reader.take("type"), "statement: type"),
            subject=parse_hash_or_none(reader.take("subject"), "statement: subject"),
        )
        reader.end()
        return statement

    def to_bytes(self) -> bytes:
        """Spell the statement's text."""
        writer = TextWriter(KIND)
        writer.line("office", self.office).line("case", self.case).line("type", self.type)
        return writer.line("subject", or_none(self.subject)).to_bytes()

    @property
    def hash(self) -> NoteHash:
        """What the event calls this statement by."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())


def check_petitioner_statement(note: Note, manifest: Manifest) -> Statement:
    """
    Check that a statement is by the petitioner of the manifest's case.

    Raises:
        TextError: If it is no statement.
        StatementError: If it is for another office or case.
        SignatureError: If the note carries anything but the case key's signature.
    """
    statement = Statement.parse(note.text)
    if (statement.office, statement.case) != (manifest.office, manifest.case):
        raise StatementError("the statement is for another office or case")
    check_signed_by(note, manifest.case_key)
    return statement


def check_member_statement(
    note: Note, roster: Roster, threshold: int = 1
) -> tuple[Statement, tuple[str, ...]]:
    """
    Check that at least *threshold* active members signed a statement; return it and their ids.

    Whether these members may say this of this case is for the caller to decide.

    Raises:
        TextError: If it is no statement.
        StatementError: If it is for another office.
        SignatureError: If too few members signed, or anybody else did.
    """
    statement = Statement.parse(note.text)
    if statement.office != roster.office:
        raise StatementError("the statement is for another office")
    keys = (member.key for member in roster.members if roster.is_active(member.id))
    signers = check_signed_only_by(note, keys, threshold)
    return statement, tuple(key.name for key in signers)


def check_root_statement(note: Note, card: Card) -> Statement:
    """
    Check that the card's root threshold signed a statement for its office.

    Raises:
        TextError: If it is no statement.
        StatementError: If it is for another office.
        SignatureError: If too few root keepers signed.
    """
    statement = Statement.parse(note.text)
    if statement.office != card.office:
        raise StatementError("the statement is for another office")
    card.check_roots(note)
    return statement
