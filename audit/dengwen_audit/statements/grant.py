"""
The grant: the root keepers' signed leave for an auditor to read events, and its end.

::

    dengwen/grant/v1                      dengwen/grant-end/v1
    office dengwen.example/log            office dengwen.example/log
    auditor auditor-2                     grant 3e9b…
    institution court-of-audit
    from-index 0                          the first record whose events may be read
    until 2025-06-30                      the last day is the one before

Both are events themselves: who may read what is in the log.

Source: docs/formats/grant.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dengwen_audit.errors import RuleError
from dengwen_audit.note import NoteHash
from dengwen_audit.statements.fields import check_office
from dengwen_audit.text import TextReader, TextWriter

if TYPE_CHECKING:
    import datetime

    from dengwen_audit.note import Note
    from dengwen_audit.statements.card import Card

KIND = "dengwen/grant/v1"
END_KIND = "dengwen/grant-end/v1"
MAX_GRANT_BYTES = 4 << 10


class GrantError(RuleError):
    """The grant, or its end, is for another office."""


@dataclass(frozen=True)
class Grant:
    """The grant's text; *until* is exclusive."""

    office: str
    auditor: str
    institution: str
    from_index: int
    until: datetime.date

    @classmethod
    def parse(cls, text: bytes) -> Grant:
        """
        Read a grant's text. It says nothing of who signed it: see `check_grant`.

        Raises:
            TextError: If it is not a grant in its one spelling.
        """
        reader = TextReader(text, KIND, MAX_GRANT_BYTES)
        grant = cls(
            office=check_office(reader.take("office"), "grant: office"),
            auditor=reader.take_token("auditor"),
            institution=reader.take_token("institution"),
            from_index=reader.take_number("from-index"),
            until=reader.take_day("until"),
        )
        reader.end()
        return grant

    def to_bytes(self) -> bytes:
        """Spell the grant's text."""
        writer = TextWriter(KIND)
        writer.line("office", self.office).line("auditor", self.auditor)
        writer.line("institution", self.institution).line("from-index", self.from_index)
        return writer.line("until", self.until).to_bytes()

    @property
    def hash(self) -> NoteHash:
        """What the event and the grant's end call this grant by."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())


@dataclass(frozen=True)
class GrantEnd:
    """The text that ends the grant of this hash."""

    office: str
    grant: bytes

    @classmethod
    def parse(cls, text: bytes) -> GrantEnd:
        """
        Read a grant's end. It says nothing of who signed it: see `check_grant_end`.

        Raises:
            TextError: If it is not a grant's end in its one spelling.
        """
        reader = TextReader(text, END_KIND, MAX_GRANT_BYTES)
        office = check_office(reader.take("office"), "grant-end: office")
        end = cls(office, reader.take_hash("grant"))
        reader.end()
        return end

    def to_bytes(self) -> bytes:
        """Spell the text."""
        writer = TextWriter(END_KIND)
        return writer.line("office", self.office).line("grant", self.grant).to_bytes()

    @property
    def hash(self) -> NoteHash:
        """What the event calls this end by."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())


def check_grant(note: Note, card: Card) -> Grant:
    """
    Check that the card's root threshold signed a grant for its office.

    Raises:
        TextError: If it is no grant.
        GrantError: If it is for another office.
        SignatureError: If too few root keepers signed.
    """
    grant = Grant.parse(note.text)
    _check_roots(note, grant.office, card)
    return grant


def check_grant_end(note: Note, card: Card) -> GrantEnd:
    """
    Check that the card's root threshold signed the end of a grant for its office.

    Raises:
        TextError: If it is no grant's end.
        GrantError: If it is for another office.
        SignatureError: If too few root keepers signed.
    """
    end = GrantEnd.parse(note.text)
    _check_roots(note, end.office, card)
    return end


def _check_roots(note: Note, office: str, card: Card) -> None:
    if office != card.office:
        raise GrantError("for another office")
    card.check_roots(note)
