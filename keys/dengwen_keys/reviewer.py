"""
A reviewer's client: lists the desk, asks to open a petition, and opens it on this computer.

Whatever the office serves is checked against the pinned card: the newest record of a freshly
cosigned log names the roster; the log names the manifest; the manifest names every part. The shares
come sealed to a key made for this one request, and the petition is rebuilt here and nowhere else.

Source: docs/formats/request.md; docs/formats/gatekeeper-checks.md.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import requests

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.errors import AuditError
from dengwen_audit.event import Event
from dengwen_audit.note import Note, NoteHash, SigningKey, sign_note
from dengwen_audit.receipt import check_latest, check_receipt
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.fields import NONCE_SIZE, CaseId
from dengwen_audit.statements.manifest import ATTACHMENT, PETITION, Manifest, check_manifest
from dengwen_audit.statements.request import REVIEW, Request
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import check_past_roster, check_roster
from dengwen_keys.age.identities import Identity
from dengwen_keys.contents import Left
from dengwen_keys.errors import KeysError
from dengwen_keys.keyfile import MemberKeys
from dengwen_keys.office_client import (
    DeskClient,
    DoorClient,
    OfficeRefusalError,
    ServedCase,
    max_proof_age,
    poll_interval,
)
from dengwen_keys.opening import OpenedPetition, open_left, open_petition, rebuild
from dengwen_keys.released import Asked, Collected, collect

RECEIVED = "petition.received"
NOT_HERE_YET = "not-here-yet"  # what the desk calls an attachment that has not come


class NotLoggedError(KeysError):
    """The log does not hold what the office serves: do not use it, and tell an auditor."""


class NoSuchCaseError(KeysError):
    """The desk has no such case, or more than one."""


class NotHereYetError(KeysError):
    """An attachment has not come yet: only the petitioner can send it, so look again later."""


class NoSealingKeyError(KeysError):
    """The key file has no sealing key: it is not a reviewer's."""


@dataclass(frozen=True)
class OfficeView:
    """The newest of an office: its log, and the roster in force."""

    checkpoint: Checkpoint
    roster: Roster


@dataclass(frozen=True)
class DeskCase:
    """
    A case on the desk, as far as it is known before it is opened.

    Attributes:
        left: What the petitioner sealed to the whole panel; none if it cannot be opened.
        fault: Why not.
    """

    served: ServedCase
    left: Left | None
    fault: str = ""


@dataclass(frozen=True)
class Progress:
    """
    What became of a request so far.

    Attributes:
        is_logged: Whether its event is in the public log, proven.
        needed: How many shares it takes.
        seats: Of how many.
    """

    is_logged: bool
    needed: int
    seats: int
    collected: Collected

    @property
    def is_enough(self) -> bool:
        """Whether the petition can be opened."""
        return len(self.collected.shares) >= self.needed

    @property
    def is_hopeless(self) -> bool:
        """Whether so many refused that the rest is too few."""
        return self.seats - len(self.collected.reasons) < self.needed


