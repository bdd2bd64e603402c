"""A case as an auditor reads it: events with the notes behind them, one good case to bend."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence

from dengwen_audit.dossier import Dossier, Logged
from dengwen_audit.errors import SignatureError
from dengwen_audit.event import OFFICE as OFFICE_ACTOR
from dengwen_audit.event import PETITIONER, ROOTS, Event
from dengwen_audit.note import Note, NoteHash, SigningKey, sign_note
from dengwen_audit.rules import check_rules
from dengwen_audit.statements.answer import Answer
from dengwen_audit.statements.member import Revocation
from dengwen_audit.statements.request import Request
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.statement import Statement
from dengwen_audit.text import ZERO_HASH
from tests.audit.public_office import follow
from tests.small_office import (
    OFFICE,
    TODAY,
    make_card,
    make_case_key,
    make_key,
    make_manifest,
    make_roster,
    make_seed,
    sign_by_roots,
)
from tests.small_statements import make_acceptance, make_answer, make_grant, make_request

RECEIVED_AT, ASKED_AT = 1235, 1240  # records


def disclosure(**changes: object) -> Request:
    """Return a request for the identity, by reviewer-1."""
    fields: dict[str, object] = {
        "compartment": "identity",
        "purpose": "court-order",
        "nonce": make_seed("nonce of the disclosure"),
    }
    return dataclasses.replace(make_request(), **(fields | changes))  # type: ignore[arg-type]


class CaseBook:
    """
    A case, and the office's own chain.

    Attributes:
        events: In the order of the log.
        causes: The notes behind them.
        manifests: By case.
        rosters: By hash.
        roster: What records name from now on.
        start: The first record that was read.
        today: The day of the audit.
    """

    def __init__(self) -> None:
        """Begin with no event."""
        self.manifest = make_manifest()
        self.events: list[Logged] = []
        self.causes: dict[NoteHash, Note] = {}
        note = sign_note(self.manifest.to_bytes(), make_case_key())
        self.manifests = {bytes(self.manifest.case): note}
        self.roster = make_roster()
        self.rosters = {bytes(self.roster.hash): self.roster}
        self.start = 0
        self.today = TODAY

    def read_roster(self, hash_: bytes) -> Roster:
        """Return a roster as `trust.roster_reader` does."""
        if hash_ not in self.rosters:
            raise SignatureError("no such roster")
        return self.rosters[hash_]

    def use(self, roster: Roster) -> None:
        """Let the next records name *roster*."""
        self.roster = roster
        self.rosters[roster.hash] = roster

    def add(
        self, type_: str, note: Note, actor: str, index: int, day: datetime.date = TODAY
    ) -> Event:
        """Append an event with its cause."""
        case = ZERO_HASH if actor == ROOTS else bytes(self.manifest.case)
        chain = [logged.event for logged in self.events if logged.event.case == case]
        first = make_card().hash if actor == ROOTS else self.manifest.hash
        event = Event(
            type=type_,
            case=case,
            number=len(chain) + 1,
            previous=chain[-1].hash if chain else first,
            actor=actor,
            day=day,
            salt=make_seed(f"salt {len(self.events)}"),
            cause=note.hash,
        )
        self.events.append(Logged(event, index, self.roster.hash))
        self.causes[note.hash] = note
        return event

    def receive(self, index: int = RECEIVED_AT, day: datetime.date = TODAY) -> None:
        """Receive the petition."""
        note = sign_note(make_acceptance().to_bytes(), make_key("intake"))
        self.add("petition.received", note, OFFICE_ACTOR, index, day)

    def ask(
        self,
        request: Request | None = None,
        index: int = ASKED_AT,
        signers: Sequence[str] = ("reviewer-1",),
    ) -> None:
        """Log a request."""
        request = request or make_request()
        note = sign_note(request.to_bytes(), *map(make_key, signers))
        kind = "disclosure" if request.compartment == "identity" else "open"
        self.add(f"{kind}.requested", note, signers[0], index)

    def release(
        self,
        holder: str,
        index: int,
        request: Request | None = None,
        type_: str = "share.released",
        day: datetime.date = TODAY,
        **changes: object,
    ) -> None:
        """Log a holder's release."""
        request = request or make_request()
        fields: dict[str, object] = {
            "holder": holder,
            "seat": int(holder[-1]),
            "request": request.hash,
            "compartment": request.compartment,
            "sealed": make_seed(f"{holder} {len(self.events)}"),
        }
        answer: Answer = dataclasses.replace(make_answer(), **(fields | changes))  # type: ignore[arg-type]
        self.add(type_, sign_note(answer.to_bytes(), make_key(holder)), holder, index, day)

    def say(
        self,
        type_: str,
        index: int,
        signers: Sequence[str] = ("reviewer-1",),
        day: datetime.date = TODAY,
    ) -> None:
        """Log a statement by members."""
        text = Statement(OFFICE, self.manifest.case, type_).to_bytes()
        self.add(type_, sign_note(text, *map(make_key, signers)), signers[0], index, day)

    def petitioner_says(self, type_: str, index: int) -> None:
        """Log a statement by the petitioner."""
        text = Statement(OFFICE, self.manifest.case, type_).to_bytes()
        key: SigningKey = make_case_key()
        self.add(type_, sign_note(text, key), PETITIONER, index)

    def grant(self, index: int) -> None:
        """Log an auditor's grant."""
        self.add("audit.granted", sign_by_roots(make_grant().to_bytes()), ROOTS, index)

    def drop(self, *numbers: int) -> None:
        """Leave out events of the case."""
        case = bytes(self.manifest.case)
        self.events = [
            logged
            for logged in self.events
            if logged.event.case != case or logged.event.number not in numbers
        ]

    def findings(self) -> list[str]:
        """Judge; return each breach as its event's number and its words."""
        dossier = Dossier(
            (make_card(),), self.read_roster, self.events, self.causes, self.manifests, self.start
        )
        return [f"{breach.number}: {breach.text}" for breach in check_rules(dossier, self.today)]


