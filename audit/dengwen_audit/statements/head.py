"""
The head: a holder's or mirror's signed answer to a challenge, what it has seen of a case.

::

    dengwen/head/v1
    office dengwen.example/log
    case 02ab…
    nonce 51c9…                           of the challenge
    holder gatekeeper-1
    seen 3 88aa…                          number and hash of the newest event; 0 and zeros for none
    released 7be3…                        each request for which its share left, by rising hash

A head that fits no chain of events the office serves, or that names a request the office hides, is
a signed proof that the office withholds something.

Source: docs/formats/challenge-head.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dengwen_audit.errors import RuleError
from dengwen_audit.note import NoteHash
from dengwen_audit.statements.fields import CaseId, check_office
from dengwen_audit.statements.member import HOLDERS, MIRROR
from dengwen_audit.statements.signers import check_signed_by
from dengwen_audit.text import (
    HASH_SIZE,
    ZERO_HASH,
    TextError,
    TextReader,
    TextWriter,
    parse_hex,
    parse_number,
)

if TYPE_CHECKING:
    from dengwen_audit.note import Note
    from dengwen_audit.statements.challenge import Challenge
    from dengwen_audit.statements.roster import Roster

KIND = "dengwen/head/v1"
MAX_HEAD_BYTES = 256 << 10
MAX_RELEASED = 3000


class HeadError(RuleError):
    """The head is well spelt, but not an answer to this challenge by a holder or mirror."""


@dataclass(frozen=True)
class Head:
    """The head's text; the module's docstring tells its lines."""

    office: str
    case: CaseId
    nonce: bytes
    holder: str
    seen_number: int = 0
    seen_hash: bytes = ZERO_HASH
    released: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, text: bytes) -> Head:
        """
        Read a head's text. It says nothing of who signed it: see `check_head`.

        Raises:
            TextError: If it is not a head in its one spelling.
        """
        reader = TextReader(text, KIND, MAX_HEAD_BYTES)
        office = check_office(reader.take("office"), "head: office")
        case, nonce = CaseId(reader.take_hash("case")), reader.take_hash("nonce")
        holder = reader.take_token("holder")
        number, hash_ = reader.take_fields("seen", 2)
        released = reader.take_all("released", MAX_RELEASED)
        reader.end()
        head = cls(
            office=office,
            case=case,
            nonce=nonce,
            holder=holder,
            seen_number=parse_number(number, "head: seen"),
            seen_hash=parse_hex(hash_, HASH_SIZE, "head: seen"),
            released=tuple(parse_hex(line, HASH_SIZE, "head: released") for line in released),
        )
        if (head.seen_number == 0) != (head.seen_hash == ZERO_HASH):
            raise TextError("head: seen: a number without a hash, or a hash without a number")
        if head.released != tuple(sorted(set(head.released))):
            raise TextError("head: released: not in rising order, each once")
        return head

    def to_bytes(self) -> bytes:
        """Spell the head's text."""
        writer = TextWriter(KIND)
        writer.line("office", self.office).line("case", self.case).line("nonce", self.nonce)
        writer.line("holder", self.holder).line("seen", self.seen_number, self.seen_hash)
        return writer.lines("released", ((request,) for request in self.released)).to_bytes()

    @property
    def hash(self) -> NoteHash:
        """SHA-256 of the text."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())


def check_head(note: Note, roster: Roster, challenge: Challenge) -> Head:
    """
    Check that a head answers *challenge* and is by an active holder or mirror of *roster*.

    Raises:
        TextError: If it is no head.
        HeadError: If it answers another challenge, or its signer has no head to give.
        SignatureError: If the note carries anything but the signer's signature.
    """
    head = Head.parse(note.text)
    expected = (challenge.office, challenge.case, challenge.nonce)
    if (head.office, head.case, head.nonce) != expected or head.office != roster.office:
        raise HeadError("the head answers another challenge")
    if not roster.is_active(head.holder):
        raise HeadError("the head is not by an active member")
    holder = roster.member(head.holder)
    if holder.role not in (*HOLDERS, MIRROR):
        raise HeadError("the head is not by a holder or mirror")
    check_signed_by(note, holder.key)
    return head
