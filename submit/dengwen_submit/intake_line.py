"""
The short way in: petitions that wait inside, and are given on by the group.

Every check is the vault's own; here is decided only who may send now, and what the others are told.
"""

from __future__ import annotations

import functools
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from dengwen_audit.problems import Problem
from dengwen_audit.text import HASH_SIZE, TextError, parse_hex
from dengwen_submit.connection import Answer, Connection, Request
from dengwen_submit.door_settings import OFF, PAUSED, WatchedSettings
from dengwen_submit.intake_group import FIXED, AcceptGroup, accept_group, problem
from dengwen_submit.puzzle import is_solution
from dengwen_submit.throttle import Throttle
from dengwen_submit.ticket import Ticket, case_hash, new_ticket, read_ticket
from dengwen_submit.workers import Worker, WorkerLostError
from dengwen_vault.admission import Arrival
from dengwen_vault.errors import VaultError
from dengwen_vault.vault import Vault

THREADS = 2  # without workers: while one waits for the disk, the other checks
MAX_GROUP = 64  # petitions to a commit
CASE_HEADER = "dengwen-case"
TICKET_HEADER = "dengwen-ticket"
PUZZLE_HEADER = "dengwen-puzzle"
ROSTER_SECONDS = 5.0
PAUSE = 300  # seconds: when to ask again whether intake is open

BUSY = Problem(503, "busy", "Many are here at once: come back when it says, your place is kept")
PAUSED_PROBLEM = Problem(503, "paused", "The office takes nothing in at present: come back")
WORK = Problem(503, "puzzle", "So many are here that some work is asked of each")
OTHER_CASE = Problem(400, "other-case", "The petition is of another case than was announced")

MayCome = Callable[[Ticket | None, float], bool]

_CASE_LINE = b"\ncase "


@dataclass(frozen=True)
class _Pass:
    """What is remembered of a request between its header and its body."""

    ticket: Ticket | None
    announced: bytes | None


@dataclass(frozen=True, eq=False)
class _Waiting:
    arrival: Arrival
    connection: Connection


