"""
What waits for holders and mirrors, and what holders answer.

A holder hears of a request only once its event is in the public log: log before release begins
here, and each holder checks it for itself. A seat answers a request once; the same answer again
changes nothing, so that a holder that was cut off may post what it stored until it is believed.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.answer import Answer, AnswerError, check_answer
from dengwen_audit.statements.manifest import IDENTITY, PETITION
from dengwen_audit.statements.member import Member
from dengwen_vault.cases import CaseFile, case_file, logged_event
from dengwen_vault.columns import draw_spot
from dengwen_vault.database import insert_new
from dengwen_vault.errors import NotYoursError, SecondAnswerError
from dengwen_vault.line import NewEvent, join_line
from dengwen_vault.models import Answer as AnswerRow
from dengwen_vault.models import Cause, Event, Request, Work
from dengwen_vault.parts import parse_manifest, read_part
from dengwen_vault.public_log import LogView
from dengwen_vault.requests import ROLE_OF
from dengwen_vault.segments import Segments
from dengwen_vault.standing import Standing

MAX_WORK = 256  # requests to an answer
MAX_SEALED_BYTES = 64 << 10
EVENT_OF = {
    (PETITION, True): "share.released",
    (PETITION, False): "share.refused",
    (IDENTITY, True): "disclosure.approved",
    (IDENTITY, False): "disclosure.refused",
}


@dataclass(frozen=True)
class Waiting:
    """What waits for one holder or mirror: requests that are in the public log, and challenges."""

    requests: tuple[NoteHash, ...]
    challenges: tuple[bytes, ...]


class SealedError(AnswerError):
    """What travels beside an answer is not what the answer names, or is too long."""


class AnswerRequestError(AnswerError):
    """The answer names another case or compartment than its request, or another kind of holder."""


@dataclass(frozen=True)
class WorkItem:
    """
    All that one holder needs to judge one request.

    Attributes:
        receipt: Of the request's event.
        case: The events up to now.
        share: The sealed share of the holder's seat.
    """

    request: bytes
    receipt: bytes
    case: CaseFile
    share: bytes


def waiting_requests(
    connection: Connection, member: Member, public_size: int, today: datetime.date
) -> tuple[NoteHash, ...]:
    """
    Return requests in the public log that the member's seat has not answered, in random order.

    By chance, so that however many must wait (for tomorrow's openings, say), each of the others
    comes up sooner or later.
    """
    logged = (Event.cause == Work.request) & (Event.actor == Request.requester)
    found = (
        select(Work.request)
        .join(Request, Request.hash == Work.request)
        .join(Event, logged)
        .where(Work.role == member.role, Work.seat == member.seat, Work.until >= today)
        .where(Event.epoch < public_size)
        .order_by(func.random())
        .limit(MAX_WORK)
    )
    return tuple(NoteHash(hash_) for hash_ in connection.scalars(found))


def work_item(
    connection: Connection,
    segments: Segments | None,
    member: Member,
    request: bytes,
    view: LogView | None,
) -> WorkItem:
    """
    Return one waiting request with all that the holder of its seat needs.

    Raises:
        NotYoursError: If it does not wait for this member's seat, or is not in the public log.
        BlobError: If the share is no longer there.
    """
    row = _request_of(connection, request)
    waits = select(Work.request).where(Work.role == member.role, Work.seat == member.seat)
    if connection.scalar(waits.where(Work.request == request)) is None:
        raise NotYoursError
    note, logged = _note(connection, row), logged_event(connection, request, row.requester)
    receipt = view.receipt(logged) if view and logged else None
    if receipt is None:
        raise NotYoursError
    case = case_file(connection, segments, row.case_id, None)
    manifest = parse_manifest(case.manifest)
    name = f"share/{row.compartment}/{member.seat}"
    return WorkItem(note, receipt, case, read_part(connection, segments, manifest, name))


def post_answer(  # noqa: PLR0913  # whose answer it is, the answer, and the day
    connection: Connection,
    standing: Standing,
    member: Member,
    note: Note,
    sealed: bytes,
    *,
    today: datetime.date,
) -> None:
    """
    Take a holder's release or refusal, and put its event in line.

    Raises:
        NotYoursError: If it is another's, or there is no such request in the log.
        SecondAnswerError: If the holder has answered this request otherwise.
        AuditError: If it is not signed, or not as its request; the class says why.
    """
    answer = check_answer(note, standing.roster)
    row = _request_of(connection, answer.request)
    if answer.holder != member.id or not logged_event(connection, row.hash, row.requester):
        raise NotYoursError
    _check_fits(answer, row, member, sealed)
    key = {"spot": draw_spot(today), "request": row.hash, "holder": member.id}
    if not insert_new(connection, AnswerRow, key | {"note": note.hash, "sealed": sealed}):
        _check_same(connection, answer, note)
        return
    event_type = EVENT_OF[row.compartment, answer.is_release]
    join_line(connection, NewEvent(event_type, row.case_id, member.id, note), today)
    mine = delete(Work).where(Work.role == member.role, Work.seat == member.seat)
    connection.execute(mine.where(Work.request == row.hash))


@dataclass(frozen=True)
class _RequestRow:
    hash: bytes
    case_id: bytes
    requester: str
    compartment: str


def _request_of(connection: Connection, request: bytes) -> _RequestRow:
    columns = (Request.hash, Request.case_id, Request.requester, Request.compartment)
    row = connection.execute(select(*columns).where(Request.hash == request)).one_or_none()
    if row is None:
        raise NotYoursError
    return _RequestRow(*row)


def _note(connection: Connection, row: _RequestRow) -> bytes:
    found = select(Cause.note).where(Cause.hash == row.hash, Cause.actor == row.requester)
    return connection.execute(found).scalar_one()


def _check_fits(answer: Answer, row: _RequestRow, member: Member, sealed: bytes) -> None:
    if (answer.case, answer.compartment) != (row.case_id, row.compartment):
        raise AnswerRequestError("the answer names another case or compartment than its request")
    if member.role != ROLE_OF[row.compartment]:
        raise AnswerRequestError("this kind of holder has no seat of that compartment")
    if len(sealed) > MAX_SEALED_BYTES or hashlib.sha256(sealed).digest() != answer.sealed:
        raise SealedError("what travels beside the answer is not what it names, or too long")


def _check_same(connection: Connection, answer: Answer, note: Note) -> None:
    stored = select(AnswerRow.note).where(AnswerRow.request == answer.request)
    if connection.scalar(stored.where(AnswerRow.holder == answer.holder)) != note.hash:
        raise SecondAnswerError("the holder has answered this request otherwise")
