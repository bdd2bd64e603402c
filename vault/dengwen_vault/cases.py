"""
Cases as they are looked at: by the petitioner with her key, by the members of her panel.

A case is shown at the desk once its reception is in the log, not before: otherwise the desk would
tell reviewers the hour at which a petition came in. So its panel is laid down at that tick.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_

from dengwen_audit.note import NoteHash
from dengwen_audit.statements.fields import CaseId
from dengwen_vault.errors import NotYoursError
from dengwen_vault.models import Cause, Epoch, Event, Panel, Petition
from dengwen_vault.papers import read_papers
from dengwen_vault.public_log import LoggedEvent, LogView
from dengwen_vault.segments import Segments

MAX_CASES = 1000  # to an answer of the desk


@dataclass(frozen=True)
class CaseEvent:
    """One sequenced event: its exact text, the signed note that caused it, and its receipt."""

    event: bytes
    cause: bytes | None
    receipt: bytes | None  # None until its record is public


@dataclass(frozen=True)
class CaseFile:
    """A case as its petitioner or its panel sees it: events in order, all that are sequenced."""

    manifest: bytes
    events: tuple[CaseEvent, ...]


@dataclass(frozen=True)
class DeskLine:
    """A case on a reviewer's desk."""

    case: CaseId
    manifest_hash: NoteHash
    day: datetime.date


def case_of(connection: Connection, signing_key: bytes) -> CaseId | None:
    """Return the case of a case key, if there is one."""
    found = select(Petition.case_id).where(Petition.signing_key == signing_key)
    case = connection.scalar(found)
    return CaseId(case) if case is not None else None


def desk_lines(connection: Connection, reviewer: str, after: bytes) -> tuple[DeskLine, ...]:
    """
    Return the cases of a reviewer's panels, by day, and within a day by case id.

    Args:
        after: The last case id of the answer before, or nothing. Nothing comes after a case that
            is not on this desk.
    """
    lines = (
        select(Panel.case_id, Panel.manifest, Panel.day)
        .where(Panel.reviewer == reviewer)
        .order_by(Panel.day, Panel.case_id)
        .limit(MAX_CASES)
    )
    if after:
        day = _day_on_desk(connection, reviewer, after)
        if day is None:
            return ()
        lines = lines.where(tuple_(Panel.day, Panel.case_id) > tuple_(day, after))
    return tuple(
        DeskLine(CaseId(row.case_id), NoteHash(row.manifest), row.day)
        for row in connection.execute(lines)
    )


def check_on_panel(connection: Connection, reviewer: str, case: bytes) -> None:
    """
    Check that *reviewer* is on the panel of a received case.

    Raises:
        NotYoursError: If not, or if there is no such case: nobody learns which.
    """
    if _day_on_desk(connection, reviewer, case) is None:
        raise NotYoursError


def _day_on_desk(connection: Connection, reviewer: str, case: bytes) -> datetime.date | None:
    """Return the day of a case that is on this reviewer's desk."""
    drawn = (Panel.day == Petition.day) & (Panel.case_id == Petition.case_id)
    mine = select(Petition.day).join(Panel, drawn).where(Panel.reviewer == reviewer)
    return connection.scalar(mine.where(Petition.case_id == case))


def case_file(
    connection: Connection, segments: Segments | None, case: bytes, view: LogView | None
) -> CaseFile:
    """
    Return the manifest and all sequenced events of a case, with causes and receipts.

    Costs about 0.3 ms for each event.

    Args:
        view: The public log; without it no event has a receipt yet.

    Raises:
        NotYoursError: If there is no such case.
        BlobError: If its manifest is no longer there.
    """
    papers = read_papers(connection, segments, case)
    same = (Cause.hash == Event.cause) & (Cause.actor == Event.actor)
    rows = (
        select(Event, Epoch.roster, Epoch.record, Cause.note)
        .join(Epoch, Epoch.number == Event.epoch)
        .join(Cause, same, isouter=True)
        .where(Event.case_id == case)
        .order_by(Event.number)
    )
    events = []
    for row in connection.execute(rows):
        logged = LoggedEvent(row.text, row.epoch, row.position, row.path, row.roster, row.record)
        receipt = view.receipt(logged) if view else None
        cause = papers.acceptance if row.note is None and row.number == 1 else row.note
        events.append(CaseEvent(row.text, cause, receipt))
    return CaseFile(papers.manifest, tuple(events))


def logged_event(connection: Connection, cause: bytes, actor: str) -> LoggedEvent | None:
    """Return the event that this note of this actor caused, once it is sequenced."""
    rows = (
        select(Event.text, Event.epoch, Event.position, Event.path, Epoch.roster, Epoch.record)
        .join(Epoch, Epoch.number == Event.epoch)
        .where(Event.cause == cause, Event.actor == actor)
    )
    row = connection.execute(rows).one_or_none()
    return LoggedEvent(*row) if row is not None else None
