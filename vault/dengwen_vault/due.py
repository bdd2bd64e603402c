"""
The end of the line: what is due at a tick, and how it leaves the line.

Receptions and all other events wait in two tables. Both are read in the order in which they became
due, and of one case the reception comes first, also where a tick cannot carry all.
"""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from operator import attrgetter

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    SQLColumnExpression,
    bindparam,
    delete,
    literal,
    select,
)

from dengwen_audit.event import OFFICE
from dengwen_vault.database import insert_of
from dengwen_vault.models import Event, Panel, PendingEvent, Reception

RECEIVED = "petition.received"  # with it a case begins


@dataclass(frozen=True, slots=True)
class Beginning:
    """
    What a case begins with.

    Attributes:
        manifest: The hash that its first event follows.
        day: On which the petition came.
        panel: Reviewers' ids.
    """

    manifest: bytes
    day: datetime.date
    panel: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """
    An event that may enter the log.

    Attributes:
        not_before: The epoch from which it was due.
        is_logged: Whether it is in the log, and a tick that was cut off left it in line.
        begins: Set if it is the reception of its case.
    """

    not_before: int
    cause: bytes
    actor: str
    case_id: bytes
    type: str
    is_logged: bool
    begins: Beginning | None = None


def read_due(connection: Connection, size: int, limit: int) -> list[Due]:
    """Return what may enter epoch number *size*, the longest due first; *limit* at most."""
    both = (_receptions(connection, size, limit), _others(connection, size, limit))
    return list(islice(heapq.merge(*both, key=attrgetter("not_before")), limit))


def leave_line(connection: Connection, logged: Sequence[Due]) -> None:
    """
    Let what is in the log leave the line, and put the cases that begin on their desks.

    Whoever is overtaken here by another sequencer has done what that one finds done.
    """
    receptions = sorted((one.not_before, one.cause) for one in logged if one.begins)
    _each(connection, _FORGET_RECEPTION, ("_not_before", "_cause"), receptions)
    others = sorted((one.case_id, one.cause, one.actor) for one in logged if not one.begins)
    _each(connection, _FORGET_EVENT, ("_case", "_cause", "_actor"), others)
    lines = sorted(
        (reviewer, one.begins.day, one.case_id, one.begins.manifest)
        for one in logged
        if one.begins
        for reviewer in one.begins.panel
    )
    lay_down = _insert_panel(connection.dialect.name)
    _each(connection, lay_down, ("reviewer", "day", "case_id", "manifest"), lines)


_IS_LOGGED = Event.epoch.is_not(None)
_FORGET_RECEPTION = delete(Reception).where(
    Reception.not_before == bindparam("_not_before"),
    Reception.cause == bindparam("_cause"),
)
_FORGET_EVENT = delete(PendingEvent).where(
    PendingEvent.case_id == bindparam("_case"),
    PendingEvent.cause == bindparam("_cause"),
    PendingEvent.actor == bindparam("_actor"),
)


@cache
def _insert_panel(dialect: str) -> Executable:
    unless: Executable = insert_of(dialect)(Panel).on_conflict_do_nothing()
    return unless


def _receptions(connection: Connection, size: int, limit: int) -> Iterator[Due]:
    row = Reception
    due = (
        select(row.not_before, row.cause, row.case_id, row.manifest, row.day, row.panel, _IS_LOGGED)
        .join(Event, _logged(row.cause, literal(OFFICE), size), isouter=True)
        .where(row.not_before <= size)
        .order_by(row.not_before, row.cause)
        .limit(limit)
    )
    for not_before, cause, case, manifest, day, panel, is_logged in connection.execute(due):
        begins = Beginning(manifest, day, tuple(panel.split()))
        yield Due(not_before, cause, OFFICE, case, RECEIVED, is_logged, begins)


def _others(connection: Connection, size: int, limit: int) -> Iterator[Due]:
    row = PendingEvent
    due = (
        select(row.not_before, row.cause, row.actor, row.case_id, row.type, _IS_LOGGED)
        .join(Event, _logged(row.cause, row.actor, size), isouter=True)
        .where(row.not_before <= size)
        .order_by(row.not_before, row.turn, row.cause)
        .limit(limit)
    )
    for found in connection.execute(due):
        yield Due(*found)


def _logged(
    cause: SQLColumnExpression[bytes], actor: SQLColumnExpression[str], size: int
) -> ColumnElement[bool]:
    """Find the event of a row in line, if it is in a log of this *size*."""
    return (Event.cause == cause) & (Event.actor == actor) & (Event.epoch < size)


def _each(
    connection: Connection,
    statement: Executable,
    names: Sequence[str],
    keys: Sequence[tuple[object, ...]],
) -> None:
    if keys:
        connection.execute(statement, [dict(zip(names, key, strict=True)) for key in keys])
