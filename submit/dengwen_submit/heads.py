"""
Heads: what every holder and mirror has seen of a case, asked with a fresh nonce.

The office serves the events, so the office could leave the newest one out. It cannot make a holder
sign that it saw less than it did. Each is asked at its own address, where the roster has one, and
through the office too, with its next poll: whichever answers first counts, since both are signed.

Source: docs/formats/challenge-head.md.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

import requests

from dengwen_audit.errors import AuditError
from dengwen_audit.http_client import HttpClient
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.head import MAX_HEAD_BYTES as MAX_HEAD_TEXT_BYTES
from dengwen_audit.statements.head import Head, check_head
from dengwen_audit.statements.member import MIRROR, Member
from dengwen_keys.words import Words
from dengwen_submit.case_file import Entry
from dengwen_submit.door_client import CaseClient
from dengwen_submit.errors import CaseError, DoorError
from dengwen_submit.office import Office
from dengwen_submit.withdrawal import case_of

HEAD_TIMEOUT = 10  # seconds: for a holder asked directly
POLL_PAUSE = 0.5  # seconds between two looks for heads
MAX_HEAD_BYTES = MAX_HEAD_TEXT_BYTES + 1024  # with its one signature


class Finding(StrEnum):
    """What a holder's answer comes to; `dengwen_submit.sentences` has the words."""

    SILENT = "silent"
    NOTHING_RELEASED = "nothing-released"
    RELEASED = "released"
    NOT_LOGGED_YET = "not-logged-yet"
    HOLDS_ALL = "holds-all"
    BEHIND = "behind"


@dataclass(frozen=True)
class HolderStatement:
    """
    What one holder or mirror says of the case.

    Attributes:
        holder: Its member id.
        finding: What that comes to.
        count: How many shares it released, or how many events it has seen.
        total: How many events the office shows.
    """

    holder: str
    finding: Finding
    count: int = 0
    total: int = 0

    @property
    def agrees(self) -> bool:
        """Whether it gave a signed statement that fits what the office served."""
        return self.finding in {Finding.NOTHING_RELEASED, Finding.RELEASED, Finding.HOLDS_ALL}


def askable_holders(office: Office) -> tuple[Member, ...]:
    """Return everybody who could contradict the office and keeps a service to be asked."""
    roster = office.roster
    trustees = [member for member in roster.active("trustee") if member.address is not None]
    return (*roster.active("gatekeeper"), *roster.active("mirror"), *trustees)


@dataclass(frozen=True)
class HeadRound:
    """
    One round of questions.

    Attributes:
        session: For asking holders at their own addresses.
        clock: Gives seconds since 1970.
        patience: How many seconds to wait for holders that answer with their next poll only.
        pause: Called between two looks at what the office has received.
    """

    session: requests.Session
    clock: Callable[[], float] = time.time
    patience: float = 10.0
    pause: Callable[[], None] = lambda: time.sleep(POLL_PAUSE)

    def ask(
        self, client: CaseClient, office: Office, words: Words, holders: Sequence[Member]
    ) -> Mapping[str, Head]:
        """
        Challenge every one of *holders* and return, by member id, the heads that verify.

        A head that comes late is absent, and one that does not verify is as good as none.
        """
        note = make_challenge(office, words)
        challenge = Challenge.parse(note.text)
        found: dict[str, Head] = {}
        for member in holders:
            _keep(found, self._ask_directly(member, note), office, challenge)
        if len(found) == len(holders):
            return found
        try:
            client.challenge(note.to_bytes())
        except DoorError:  # an office that does not pass questions on is judged by the silence
            return found
        deadline = self.clock() + self.patience
        while len(found) < len(holders) and self.clock() < deadline:
            self.pause()
            for data in _heads_by_poll(client, challenge.nonce):
                _keep(found, data, office, challenge)
        return found

    def _ask_directly(self, member: Member, challenge: Note) -> bytes:
        """Ask a holder at the address in the roster, so that the office cannot stand between."""
        if member.address is None:
            return b""
        client = HttpClient(self.session, timeout=HEAD_TIMEOUT)
        try:
            answer = client.post(f"{member.address}/head", challenge.to_bytes(), MAX_HEAD_BYTES)
        except AuditError:
            return b""
        return answer.body if answer.status == HTTPStatus.OK else b""


def make_challenge(office: Office, words: Words) -> Note:
    """Return a signed challenge with a fresh nonce for the case of these *words*."""
    key = words.signing_key()
    challenge = Challenge(
        office.card.office,
        case_of(words),
        key.verification_key.public_key,
        words.mailbox().recipient.text,
        secrets.token_bytes(32),
    )
    return sign_note(challenge.to_bytes(), key)


def _heads_by_poll(client: CaseClient, nonce: bytes) -> list[bytes]:
    try:
        served = json.loads(client.heads(nonce))
        return [text.encode() for text in served["heads"]]
    except (DoorError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _keep(found: dict[str, Head], data: bytes, office: Office, challenge: Challenge) -> None:
    """Keep *data* if it is a head for this challenge by a holder of the roster."""
    try:
        head = check_head(Note.parse(data, MAX_HEAD_BYTES), office.roster, challenge)
    except AuditError:
        return
    found.setdefault(head.holder, head)


def judge_head(member: Member, head: Head | None, entries: Sequence[Entry]) -> HolderStatement:
    """
    Hold one signed statement against what the office served after it was made.

    Raises:
        CaseError: If the holder has seen an event, or released for a request, that the office left
            out: the statement is proof of it.
    """
    if head is None:
        return HolderStatement(member.id, Finding.SILENT)
    if head.seen_number > len(entries):
        raise CaseError(f"{member.id} has seen newer events than the office shows")
    if head.seen_number and entries[head.seen_number - 1].event.hash != head.seen_hash:
        raise CaseError(f"{member.id} has seen another history than the office shows")
    requested = {e.event.cause for e in entries if e.event.type.endswith(".requested")}
    if not requested.issuperset(head.released):
        raise CaseError(f"{member.id} released a share for a request that the office does not show")
    if member.role == MIRROR:
        return _judge_mirror(member, head, len(entries))
    return _judge_holder(member, head, entries)


def _judge_mirror(member: Member, head: Head, total: int) -> HolderStatement:
    """A mirror holds everything, so it must have seen all."""
    finding = Finding.HOLDS_ALL if head.seen_number == total else Finding.BEHIND
    return HolderStatement(member.id, finding, head.seen_number, total)


def _judge_holder(member: Member, head: Head, entries: Sequence[Entry]) -> HolderStatement:
    """A share that has left must be in the log as well, at the latest with the next tick."""
    shown = {e.released_request for e in entries if e.event.actor == member.id}
    count = len(head.released)
    if not shown.issuperset(head.released):
        finding = Finding.NOT_LOGGED_YET
    else:
        finding = Finding.RELEASED if count else Finding.NOTHING_RELEASED
    return HolderStatement(member.id, finding, count, len(entries))
