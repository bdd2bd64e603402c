"""
The tick: which events enter the log next, in which order, and who gets to say so.

A tick is prepared by reading and decided by writing. Number, previous hash, day and salt of each
event follow from what is in line and what is in the log; nobody but a tick changes either for the
events it takes, so that the one question is whether another sequencer ticked meanwhile. One
transaction answers it: it moves the log's size from s to s + 1 if it is still s, and holds the
record, its events and their seed, so that a record once signed can always be shown again. Whoever
finds another size has lost, and has changed nothing.

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
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from dengwen_audit.epoch import SEED_SIZE, Epoch, Record
from dengwen_audit.event import SALT_SIZE, Event
from dengwen_audit.log import LostRaceError
from dengwen_audit.merkle import leaf_hash, prove_inclusion, read_leaves
from dengwen_audit.text import ZERO_HASH
from dengwen_vault.database import Store
from dengwen_vault.errors import NotReadyError
from dengwen_vault.models import Card, LogHead, PendingEvent, Petition, draw_spot
from dengwen_vault.models import Epoch as EpochRow
from dengwen_vault.models import Event as EventRow
from dengwen_vault.roster_change import RosterChange, plan_rosters, write_rosters
from dengwen_vault.standing import Office, utc_day

MAX_EVENTS = 4**8  # to a tick; what is more waits for the next one
CHUNK = 500  # keys in one question: SQLite takes no more than a few thousand

Tips = dict[bytes, tuple[int, bytes]]  # by case: number and hash of the newest event


class Taken(NamedTuple):
    """A row of the line that enters the log now."""

    cause: bytes
    actor: str
    case_id: bytes
    type: str


@dataclass(frozen=True, repr=False)
class Plan:
    """One tick, prepared: the rows in line that it takes, and the epoch that they give."""

    number: int
    taken: Sequence[Taken]
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
        # Before the lock, behind which the door would wait; in the order in which tables lie.
        rows = sorted(_rows(plan), key=itemgetter("spot"))
        with self._store.writing() as connection:
            _claim(connection, expected_size, plan.epoch.record.roster)
            _write(connection, plan, rows)
        return plan.epoch.record

    def _plan(self, connection: Connection, size: int, today: datetime.date) -> Plan:
        due = _due(connection, size, self._max_events)
        tips = _tips(connection, due)
        # A row whose chain has not begun cannot be: better that it waits than that the log does.
        taken = [row for row in due if row.case_id in tips]
        published = [row.cause for row in taken if row.type == "roster.published"]
        rosters = plan_rosters(connection, self._office, published, today)
        if rosters.in_force is None:
            raise NotReadyError("no roster is in force: begin with `dengwen-vault init`")
        events = list(_number(taken, tips, today))
        seed = secrets.token_bytes(SEED_SIZE)
        epoch = Epoch.build([event.to_bytes() for event in events], seed, rosters.in_force)
        return Plan(size, taken, events, epoch, seed, rosters)


def _due(connection: Connection, size: int, limit: int) -> Sequence[Taken]:
    """
    Return what may enter epoch number *size*, the longest due first.

    An event of a case comes after those that stood before it in line, also where the limit cuts.
    """
    row = PendingEvent
    due = select(row.cause, row.actor, row.case_id, row.type).where(row.not_before <= size)
    first = due.order_by(row.not_before, row.turn, row.cause).limit(limit)
    return [Taken(*found) for found in connection.execute(first)]


def _tips(connection: Connection, taken: Sequence[Taken]) -> Tips:
    """Return what each chain that grows now hangs on."""
    cases = {row.case_id for row in taken}
    tips: Tips = {}
    first_card = connection.scalar(select(Card.hash).order_by(Card.number).limit(1))
    if ZERO_HASH in cases and first_card is not None:
        tips[ZERO_HASH] = (0, first_card)
    received = {row.case_id for row in taken if row.type == "petition.received"}
    for chunk in _chunks(received):
        manifests = select(Petition.case_id, Petition.manifest).where(Petition.case_id.in_(chunk))
        tips.update((row.case_id, (0, row.manifest)) for row in connection.execute(manifests))
    for chunk in _chunks(cases - received):
        tips.update(_newest(connection, chunk))
    return tips


def _newest(connection: Connection, cases: Sequence[bytes]) -> Tips:
    """Return the newest event of each of these cases."""
    last = (
        select(EventRow.case_id, func.max(EventRow.number).label("number"))
        .where(EventRow.case_id.in_(cases))
        .group_by(EventRow.case_id)
        .subquery("newest")
    )
    same = (EventRow.case_id == last.c.case_id) & (EventRow.number == last.c.number)
    found = select(EventRow.case_id, EventRow.number, EventRow.hash).join(last, same)
    return {row.case_id: (row.number, row.hash) for row in connection.execute(found)}


def _number(taken: Iterable[Taken], tips: Tips, today: datetime.date) -> Iterator[Event]:
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


def _claim(connection: Connection, size: int, roster: bytes) -> None:
    """Move the log's size on by one, if it is *size*."""
    moved = update(LogHead).where(LogHead.size == size).values(size=size + 1, roster=roster)
    if connection.execute(moved).rowcount != 1:
        raise LostRaceError("another sequencer has made this record")


def _write(connection: Connection, plan: Plan, rows: list[dict[str, object]]) -> None:
    """Write the record, its events, and what it changes."""
    record = plan.epoch.record
    epoch = {"number": plan.number, "record": record.to_bytes()}
    connection.execute(insert(EpochRow), epoch | {"roster": record.roster, "seed": plan.seed})
    write_rosters(connection, plan.rosters, plan.number)
    if plan.taken:
        row = PendingEvent
        gone = delete(row).where(
            row.case_id == bindparam("_case"),
            row.cause == bindparam("_cause"),
            row.actor == bindparam("_actor"),
        )
        keys = sorted((taken.case_id, taken.cause, taken.actor) for taken in plan.taken)
        connection.execute(
            gone, [dict(zip(("_case", "_cause", "_actor"), key, strict=True)) for key in keys]
        )
        connection.execute(insert(EventRow), rows)


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