class Reviewer:
    """
    One reviewer of one office.

    Args:
        card: The pinned card, checked.
        clock: Gives seconds since 1970.

    Attributes:
        interval: Seconds between two looks at what became of a request.
    """

    def __init__(
        self, card: Card, keys: MemberKeys, session: requests.Session, clock: Callable[[], float]
    ) -> None:
        if keys.sealing_seed is None:
            raise NoSealingKeyError("the key file has no sealing key")
        self._card = card
        self._id = keys.id
        self._key = SigningKey(keys.id, keys.signing_seed)
        self._identity = Identity.from_seed(keys.sealing_seed)
        self._door = DoorClient(card.door, session)
        self._desk = DeskClient(card.desk, session, self._key, clock)
        self._clock = clock
        self.interval = poll_interval(card.tick)
        self._manifests: dict[CaseId, Note] = {}  # proven ones; a case has one for ever

    @property
    def identity(self) -> Identity:
        """The reviewer's own sealing identity."""
        return self._identity

    def look(self) -> OfficeView:
        """
        Return the office's newest checkpoint and the roster it names, checked.

        Raises:
            AuditError: If they do not hold, or are too old.
            OfficeError: If the office does not answer.
        """
        now = self._clock()
        max_age = max_proof_age(self._card.tick)
        record, cosigned = check_latest(self._door.latest(), self._card.policy, now, max_age)
        note = self._roster_note(NoteHash(record.roster))
        today = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
        return OfficeView(cosigned.checkpoint, check_roster(note, self._card, today, None))

    def cases(self) -> list[DeskCase]:
        """Return the desk: each case with the language and urgency that its petitioner sealed."""
        return [self._look_into(served) for served in self._desk.cases()]

    def find(self, beginning: str) -> CaseId:
        """
        Return the one case of the desk whose id has this *beginning* in hexadecimal.

        Raises:
            NoSuchCaseError: If there is none, or more than one.
        """
        found = [c.case for c in self._desk.cases() if c.case.hex().startswith(beginning.lower())]
        if len(found) != 1 or not beginning:
            raise NoSuchCaseError("no case on your desk begins like that, or more than one does")
        return found[0]

    def manifest(self, case: CaseId) -> Note:
        """
        Return a case's manifest, checked, and proven to be the one that the log names.

        Raises:
            AuditError: If it does not hold.
            NotLoggedError: If the log names another, or none yet.
        """
        if case not in self._manifests:
            self._manifests[case] = self._prove_manifest(case)
        return self._manifests[case]

    def left(self, case: CaseId) -> Left:
        """Return what the petitioner sealed to the panel: its half of the lock, and for triage."""
        return self._left(self.manifest(case))

    def ask(self, case: CaseId) -> Asked:
        """
        Make a request to open a petition, sealed to a fresh key; nothing is sent yet.

        Keep it safely before `send`: if the fresh key is lost, a new request must be made.
        """
        view, manifest = self.look(), self.manifest(case)
        fresh = Identity.generate()
        request = Request(
            office=self._card.office,
            case=case,
            manifest=manifest.hash,
            compartment=PETITION,
            purpose=REVIEW,
            requester=self._id,
            roster=view.roster.hash,
            recipient=fresh.recipient.to_text(),
            after_size=view.checkpoint.size,
            after_root=view.checkpoint.root,
            last_index=view.checkpoint.size + view.roster.request_lifetime // self._card.tick,
            nonce=secrets.token_bytes(NONCE_SIZE),
        )
        return Asked(sign_note(request.to_bytes(), self._key), request, fresh)

    def send(self, asked: Asked) -> None:
        """Send a request; the office logs it at its next tick, and only then holders answer."""
        self._desk.ask(asked.note.to_bytes())

    def progress(self, asked: Asked) -> Progress:
        """
        Return what became of a request: whether it is logged, and every answer, opened and checked.

        Raises:
            NotLoggedError: If the office's proof is of another event.
        """
        state = self._desk.request(asked.hash)
        manifest = self._checked_manifest(asked)
        line = manifest.compartment(asked.request.compartment)
        roster = self._past_roster(NoteHash(asked.request.roster))
        return Progress(
            is_logged=state.receipt is not None and self._is_logged(state.receipt, asked),
            needed=line.k,
            seats=line.n,
            collected=collect(state.answers, asked, manifest, roster),
        )

    def open(self, asked: Asked, progress: Progress) -> OpenedPetition:
        """
        Open a petition with the shares that came, on this computer.

        Raises:
            TooFewSharesError: If they are fewer than it takes.
            UnopenableError: If the petitioner's client sealed nonsense.
        """
        manifest = self._checked_manifest(asked)
        left = self.left(asked.request.case)
        key = rebuild(manifest, left, PETITION, progress.collected.shares)
        part = self._desk.part(asked.request.case, f"compartment/{PETITION}")
        return open_petition(manifest, part, key)

    def open_attachment(
        self, opened: OpenedPetition, number: int, spool: BinaryIO, destination: BinaryIO
    ) -> None:
        """
        Fetch attachment *number*, counted from 1, into *spool*, and open it to *destination*.

        Raises:
            NotHereYetError: If it has not come yet.
        """
        part = opened.manifest.part(f"{ATTACHMENT}{number}")
        try:
            spool.write(self._desk.part(opened.manifest.case, part.name, part.length))
        except OfficeRefusalError as refusal:
            if refusal.slug != NOT_HERE_YET:
                raise
            raise NotHereYetError(f"{part.name} has not come yet") from None
        spool.seek(0)
        opened.open_attachment(number, spool, destination)

    def _look_into(self, served: ServedCase) -> DeskCase:
        try:
            return DeskCase(served, self.left(served.case))
        except (KeysError, AuditError) as error:
            return DeskCase(served, None, str(error))

    def _prove_manifest(self, case: CaseId) -> Note:
        note = Note.parse(self._desk.manifest(case))
        if check_manifest(note).case != case:
            raise NotLoggedError("the desk served the manifest of another case")
        events = self._desk.events(case)
        if not events or events[0].receipt is None:
            raise NotLoggedError("the petition's reception is not in the log yet")
        event = check_receipt(events[0].receipt, self._card.policy).event
        named = (event.type, event.case, event.number, event.previous)
        if named != (RECEIVED, case, 1, note.hash):
            raise NotLoggedError("the log names another manifest than the desk")
        return note

    def _left(self, manifest: Note) -> Left:
        part = self._desk.part(check_manifest(manifest).case, "left")
        return open_left(manifest, part, self._identity, self._id)

    def _checked_manifest(self, asked: Asked) -> Manifest:
        note = self.manifest(asked.request.case)
        if note.hash != asked.request.manifest:
            raise NotLoggedError("the request names another manifest than the log")
        return Manifest.parse(note.text)

    def _is_logged(self, receipt: bytes, asked: Asked) -> bool:
        event: Event = check_receipt(receipt, self._card.policy).event
        if event.cause != asked.hash:
            raise NotLoggedError("the office's proof is of another event than the request")
        return True

    def _past_roster(self, hash_: NoteHash) -> Roster:
        return check_past_roster(self._roster_note(hash_), self._card)

    def _roster_note(self, hash_: NoteHash) -> Note:
        note = Note.parse(self._door.roster(hash_))
        if note.hash != hash_:
            raise NotLoggedError("the office served another roster than the one named")
        return note
