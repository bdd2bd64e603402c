"""
The tick: which events enter the log next, in which order, and who gets to say so.

A tick is prepared by reading and decided by writing. Number, previous hash, day and salt of each
event follow from what is in line and what is in the log; nobody but a tick changes either for the
events it takes, so that the one question is whether another sequencer ticked meanwhile. One
transaction answers it: it moves the log's size from s to s + 1 if it is still s, and holds the
record and its seed; the events were laid down before it (`dengwen_vault.attempt`), so that a record
once signed can always be shown again. Whoever finds another size has lost, and has changed nothing.

What follows from the record comes after it: its events leave the line, and new cases come upon the
desks. If that is cut off, the next tick finds in line what is in the log, and does the same.

On PostgreSQL the second of two such updates waits for the first, then finds no row to change; on
SQLite writers come one after another anyway. No other lock is needed.
"""

from __future__ import annotations

import datetime
import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from sqlalchemy import Connection, func, insert, select

from dengwen_audit.epoch import SEED_SIZE, Epoch, Record
from dengwen_audit.event import SALT_SIZE, Event
from dengwen_audit.merkle import leaf_hash, prove_inclusion, read_leaves
from dengwen_audit.text import ZERO_HASH
from dengwen_vault.attempt import Attempt, pieces, short_work
from dengwen_vault.columns import draw_spot
from dengwen_vault.database import Store
from dengwen_vault.due import Due, leave_line, read_due
from dengwen_vault.errors import NotReadyError
from dengwen_vault.models import Card, LogHead
from dengwen_vault.models import Epoch as EpochRow
from dengwen_vault.models import Event as EventRow
from dengwen_vault.roster_change import RosterChange, plan_rosters, write_rosters
from dengwen_vault.standing import Office, utc_day

MAX_EVENTS = 4**8  # to a tick; what is more waits for the next one
CHUNK = 500  # keys in one question: SQLite takes no more than a few thousand

Tips = dict[bytes, tuple[int, bytes]]  # by case: number and hash of the newest event


@dataclass(frozen=True, repr=False)
class Plan:
    """
    One tick, prepared: the rows in line that it takes, and the epoch that they give.

    Attributes:
        leaving: What is to leave the line: what it takes, and what an earlier one left there.
    """

    number: int
    leaving: Sequence[Due]
    events: Sequence[Event]
    epoch: Epoch
    seed: bytes
    rosters: RosterChange


class VaultEpochStore:
    """The office's database as the sequencer sees it (`dengwen_audit.log.EpochStore`)."""

    def __init__(
        self,
        store: Store,
        max_events: int = MAX_EVENTS,
        check_place: Callable[[], None] = lambda: None,
    ) -> None:
        """Work on *store*; *check_place* raises if another sequencer should work now."""
        self._store = store
        self._check_place = check_place
        self._office = Office()
        self._max_events = max_events

    def size(self) -> int:
        """Return how many records the log has, all of which outlive a failover."""
        with self._store.confirming() as connection:
            return connection.execute(select(LogHead.size)).scalar_one()

    def records(self, start: int, stop: int) -> list[bytes]:
        """Return the records from *start* to before *stop*."""
        wanted = select(EpochRow.record).where(EpochRow.number >= start, EpochRow.number < stop)
        with self._store.reading() as connection:
            return list(connection.scalars(wanted.order_by(EpochRow.number)))

    def commit_tick(self, expected_size: int, now: float) -> Record:
        """
        Make record number *expected_size* of what is in line, and return it once it is on disk.

        Raises:
            LostRaceError: If the log has not this size: another sequencer is at work.
            NotReadyError: If no roster is in force and none takes force now.
        """
        self._check_place()
        with self._store.reading() as connection:
            plan = self._plan(connection, expected_size, utc_day(now))
        # In the order in which the table lies.
        rows = sorted(_rows(plan), key=itemgetter("spot"))
        attempt = Attempt(self._store, expected_size)
        attempt.lay_down(rows)
        with self._store.writing() as connection:
            attempt.succeed(connection, plan.epoch.record.roster)
            _write(connection, plan)
        for piece in pieces(plan.leaving):
            with short_work(self._store) as connection:
                leave_line(connection, piece)
        return plan.epoch.record

    def _plan(self, connection: Connection, size: int, today: datetime.date) -> Plan:
        due = read_due(connection, size, self._max_events)
        waiting = [row for row in due if not row.is_logged]
        tips = _tips(connection, waiting, size)
        # A row whose chain has not begun cannot be: better that it waits than that the log does.
        taken = [row for row in waiting if row.case_id in tips]
        leaving = [*taken, *(row for row in due if row.is_logged)]
        published = [row.cause for row in taken if row.type == "roster.published"]
        rosters = plan_rosters(connection, self._office, published, today)
        if rosters.in_force is None:
            raise NotReadyError("no roster is in force: begin with `dengwen-vault init`")
        events = list(_number(taken, tips, today))
        seed = secrets.token_bytes(SEED_SIZE)
        epoch = Epoch.build([event.to_bytes() for event in events], seed, rosters.in_force)
        return Plan(size, leaving, events, epoch, seed, rosters)


