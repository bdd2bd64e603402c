"""
What a tick does to rosters: which first days it sets, and which roster its record names.

Kept apart from the tick itself, since this is the one part of it that judges anything.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from dengwen_audit.statements.roster import Roster as RosterText
from dengwen_vault.models import LogHead, Roster
from dengwen_vault.standing import Office, first_day_after_wait, first_day_in_force


@dataclass(frozen=True)
class RosterChange:
    """
    The outcome for one tick.

    Attributes:
        first_days: The first days in force, of the rosters whose publication enters the log now;
            one whose wait has yet to begin is not in it.
        in_force: The roster that the record names; none before the first is published.
    """

    first_days: Mapping[bytes, datetime.date]
    in_force: bytes | None


def plan_rosters(
    connection: Connection, office: Office, published: Sequence[bytes], today: datetime.date
) -> RosterChange:
    """
    Work out the rosters of one tick.

    Args:
        published: The rosters whose publication enters the log now, in the order of the log.
    """
    in_force = connection.execute(select(LogHead.roster)).scalar_one()
    current = office.roster(connection, in_force) if in_force else None
    first_days: dict[bytes, datetime.date] = {}
    for hash_ in published:
        roster = office.roster(connection, hash_)
        previous = _previous(connection, office, roster, first_days)
        first_day = first_day_in_force(roster, today, current, previous)
        if first_day is not None:
            first_days[hash_] = first_day
            current = roster if first_day <= today else current
    return RosterChange(first_days, _in_force(connection, office, first_days, today))


def write_rosters(connection: Connection, change: RosterChange, epoch: int) -> None:
    """Write what `plan_rosters` found, as of record number *epoch*."""
    for hash_, day in change.first_days.items():
        row = update(Roster).where(Roster.hash == hash_)
        connection.execute(row.values(in_force_from=day))
    first = update(Roster).where(Roster.hash == change.in_force, Roster.first_epoch.is_(None))
    connection.execute(first.values(first_epoch=epoch))


def begin_wait(connection: Connection, office: Office, hash_: bytes, published: float) -> None:
    """
    Set the first day of a roster that has to wait, unless it has one.

    Args:
        published: When witnesses vouched for the first checkpoint that holds its publication.
    """
    day = first_day_after_wait(office.roster(connection, hash_), published)
    waits = update(Roster).where(Roster.hash == hash_, Roster.in_force_from.is_(None))
    connection.execute(waits.values(in_force_from=day))


def _previous(
    connection: Connection,
    office: Office,
    roster: RosterText,
    first_days: Mapping[bytes, datetime.date],
) -> tuple[RosterText, datetime.date | None] | None:
    """Return the roster that *roster* follows, and its first day if it has one."""
    if roster.version == 1:
        return None
    known = select(Roster.in_force_from).where(Roster.hash == roster.previous)
    day = first_days.get(roster.previous) or connection.scalar(known)
    return office.roster(connection, roster.previous), day


def _in_force(
    connection: Connection,
    office: Office,
    first_days: Mapping[bytes, datetime.date],
    today: datetime.date,
) -> bytes | None:
    """Return the roster of the highest version among those whose first day has come."""
    known = select(Roster.hash).where(Roster.in_force_from <= today)
    newest = connection.scalar(known.order_by(Roster.version.desc()).limit(1))
    ready = [hash_ for hash_, day in first_days.items() if day <= today]
    candidates = [*ready, newest] if newest else ready
    return max(candidates, key=lambda hash_: office.roster(connection, hash_).version, default=None)
