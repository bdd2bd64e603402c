"""
The line in front of the log: events that have happened and wait for their tick.

That a petition was received is the first of its case, and lies in a table of its own
(`dengwen_vault.deposit`); what is said here holds for it too.

What members and root keepers cause is taken at the next tick. What the petitioner causes waits for
a random epoch of the delay that the roster sets, unless she asks otherwise, so that its place in
the log does not tell when she was at her keyboard. Her own events never overtake one another.
"""

from __future__ import annotations

import datetime
import math
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from dengwen_audit.note import Note
from dengwen_vault.columns import draw_spot
from dengwen_vault.database import insert_new
from dengwen_vault.models import Cause, PendingEvent, Petition

AT_NEXT_TICK = 0

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
    received = select(Petition.not_before).where(Petition.case_id == case)
    last = select(func.max(PendingEvent.not_before)).where(PendingEvent.case_id == case)
    return max(drawn, connection.scalar(received) or 0, connection.scalar(last) or 0)


def count_in_line(connection: Connection, case: bytes) -> int:
    """Return how many events of a case wait, but for its reception."""
    waiting = select(func.count()).select_from(PendingEvent).where(PendingEvent.case_id == case)
    return connection.execute(waiting).scalar_one()