def good_case() -> CaseBook:
    """Return a case that was received, opened, answered and closed."""
    book = CaseBook()
    book.grant(RECEIVED_AT - 5)
    book.receive()
    book.ask()
    book.release("gatekeeper-1", ASKED_AT + 1)
    book.release("gatekeeper-2", ASKED_AT + 2)
    book.say("case.answered", ASKED_AT + 20)
    book.say("case.closed", ASKED_AT + 30, signers=("reviewer-4", "reviewer-5"))
    return book


def disclosed_case(days: int = 4, **changes: object) -> CaseBook:
    """Return a case whose identity was opened by the rules, *days* after it was asked for."""
    book, request = CaseBook(), disclosure(**changes)
    later = TODAY + datetime.timedelta(days=days)
    book.receive()
    book.ask(request, signers=("reviewer-1", "reviewer-4"))
    for place, trustee in enumerate(("trustee-1", "trustee-2", "trustee-3"), 1):
        book.release(trustee, ASKED_AT + place, request, "disclosure.approved")
    book.release("gatekeeper-1", ASKED_AT + 10, request, day=later)
    book.release("gatekeeper-2", ASKED_AT + 10, request, day=later)
    return book


Bend = Callable[[CaseBook], object]


def case_event(book: CaseBook, number: int) -> bytes:
    """Return the hash of the cause of an event of the case."""
    return next(
        logged.event.cause
        for logged in book.events
        if logged.event.case == book.manifest.case and logged.event.number == number
    )


def move(book: CaseBook, number: int, index: int) -> None:
    """Put an event of the case into another record."""
    book.events = [
        dataclasses.replace(logged, index=index)
        if logged.event.case == book.manifest.case and logged.event.number == number
        else logged
        for logged in book.events
    ]


def revoke(book: CaseBook, member: str) -> None:
    """Let the next records name a roster in which *member* is revoked."""
    revoked = (*make_roster().revoked, Revocation(member, TODAY))
    book.use(follow(make_roster(), revoked=revoked))


def received(book: CaseBook) -> CaseBook:
    """Return a case that was received."""
    book.receive()
    return book


def bent(bend: Bend) -> Callable[[], CaseBook]:
    """Return what makes a good case and bends it."""

    def make() -> CaseBook:
        book = good_case()
        bend(book)
        return book

    return make


def extended(extend: Bend) -> Callable[[], CaseBook]:
    """Return what makes a received case and goes on from there."""

    def make() -> CaseBook:
        book = received(CaseBook())
        extend(book)
        return book

    return make


def ask_and_release(book: CaseBook, holder: str, index: int, **changes: object) -> None:
    """Ask, and release."""
    book.ask()
    book.release(holder, index, **changes)  # type: ignore[arg-type]