@dataclass
class IntakeLine:
    """
    Lets petitions in, and has them committed.

    Args:
        answer_soon: Calls a function in the thread that serves the connections.
        clock: Gives seconds since 1970.
        workers: Processes that check and store; if there are none, threads of this one do.
    """

    vault: Vault
    settings: WatchedSettings
    answer_soon: Callable[[Callable[[], None]], object]
    clock: Callable[[], float] = time.time
    workers: Sequence[Worker] = ()
    chance: random.Random = field(default_factory=random.SystemRandom)

    def __post_init__(self) -> None:
        """Begin with nobody inside."""
        self._throttle: Throttle[_Waiting] = Throttle(self.settings.now.queue, self.chance)
        self._key = self.vault.ticket_key
        self._roster, self._roster_until = b"", 0.0
        self._wake = threading.Condition()
        self._is_open = True
        here = [functools.partial(accept_group, self.vault)] * THREADS
        accept: Sequence[AcceptGroup] = self.workers or here
        self._threads = [threading.Thread(target=self._work, args=(way,)) for way in accept]

    def start(self) -> None:
        """Let the workers and the threads begin."""
        for worker in self.workers:
            worker.start()
        self.tick()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Serve those who are inside, and return when the last is on disk."""
        with self._wake:
            self._is_open = False
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()
        for worker in self.workers:
            worker.stop()

    def tick(self) -> None:
        """Look at the clock, the settings and the roster; once a second."""
        self.settings.refresh()
        with self._wake:
            self._throttle.limit = self.settings.now.queue
            self._throttle.tick(self.clock())
            wanted = self._bits(self.clock())
        if wanted and self.clock() >= self._roster_until:
            self._learn_roster()

    def pace(self) -> float:
        """Return how many may be heard a second who were not let in."""
        with self._wake:
            return self._throttle.pace()

    def begin(self, request: Request) -> Answer | None:
        """Tell a petition that is announced to come in (None), or when to come back."""
        now = self.clock()
        entry = self._pass(request, now)
        refusal = self._judge(request, entry, now, self._throttle.admit)
        if refusal is None:
            request.note = entry
        return refusal

    def place(self, request: Request) -> Answer:
        """Tell somebody who asks before she sends: now, with a ticket, or when to come back."""
        now = self.clock()
        entry = self._pass(request, now)
        refusal = self._judge(request, entry, now, self._throttle.call)
        return refusal or self._come_in(entry.ticket or new_ticket(now), entry.announced)

    def _pass(self, request: Request, now: float) -> _Pass:
        """Read what the header tells of a petition."""
        announced = _announced(request)
        text = "" if announced is None else request.headers.get(TICKET_HEADER, "")
        if announced is None or not text:
            return _Pass(None, announced)
        return _Pass(read_ticket(text, self._key, announced, now), announced)

    def _judge(
        self, request: Request, entry: _Pass, now: float, may_come: MayCome
    ) -> Answer | None:
        """Return why a petition may not come in now, if it may not."""
        ticket, announced = entry.ticket, entry.announced
        if self.settings.now.intake == PAUSED:
            pause = PAUSE + self.chance.randrange(PAUSE)
            return self._come_back(PAUSED_PROBLEM, ticket or new_ticket(now), announced, pause)
        bits = (ticket.bits if ticket else self._bits(now)) if self._roster else 0
        if bits and not self._has_worked(request, announced, bits):
            return self._ask_for_work(ticket or new_ticket(now, bits), announced, bits)
        with self._wake:
            if may_come(ticket, now):
                return None
        return self._appoint(ticket, announced, now)

    def handle(self, request: Request, connection: Connection) -> None:
        """Put a whole petition in line."""
        entry = request.note
        if not isinstance(entry, _Pass):
            raise AssertionError("internal error: a petition that nobody let in")
        if entry.announced is not None and not _is_of_case(request.body, entry.announced):
            connection.answer(problem(OTHER_CASE))
            return
        at_once = "at-once=1" in request.target.partition("?")[2].split("&")
        with self._wake:
            waiting = _Waiting(Arrival(request.body, at_once), connection)
            fits = self._throttle.enter(waiting, entry.ticket)
            self._wake.notify()
        if not fits:
            connection.answer(self._appoint(entry.ticket, entry.announced, self.clock()))

    def _work(self, accept: AcceptGroup) -> None:
        while True:
            with self._wake:
                while not (group := self._throttle.take(MAX_GROUP)):
                    if not self._is_open:
                        return
                    self._wake.wait()
            try:
                answers = accept([waiting.arrival for waiting in group])
            except WorkerLostError:
                answers = [self._appoint(None, None, self.clock()) for _ in group]
            with self._wake:
                self._throttle.served(len(group))
            self.answer_soon(lambda group=group, answers=answers: _tell(group, answers))  # type: ignore[misc]  # a lambda

    def _appoint(self, ticket: Ticket | None, announced: bytes | None, now: float) -> Answer:
        """Ask somebody to come back by appointment; whoever came by one, before newcomers."""
        with self._wake:
            pause = self._throttle.appoint(now, again=ticket is not None)
            bits = self._bits(now)
        return self._come_back(BUSY, ticket or new_ticket(now, bits), announced, pause)

    def _learn_roster(self) -> None:
        """Read which roster puzzles are bound to; without one, none is asked for."""
        self._roster_until = self.clock() + ROSTER_SECONDS
        try:
            self._roster = self.vault.standing().roster_hash
        except VaultError:
            self._roster = b""

    def _bits(self, now: float) -> int:
        wanted = self.settings.now.puzzle
        if isinstance(wanted, int):
            return wanted
        return 0 if wanted == OFF else self._throttle.bits(now)

    def _has_worked(self, request: Request, announced: bytes | None, bits: int) -> bool:
        text = request.headers.get(PUZZLE_HEADER, "")
        return announced is not None and is_solution(text, announced, self._roster, bits)

    def _ask_for_work(self, ticket: Ticket, announced: bytes | None, bits: int) -> Answer:
        asked = [(PUZZLE_HEADER, f"{bits} {self._roster.hex()}")]
        return self._come_back(WORK, ticket, announced, self.chance.randrange(1, 4), asked)

    def _come_in(self, ticket: Ticket, announced: bytes | None) -> Answer:
        return Answer(HTTPStatus.NO_CONTENT, [*FIXED, *self._ticket(ticket, announced)], b"")

    def _ticket(self, ticket: Ticket, announced: bytes | None) -> list[tuple[str, str]]:
        """Return the header with a ticket, if it is known for which case."""
        return [] if announced is None else [(TICKET_HEADER, ticket.to_text(self._key, announced))]

    def _come_back(
        self,
        why: Problem,
        ticket: Ticket,
        announced: bytes | None,
        pause: int,
        more: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        asked = [("Retry-After", str(pause)), *more]
        return problem(why, headers=[*asked, *self._ticket(ticket, announced)])


def _announced(request: Request) -> bytes | None:
    """Return the hash of the case id that the header tells, if it does."""
    try:
        return parse_hex(request.headers.get(CASE_HEADER, ""), HASH_SIZE, CASE_HEADER)
    except TextError:
        return None


def _is_of_case(sealed: bytes, announced: bytes) -> bool:
    """Tell whether the file says it is of this case; that it says so rightly, the vault checks."""
    start = sealed.find(_CASE_LINE) + len(_CASE_LINE)
    try:
        case = bytes.fromhex(sealed[start : start + 2 * HASH_SIZE].decode("ascii"))
    except ValueError:
        return False
    return case_hash(case) == announced


def _tell(group: Sequence[_Waiting], answers: Sequence[Answer]) -> None:
    for waiting, answer in zip(group, answers, strict=True):
        waiting.connection.answer(answer)