def _tips(connection: Connection, taken: Sequence[Due], size: int) -> Tips:
    """Return what each chain that grows now hangs on."""
    cases = {row.case_id for row in taken}
    tips: Tips = {}
    first_card = connection.scalar(select(Card.hash).order_by(Card.number).limit(1))
    if ZERO_HASH in cases and first_card is not None:
        tips[ZERO_HASH] = (0, first_card)
    begin = {row.case_id: (0, row.begins.manifest) for row in taken if row.begins}
    for chunk in _chunks(cases - begin.keys()):
        tips.update(_newest(connection, chunk, size))
    return tips | begin


def _newest(connection: Connection, cases: Sequence[bytes], size: int) -> Tips:
    """Return the newest event of each of these cases in a log of this *size*."""
    last = (
        select(EventRow.case_id, func.max(EventRow.number).label("number"))
        .where(EventRow.case_id.in_(cases), EventRow.epoch < size)
        .group_by(EventRow.case_id)
        .subquery("newest")
    )
    same = (EventRow.case_id == last.c.case_id) & (EventRow.number == last.c.number)
    found = select(EventRow.case_id, EventRow.number, EventRow.hash).join(last, same)
    return {row.case_id: (row.number, row.hash) for row in connection.execute(found)}


def _number(taken: Iterable[Due], tips: Tips, today: datetime.date) -> Iterator[Event]:
    """Give each event its number, what it follows, its day and its salt."""
    for row in taken:
        number, previous = tips[row.case_id]
        event = Event(
            type=row.type,
            case=row.case_id,
            number=number + 1,
            previous=previous,
            actor=row.actor,
            day=today,
            salt=secrets.token_bytes(SALT_SIZE),
            cause=row.cause,
        )
        tips[row.case_id] = (event.number, event.hash)
        yield event


def _write(connection: Connection, plan: Plan) -> None:
    """Write the record, and what it changes."""
    record = plan.epoch.record
    epoch = {"number": plan.number, "record": record.to_bytes()}
    connection.execute(insert(EpochRow), epoch | {"roster": record.roster, "seed": plan.seed})
    write_rosters(connection, plan.rosters, plan.number)


def _rows(plan: Plan) -> Iterator[dict[str, object]]:
    """Yield the rows of the events, each with its way up to the record."""
    leaves = plan.epoch.leaves
    read = read_leaves([leaf_hash(leaf) for leaf in leaves])
    for event, position in zip(plan.events, plan.epoch.positions, strict=True):
        yield {
            "spot": draw_spot(event.day),
            "case_id": event.case,
            "number": event.number,
            "hash": event.hash,
            "cause": event.cause,
            "actor": event.actor,
            "epoch": plan.number,
            "position": position,
            "text": leaves[position],
            "path": b"".join(prove_inclusion(read, position, len(leaves))),
        }


def _chunks(keys: Iterable[bytes]) -> Iterator[tuple[bytes, ...]]:
    rest = iter(keys)
    while chunk := tuple(itertools.islice(rest, CHUNK)):
        yield chunk
