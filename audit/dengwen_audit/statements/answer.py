"""
The answer: a holder's signed release of its share, or its refusal, to one request.

::

    dengwen/release/v1                    or dengwen/refusal/v1
    office dengwen.example/log
    case 02ab…
    compartment petition
    request 7be3…                         hash of the request
    holder gatekeeper-1
    seat 1
    sealed c81d…                          SHA-256 of what travels beside it

What travels beside it is sealed to the request's recipient: the share with its context, or the
reason for the refusal. So a delivered share cannot be denied, and an undelivered one not claimed.

Source: docs/formats/answer.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dengwen_audit.errors import RuleError
from dengwen_audit.note import NoteHash
from dengwen_audit.statements.fields import CaseId, check_compartment_name, check_office
from dengwen_audit.statements.member import HOLDERS
from dengwen_audit.statements.signers import check_signed_by
from dengwen_audit.text import TextReader, TextWriter

if TYPE_CHECKING:
    from dengwen_audit.note import Note
    from dengwen_audit.statements.roster import Roster

RELEASE = "dengwen/release/v1"
REFUSAL = "dengwen/refusal/v1"
MAX_ANSWER_BYTES = 4 << 10


class AnswerError(RuleError):
    """The answer is well spelt, but not by an active holder of the seat and office it names."""


@dataclass(frozen=True)
class Answer:
    """The answer's text; *kind* is `RELEASE` or `REFUSAL`."""

    kind: str
    office: str
    case: CaseId
    compartment: str
    request: bytes
    holder: str
    seat: int
    sealed: bytes

    @property
    def is_release(self) -> bool:
        """Whether the share left."""
        return self.kind == RELEASE

    @classmethod
    def parse(cls, text: bytes) -> Answer:
        """
        Read an answer's text. It says nothing of who signed it: see `check_answer`.

        Raises:
            TextError: If it is not an answer in its one spelling.
        """
        kind = REFUSAL if text.startswith(REFUSAL.encode() + b"\n") else RELEASE
        reader = TextReader(text, kind, MAX_ANSWER_BYTES)
        answer = cls(
            kind=kind,
            office=check_office(reader.take("office"), "answer: office"),
            case=CaseId(reader.take_hash("case")),
            compartment=check_compartment_name(reader.take("compartment"), "answer: compartment"),
            request=reader.take_hash("request"),
            holder=reader.take_token("holder"),
            seat=reader.take_number("seat"),
            sealed=reader.take_hash("sealed"),
        )
        reader.end()
        return answer

    def to_bytes(self) -> bytes:
        """Spell the answer's text."""
        writer = TextWriter(self.kind)
        writer.line("office", self.office).line("case", self.case)
        writer.line("compartment", self.compartment).line("request", self.request)
        writer.line("holder", self.holder).line("seat", self.seat)
        return writer.line("sealed", self.sealed).to_bytes()

    @property
    def hash(self) -> NoteHash:
        """What the event calls this answer by."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())


def check_answer(note: Note, roster: Roster) -> Answer:
    """
    Check that an answer is by the active holder whose seat it names.

    Whether the request exists and asks for this kind of holder is for the caller to compare.

    Raises:
        TextError: If it is no answer.
        AnswerError: If office, holder and seat are not those of the roster.
        SignatureError: If the note carries anything but the holder's signature.
    """
    answer = Answer.parse(note.text)
    if answer.office != roster.office or not roster.is_active(answer.holder):
        raise AnswerError("another office, or no active member")
    holder = roster.member(answer.holder)
    if holder.role not in HOLDERS or holder.seat != answer.seat:
        raise AnswerError("no holder, or another seat")
    check_signed_by(note, holder.key)
    return answer
