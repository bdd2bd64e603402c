"""
What the holders answered, as the requester reads it: shares, reasons, and what is wrong with them.

Nothing of an answer is believed for its place in a list: the note must be signed by the holder of
the seat it names, for this very request, and the sealed bytes must be those it names. A share must
be the one that the petitioner committed to. A holder that answers wrongly is named, and the others
still count.

Source: docs/formats/answer.md; docs/formats/reason.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.answer import Answer, check_answer
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.request import Request
from dengwen_audit.statements.roster import Roster
from dengwen_keys.age.identities import Identity, decrypt
from dengwen_keys.compartment import check_share
from dengwen_keys.errors import KeysError
from dengwen_keys.gatekeeper.answers import Reason
from dengwen_keys.office_client import ServedAnswer


class WrongAnswerError(KeysError):
    """An answer is not one to this request by the holder it names."""


@dataclass(frozen=True, repr=False)
class Asked:
    """
    A request that was made, and the key that its answers are sealed to.

    Attributes:
        note: The signed request.
        fresh: Opens the answers; made for this request, and destroyed with it.
    """

    note: Note
    request: Request
    fresh: Identity

    @property
    def hash(self) -> NoteHash:
        """What the answers call the request by."""
        return self.note.hash


@dataclass(frozen=True, repr=False)
class Collected:
    """
    The answers so far.

    Attributes:
        shares: By seat, what each holder released: share and context.
        reasons: By holder, why no share left.
        faults: By holder, what is wrong with the answer; an answer that nobody signed is under "?".
    """

    shares: Mapping[int, bytes]
    reasons: Mapping[str, Reason]
    faults: Mapping[str, str]


def collect(
    answers: Iterable[ServedAnswer], asked: Asked, manifest: Manifest, roster: Roster
) -> Collected:
    """
    Open and check every answer.

    Args:
        manifest: Checked, and as it was logged.
        roster: The one that the request names, checked.
    """
    shares: dict[int, bytes] = {}
    reasons: dict[str, Reason] = {}
    faults: dict[str, str] = {}
    for served in answers:
        try:
            answer = check_answer(Note.parse(served.note), roster)
        except AuditError:
            faults["?"] = "not signed by a holder of the roster"
            continue
        try:
            plaintext = _open(answer, served.sealed, asked)
            if answer.is_release:
                check_share(plaintext, manifest, answer.compartment, answer.seat)
                shares[answer.seat] = plaintext
            else:
                reasons[answer.holder] = _read_reason(plaintext, asked)
        except (KeysError, AuditError) as error:
            faults[answer.holder] = str(error)
    return Collected(shares, reasons, faults)


def _open(answer: Answer, sealed: bytes, asked: Asked) -> bytes:
    """Open what came with an answer, if it was signed for and is for this request."""
    request = asked.request
    named = (answer.request, answer.case, answer.compartment)
    if named != (asked.hash, request.case, request.compartment):
        raise WrongAnswerError("the answer is to another request")
    if hashlib.sha256(sealed).digest() != answer.sealed:
        raise WrongAnswerError("the sealed bytes are not those that were signed for")
    return decrypt([asked.fresh], sealed)


def _read_reason(plaintext: bytes, asked: Asked) -> Reason:
    reason = Reason.unpad(plaintext)
    if reason.request != asked.hash:
        raise WrongAnswerError("the reason is for another request")
    return reason
