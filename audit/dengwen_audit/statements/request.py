"""
The request: a reviewer's signed wish to open one compartment of one case, once.

::

    dengwen/request/v1
    office dengwen.example/log
    case 02ab…
    manifest 9c41…
    compartment petition
    purpose review                        review, contact, court-order or danger-to-life
    requester reviewer-4
    roster 5f1e…
    recipient age1pq1…                    made for this request: releases are sealed to it
    after-size 1234                       a checkpoint the requester saw: signed after it
    after-root 4f0c…
    last-index 1294                       the last record that may hold the request: signed before
    nonce 0d6a…
    reason -                              hash of the sealed reason for a disclosure

It carries one signature line by the requester; a disclosure carries a second, by another member of
the panel. Nothing is released against a request that is not in the log.

Source: docs/formats/request.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dengwen_audit.errors import RuleError
from dengwen_audit.note import NoteHash
from dengwen_audit.statements.fields import (
    CaseId,
    check_compartment_name,
    check_office,
    check_recipient,
    or_none,
    parse_hash_or_none,
)
from dengwen_audit.statements.manifest import IDENTITY
from dengwen_audit.statements.member import REVIEWER
from dengwen_audit.statements.signers import check_signed_only_by
from dengwen_audit.text import TextError, TextReader, TextWriter

if TYPE_CHECKING:
    from dengwen_audit.note import Note
    from dengwen_audit.statements.roster import Roster

KIND = "dengwen/request/v1"
MAX_REQUEST_BYTES = 16 << 10

REVIEW = "review"
CONTACT = "contact"
COURT_ORDER = "court-order"
DANGER_TO_LIFE = "danger-to-life"
PURPOSES = (REVIEW, CONTACT, COURT_ORDER, DANGER_TO_LIFE)


class RequestError(RuleError):
    """The request is well spelt, but no holder may release against it."""


class RequestRosterError(RequestError):
    """The request was made for another office or under another roster."""


class RequesterError(RequestError):
    """The requester is no active reviewer of the roster, or did not sign."""


class PurposeError(RequestError):
    """The purpose does not fit the compartment: an identity is never opened for review."""


@dataclass(frozen=True)
class Request:
    """The request's text; the module's docstring tells its lines."""

    office: str
    case: CaseId
    manifest: bytes
    compartment: str
    purpose: str
    requester: str
    roster: bytes
    recipient: str
    after_size: int
    after_root: bytes
    last_index: int
    nonce: bytes
    reason: bytes | None = None

    @classmethod
    def parse(cls, text: bytes) -> Request:
        """
        Read a request's text. It says nothing of who signed it: see `check_request`.

        Raises:
            TextError: If it is not a request in its one spelling.
        """
        reader = TextReader(text, KIND, MAX_REQUEST_BYTES)
        request = cls(
            office=check_office(reader.take("office"), "request: office"),
            case=CaseId(reader.take_hash("case")),
            manifest=reader.take_hash("manifest"),
            compartment=check_compartment_name(reader.take("compartment"), "request: compartment"),
            purpose=reader.take("purpose"),
            requester=reader.take_token("requester"),
            roster=reader.take_hash("roster"),
            recipient=check_recipient(reader.take("recipient"), "request: recipient"),
            after_size=reader.take_number("after-size"),
            after_root=reader.take_hash("after-root"),
            last_index=reader.take_number("last-index"),
            nonce=reader.take_hash("nonce"),
            reason=parse_hash_or_none(reader.take("reason"), "request: reason"),
        )
        reader.end()
        if request.purpose not in PURPOSES:
            raise TextError("request: no such purpose")
        return request

    def to_bytes(self) -> bytes:
        """Spell the request's text."""
        writer = TextWriter(KIND)
        writer.line("office", self.office).line("case", self.case).line("manifest", self.manifest)
        writer.line("compartment", self.compartment).line("purpose", self.purpose)
        writer.line("requester", self.requester).line("roster", self.roster)
        writer.line("recipient", self.recipient).line("after-size", self.after_size)
        writer.line("after-root", self.after_root).line("last-index", self.last_index)
        return writer.line("nonce", self.nonce).line("reason", or_none(self.reason)).to_bytes()

    @property
    def hash(self) -> NoteHash:
        """What answers, heads and events call this request by."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())


def check_request(note: Note, roster: Roster) -> Request:
    """
    Check what can be said of a request by itself: roster, requester, signatures, purpose.

    Whether it is in the log, whether the requester is on the panel, whether it is too old or one
    too many are questions for the holder.

    Raises:
        TextError: If it is no request.
        SignatureError: If a line is wrong, or by anybody but active reviewers.
        RequestError: The class says which rule is broken.
    """
    request = Request.parse(note.text)
    if (request.office, request.roster) != (roster.office, roster.hash):
        raise RequestRosterError("the request is for another office or roster")
    if request.requester not in request_signers(note, roster):
        raise RequesterError("the requester is no active reviewer, or did not sign")
    if (request.compartment == IDENTITY) == (request.purpose == REVIEW):
        raise PurposeError("the purpose does not fit the compartment")
    return request


def request_signers(note: Note, roster: Roster) -> tuple[str, ...]:
    """
    Return the ids of the active reviewers who signed a request; nobody else may have.

    Raises:
        SignatureError: If a line is wrong, or by anybody else, or there is none.
    """
    keys = (member.key for member in roster.active(REVIEWER))
    return tuple(key.name for key in check_signed_only_by(note, keys))
