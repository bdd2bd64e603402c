"""
One round of everything that an office is asked, so that offices of different ages can be compared.

A `Stage` is an office at work. `visit` goes through the questions; what it yields is to be measured
and what it does between is preparation. Everybody asks about cases drawn by chance from the whole
vault, and as much at each age: the same number of lines, events, bytes.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from itertools import count
from typing import NamedTuple, Self

from requests import Request
from sqlalchemy import func, select

from bench.growth.office import AgedOffice
from bench.growth.past import TICK, WAITING, is_opened
from dengwen_audit.event import Event
from dengwen_audit.http_signature import sign_request
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.answer import RELEASE, Answer
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.head import Head
from dengwen_audit.statements.manifest import PETITION, Manifest
from dengwen_audit.statements.member import Member
from dengwen_audit.text import ZERO_HASH
from dengwen_audit.tile_paths import TILE_WIDTH, tile_path
from dengwen_submit.web import create_door
from dengwen_vault.admission import Arrival
from dengwen_vault.cases import logged_event
from dengwen_vault.models import Panel, Petition, Reception
from dengwen_vault.parts import parse_manifest
from dengwen_vault.public_log import PublicLog
from dengwen_vault.status import look
from tests.small_office import OFFICE, make_card, make_key

EVENTS = "/v1/case/events"
SEALED = b"what only the requester can open"
# What intake, openings and ticks write to by chance.
_INDEXES = (
    ("petition.case_id", "sqlite_autoindex_petition_1"),
    ("petition.signing_key", "sqlite_autoindex_petition_2"),
    ("cause.hash", "sqlite_autoindex_cause_1"),
    ("event.case_id", "sqlite_autoindex_event_1"),
    ("event.cause", "sqlite_autoindex_event_2"),
    ("answer.request", "sqlite_autoindex_answer_1"),
)
SAMPLE = 128  # cases of each kind that are asked about
REVIEWER, GATEKEEPER, MIRROR = "reviewer-1", "gatekeeper-1", "mirror-1"


class Question(NamedTuple):
    """Something an office is asked."""

    name: str
    ask: Callable[[], object]


class Stage:
    """
    An office at work, with its sequencer.

    Args:
        lines: So long is the page of the desk that is asked for.
        group: So many petitions come at once.
    """

    def __init__(self, office: AgedOffice, lines: int, group: int) -> None:
        self.office = office
        self.vault = office.vault
        self.lines = lines
        self.group = group
        self._stack = ExitStack()
        self._next = count(secrets.randbelow(1 << 60) + office.cases)  # anew at each start
        self._chance = random.Random()
        self._opened = self._draw(office.opened)
        self._others = self._draw([n for n in range(office.cases) if not is_opened(n)])

    def __enter__(self) -> Self:
        """Start the sequencer and the door."""
        self.sequencer = self._stack.enter_context(self.office.sequencer())
        self.log = PublicLog(self.vault.settings.log_folder)
        self.door = create_door(self.vault, self.office.clock).test_client()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all of it."""
        self._stack.close()
        self.office.close()

    def warm_up(self) -> None:
        """
        Let the machine have at hand what an office in service has: indexes, and the sample.

        SQLite's log is emptied: one that was made anew has none, and each page is looked for in it.
        """
        if self.vault.store.is_sqlite:
            with self.vault.store.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        with self.vault.store.reading() as connection:
            for model in (Petition, Panel, Reception):
                connection.execute(select(func.max(func.length(model.case_id)))).all()
            if self.vault.store.is_sqlite:
                for column, index in _INDEXES:
                    table, _, key = column.partition(".")
                    read = f"SELECT max(length({key})) FROM {table} INDEXED BY {index}"  # noqa: S608  # ours
                    connection.exec_driver_sql(read).all()
        for number in (*self._opened, *self._others):
            case = self.case(number)
            self.vault.case_events(case)
            self.vault.part(self.panelist(number), case, f"compartment/{PETITION}")

    def member(self, id_: str) -> Member:
        """Return a member of the roster in force."""
        return self.office.roster.member(id_)

    def opened(self) -> int:
        """Return the number of a case that was opened and answered."""
        return self._chance.choice(self._opened)

    def other(self) -> int:
        """Return the number of a case that nobody has asked for yet."""
        return self._others.pop(self._chance.randrange(len(self._others)))

    def case(self, number: int) -> CaseId:
        """Return a case's id."""
        return self.office.petitions.case(number)

    def panelist(self, number: int) -> Member:
        """Return the first member of a case's panel."""
        return self.member(self.office.petitions.original(number).manifest.panel[0])

    def arrivals(self, number: int) -> list[Arrival]:
        """Return so many new petitions."""
        make, roster = self.office.petitions.sealed, self.office.roster.hash
        return [
            Arrival(make(next(self._next), roster).to_bytes(), at_once=True) for _ in range(number)
        ]

    def before_last_page(self) -> bytes:
        """Return the case after which the reviewer's desk has as many lines as are asked for."""
        rising = select(Panel.case_id).where(Panel.reviewer == REVIEWER)
        falling = (
            rising.order_by(Panel.day.desc(), Panel.case_id.desc()).offset(self.lines).limit(1)
        )
        with self.vault.store.reading() as connection:
            case: bytes = connection.execute(falling).scalar_one()
            return case

    def ask_as_petitioner(self, number: int) -> Callable[[], object]:
        """Return what asks the door for a case's events, signed with its key."""
        key = self.office.petitions.case_key(number)
        prepared = Request("GET", f"{make_card().door}{EVENTS}").prepare()
        sign_request(prepared, key.verification_key.public_key.hex(), key, self.office.now)
        headers = [(name, value) for name, value in prepared.headers.items() if name != "Host"]
        return lambda: self.fetch(EVENTS, headers)

    def fetch(self, path: str, headers: Sequence[tuple[str, str]] = ()) -> bytes:
        """Return what the public door answers."""
        answer = self.door.get(path, headers=list(headers), base_url=make_card().door)
        if answer.status_code != HTTPStatus.OK:
            raise AssertionError(f"internal error: the door answers {answer.status}")
        data: bytes = answer.data
        return data

    def tick(self) -> bool:
        """Let a minute pass and the log grow."""
        self.office.now += TICK
        return self.sequencer.tick()

    def tile(self) -> str:
        """Return the path of a full tile."""
        number = self._chance.randrange(self.office.epoch_store.size() // TILE_WIDTH)
        return f"/log/{tile_path(0, number)}"

    def _draw(self, numbers: list[int]) -> list[int]:
        return self._chance.sample(numbers, min(SAMPLE, len(numbers)))


def visit(stage: Stage) -> Iterator[Question]:
    """Go once through everything."""
    yield from _intake(stage)
    yield from look_around(stage)
    yield from _heads(stage)
    yield from _open(stage)
    yield from _rest(stage)


def _intake(stage: Stage) -> Iterator[Question]:
    vault = stage.vault
    many = stage.arrivals(stage.group)
    yield Question(f"intake: {stage.group} petitions, one commit", lambda: vault.accept_all(many))
    one = stage.arrivals(1)
    yield Question("intake: one petition", lambda: vault.accept_all(one))
    yield Question("tick: with all of these", stage.tick)


def look_around(stage: Stage) -> Iterator[Question]:
    """Go through what only reads."""
    vault, reviewer, after = stage.vault, stage.member(REVIEWER), stage.before_last_page()
    yield Question(f"desk: a page of {stage.lines} cases", lambda: vault.desk(reviewer, after))
    number = stage.opened()
    member, case = stage.panelist(number), stage.case(number)
    yield Question("desk: a manifest", lambda: vault.manifest(member, case))
    yield Question("desk: a part", lambda: vault.part(member, case, f"compartment/{PETITION}"))
    events = stage.ask_as_petitioner(stage.opened())
    yield Question("status: a case with six events", events)
    reception = stage.ask_as_petitioner(stage.other())
    yield Question("status: a case with one event", reception)


def _heads(stage: Stage) -> Iterator[Question]:
    number, vault, office = stage.other(), stage.vault, stage.office
    manifest, nonce = office.petitions.manifest(number, office.roster.hash), secrets.token_bytes(32)
    challenge = Challenge(OFFICE, manifest.case, manifest.signing_key, manifest.mailbox, nonce)
    note = sign_note(challenge.to_bytes(), office.petitions.case_key(number))
    yield Question("status: a challenge", lambda: vault.post_challenge(manifest.case, note))
    holder = stage.member(GATEKEEPER)
    head = Head(OFFICE, manifest.case, nonce, holder.id, 0, ZERO_HASH, ())
    answer = sign_note(head.to_bytes(), make_key(holder.id))
    yield Question("status: a head", lambda: vault.post_head(holder, answer))
    yield Question("status: the heads", lambda: vault.heads(manifest.case, nonce))


def _open(stage: Stage) -> Iterator[Question]:
    vault, number = stage.vault, stage.other()
    reviewer, case = stage.panelist(number), stage.case(number)
    manifest = parse_manifest(vault.manifest(reviewer, case))
    note = _request_note(stage, manifest)
    yield Question("open: a request", lambda: vault.post_request(reviewer, note))
    yield Question("open: its tick", stage.tick)
    holder = stage.member(GATEKEEPER)
    yield Question(f"open: a poll, {WAITING} and one wait", lambda: vault.work(holder))
    yield Question("open: the request's evidence", lambda: vault.work_item(holder, note.hash))
    answer = _release(holder, manifest, note)
    yield Question("open: a release", lambda: vault.answer(holder, answer, SEALED))
    yield Question("open: the answers", lambda: vault.request_state(reviewer, note.hash))
    part = f"compartment/{PETITION}"
    yield Question("open: the sealed petition", lambda: vault.part(reviewer, case, part))


def _request_note(stage: Stage, manifest: Manifest) -> Note:
    nonce, roster = secrets.token_bytes(32), stage.office.roster.hash
    return stage.office.request_note(manifest, roster=roster, nonce=nonce)


def _release(holder: Member, manifest: Manifest, request: Note) -> Note:
    answer = Answer(
        kind=RELEASE,
        office=OFFICE,
        case=manifest.case,
        compartment=PETITION,
        request=request.hash,
        holder=holder.id,
        seat=holder.seat,
        sealed=hashlib.sha256(SEALED).digest(),
    )
    return sign_note(answer.to_bytes(), make_key(holder.id))


def _rest(stage: Stage) -> Iterator[Question]:
    vault, number = stage.vault, stage.opened()
    cause, actor = _newest_cause(stage, stage.case(number))
    yield Question("a receipt", lambda: _receipt(stage, cause, actor))
    nonce, until = secrets.token_hex(16), int(stage.office.now) + 300
    remember = vault.nonces.remember
    yield Question("a signed request's nonce", lambda: remember(REVIEWER, nonce, until))
    mirror, start = stage.member(MIRROR), stage.office.epoch_store.size() - 1
    yield Question(
        "a mirror: the newest epoch", lambda: vault.epochs(mirror, start, start + 1, causes=True)
    )
    yield Question("public: the latest proof", lambda: stage.fetch("/latest.tlog-proof"))
    tile = stage.tile()
    yield Question("public: a tile", lambda: stage.fetch(tile))
    yield Question("the operator's look", lambda: look(vault, stage.office.now))


def _newest_cause(stage: Stage, case: CaseId) -> tuple[bytes, str]:
    newest = Event.parse(stage.vault.case_events(case).events[-1].event)
    return newest.cause, newest.actor


def _receipt(stage: Stage, cause: bytes, actor: str) -> bytes | None:
    view = stage.log.view()
    with stage.vault.store.reading() as connection:
        logged = logged_event(connection, cause, actor)
    return view.receipt(logged) if view and logged else None
