"""
The line in front of the log: events that have happened and wait for their tick.

What members and root keepers cause is taken at the next tick. What the petitioner causes waits for
a random epoch of the delay that the roster sets, unless she asks otherwise, so that its place in
the log does not tell when she was at her keyboard. Her own events never overtake one another.
"""

from __future__ import annotations

import datetime
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from dengwen_audit.event import OFFICE
from dengwen_audit.note import Note, NoteHash
from dengwen_vault.database import insert_new
from dengwen_vault.models import Cause, PendingEvent, draw_spot

AT_NEXT_TICK = 0
RECEIVED = "petition.received"  # with it a case begins

_INSERT = insert(PendingEvent)


@dataclass(frozen=True)
class NewEvent:
    """
    Something that has happened and is not in the log yet.

    Attributes:
        type: One of `dengwen_audit.event.EVENT_TYPES`.
        case: The case id, or zeros for the office.
        not_before: The first epoch that may take it.
    """

    type: str
    case: bytes
    actor: str
    cause: Note
    not_before: int = AT_NEXT_TICK


@dataclass(frozen=True)
class FirstEvent:
    """
    That a case was received: its first event.

    Attributes:
        acceptance: The hash of the office's signed word, which is its cause.
        not_before: The first epoch that may take it.
    """

    case: bytes
    acceptance: NoteHash
    not_before: int


def join_line(connection: Connection, new: NewEvent, today: datetime.date | None = None) -> bool:
    """
    Put an event in line; tell whether it is new.

    A cause that is known, whether its event is still in line or in the log, changes nothing. Of
    many causes each is laid beside the others of *today*; of few it does not matter.
    """
    last = select(func.max(PendingEvent.turn)).where(PendingEvent.case_id == new.case)
    turn = connection.scalar(last)
    cause: dict[str, object] = {
        "hash": new.cause.hash,
        "actor": new.actor,
        "note": new.cause.to_bytes(),
    }
    if not insert_new(connection, Cause, {"spot": draw_spot(today)} | cause):
        return False
    row = {
        "case_id": new.case,
        "cause": new.cause.hash,
        "actor": new.actor,
        "type": new.type,
        "not_before": new.not_before,
        "turn": 0 if turn is None else turn + 1,
    }
    connection.execute(_INSERT, row)
    return True


def begin_lines(connection: Connection, events: Sequence[FirstEvent]) -> None:
    """Put the first events of new cases in line; their causes lie with the petitions."""
    rows = [
        {
            "case_id": first.case,
            "cause": first.acceptance,
            "actor": OFFICE,
            "type": RECEIVED,
            "not_before": first.not_before,
            "turn": 0,
        }
        for first in events
    ]
    connection.execute(_INSERT, rows)


def draw_epoch(size: int, delay: int, tick: int) -> int:
    """
    Draw the epoch from which an event of the petitioner may enter the log.

    Args:
        size: How many epochs there are.
        delay: Seconds within which it must; 0 for the next tick.
        tick: Seconds between two epochs.
    """
    return size + secrets.randbelow(math.ceil(delay / tick) + 1)


def not_before_hers(connection: Connection, case: bytes, drawn: int) -> int:
    """Return *drawn*, or the epoch of what the case has in line already, if that is later."""
    last = select(func.max(PendingEvent.not_before)).where(PendingEvent.case_id == case)
    return max(drawn, connection.scalar(last) or 0)


def count_in_line(connection: Connection, case: bytes) -> int:
    """Return how many events of a case wait."""
    waiting = select(func.count()).select_from(PendingEvent).where(PendingEvent.case_id == case)
    return connection.execute(waiting).scalar_one()
