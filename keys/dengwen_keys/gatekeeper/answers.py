"""
What a holder says in answer to a request: a share or a reason, sealed to the requester, and signed.

The signed note names the request and the hash of the sealed bytes, so that the office can log it
without reading it. A release seals ``share ‖ context`` as the holder found it. A refusal seals a
reason, always of one length, so that nobody but the requester learns which check failed::

    dengwen/reason/v1
    request HASH
    code not-in-panel                     a slug of docs/formats/gatekeeper-checks.md
    words the requester is not in the panel of the case

Source: docs/formats/answer.md, docs/formats/reason.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from dengwen_audit.note import NoteHash, SigningKey, sign_note
from dengwen_audit.statements.answer import REFUSAL, RELEASE, Answer
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.text import TextReader, TextWriter
from dengwen_keys.age.recipients import Recipient, encrypt
from dengwen_keys.compartment import SharePlain
from dengwen_keys.gatekeeper.refusals import Refused
from dengwen_keys.gatekeeper.store import StoredAnswer
from dengwen_keys.padding import LENGTH_SIZE, pad, unpad

REASON_KIND = "dengwen/reason/v1"
REASON_SIZE = 512  # bytes, padded
MAX_REASON_BYTES = REASON_SIZE - LENGTH_SIZE


@dataclass(frozen=True)
class Reason:
    """Why a share did not leave, for the requester alone."""

    request: NoteHash
    code: str
    words: str

    @classmethod
    def parse(cls, data: bytes) -> Reason:
        """
        Read a reason, its padding removed.

        Raises:
            TextError: If it is not one, in its one spelling.
        """
        reader = TextReader(data, REASON_KIND, MAX_REASON_BYTES)
        request = NoteHash(reader.take_hash("request"))
        reason = cls(request, reader.take_token("code"), reader.take("words"))
        reader.end()
        return reason

    def to_bytes(self) -> bytes:
        """Spell the reason."""
        writer = TextWriter(REASON_KIND).line("request", self.request)
        return writer.line("code", self.code).line("words", self.words).to_bytes()

    @classmethod
    def unpad(cls, padded: bytes) -> Reason:
        """
        Read what a refusal sealed.

        Raises:
            FormatError: If it is not a reason padded to its one length.
        """
        return cls.parse(unpad(padded))


@dataclass(frozen=True)
class Question:
    """What both answers repeat of the request and of who answers."""

    office: str
    case: CaseId
    compartment: str
    request: NoteHash
    recipient: str
    holder: str
    seat: int


def release(question: Question, share: SharePlain, key: SigningKey) -> StoredAnswer:
    """Seal a share to the requester's fresh recipient, and sign that it left."""
    return _answer(question, RELEASE, share.to_bytes(), key)


def refuse(question: Question, refusal: Refused, key: SigningKey) -> StoredAnswer:
    """Seal the reason to the requester's fresh recipient, and sign that no share left."""
    reason = Reason(question.request, refusal.slug, str(refusal))
    return _answer(question, REFUSAL, pad(reason.to_bytes(), REASON_SIZE), key)


def _answer(question: Question, kind: str, plaintext: bytes, key: SigningKey) -> StoredAnswer:
    sealed = encrypt([Recipient.parse(question.recipient)], plaintext)
    answer = Answer(
        kind=kind,
        office=question.office,
        case=question.case,
        compartment=question.compartment,
        request=question.request,
        holder=question.holder,
        seat=question.seat,
        sealed=hashlib.sha256(sealed).digest(),
    )
    note = sign_note(answer.to_bytes(), key).to_bytes()
    return StoredAnswer(question.request, kind == RELEASE, note, sealed)
