"""
Requests to open a compartment: taken in from the panel, put in line for the log, shown to seats.

Every check here is made again by each holder for itself; the desk makes them so that what cannot be
answered does not enter the log. What it says to somebody who is not on the panel is what it says
about a case that does not exist.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from dengwen_audit.event import EVENT_TYPES
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.manifest import COMPARTMENTS, IDENTITY, PETITION
from dengwen_audit.statements.member import Member
from dengwen_audit.statements.request import Request, RequestError, check_request, request_signers
from dengwen_vault.cases import check_on_panel, logged_event
from dengwen_vault.database import insert_new
from dengwen_vault.errors import NotYoursError
from dengwen_vault.line import NewEvent, join_line
from dengwen_vault.models import Answer, Cause, Petition, Work
from dengwen_vault.models import Request as RequestRow
from dengwen_vault.public_log import LogView
from dengwen_vault.standing import Standing

EVENT_OF = {PETITION: "open.requested", IDENTITY: "disclosure.requested"}
ROLE_OF = dict(COMPARTMENTS)
WORK_DAYS = datetime.timedelta(days=30)  # an unanswered request leaves the holders' lists then


class OtherManifestError(RequestError):
    """The request names another manifest of its case."""


class CompartmentError(RequestError):
    """The request names a compartment that no holder guards."""


class RequestTimeError(RequestError):
    """The request's records are not of this moment, or more than the roster allows: ask again."""


class TooFewSignersError(RequestError):
    """A disclosure takes two members of the panel."""


@dataclass(frozen=True)
class RequestState:
    """
    What became of a request.

    Attributes:
        event: Once it is sequenced.
        receipt: Once its record is public.
        answers: Of each seat that answered: the signed note, and what travels beside it.
    """

    event: bytes | None
    receipt: bytes | None
    answers: tuple[tuple[bytes, bytes], ...]


def post_request(
    connection: Connection, standing: Standing, member: Member, note: Note, today: datetime.date
) -> NoteHash:
    """
    Check a request and put it in line; the same note again changes nothing.

    Raises:
        NotYoursError: If it is not the member's own, or the member is not on the case's panel.
        AuditError: If no holder could release against it; the class says why.
    """
    request = Request.parse(note.text)
    if request.requester != member.id:
        raise NotYoursError
    check_on_panel(connection, member.id, request.case)
    check_request(note, standing.roster)
    _check_case(connection, request)
    _check_signers(connection, standing, request, note)
    _check_time(standing, request)
    new = NewEvent(EVENT_OF[request.compartment], request.case, member.id, note)
    if join_line(connection, new, today):
        _insert(connection, standing, request, today)
    return note.hash


def request_state(
    connection: Connection, member: Member, request: bytes, view: LogView | None
) -> RequestState:
    """
    Return what became of the member's own request.

    Raises:
        NotYoursError: If there is no such request of this member.
    """
    mine = select(RequestRow.hash).where(RequestRow.hash == request)
    if connection.scalar(mine.where(RequestRow.requester == member.id)) is None:
        raise NotYoursError
    logged = logged_event(connection, request, member.id)
    same = (Cause.hash == Answer.note) & (Cause.actor == Answer.holder)
    answers = select(Cause.note, Answer.sealed).join(Answer, same).where(Answer.request == request)
    return RequestState(
        event=logged.text if logged else None,
        receipt=view.receipt(logged) if view and logged else None,
        answers=tuple((row.note, row.sealed) for row in connection.execute(answers)),
    )


def _check_case(connection: Connection, request: Request) -> None:
    stored = select(Petition.manifest).where(Petition.case_id == request.case)
    if connection.scalar(stored) != request.manifest:
        raise OtherManifestError("the request names another manifest of its case")
    if request.compartment not in EVENT_OF:
        raise CompartmentError("the request names a compartment that no holder guards")


def _check_signers(
    connection: Connection, standing: Standing, request: Request, note: Note
) -> None:
    """Check that all signers are of the panel, and as many as the compartment takes."""
    signers = request_signers(note, standing.roster)
    if len(signers) < EVENT_TYPES[EVENT_OF[request.compartment]].signers:
        raise TooFewSignersError("a disclosure takes two members of the panel")
    for signer in signers:
        check_on_panel(connection, signer, request.case)


def _check_time(standing: Standing, request: Request) -> None:
    if not request.after_size <= standing.size <= request.last_index:
        raise RequestTimeError("the request is not for the records that come next")
    seconds = (request.last_index - request.after_size) * standing.card.tick
    if seconds > standing.roster.request_lifetime:
        raise RequestTimeError("the request allows itself more time than the roster does")


def _insert(
    connection: Connection, standing: Standing, request: Request, today: datetime.date
) -> None:
    """Keep the request, and lay it before each seat that guards its compartment."""
    connection.execute(delete(Work).where(Work.until < today))
    row = {"hash": request.hash, "case_id": request.case, "requester": request.requester}
    insert_new(connection, RequestRow, row | {"compartment": request.compartment})
    role = ROLE_OF[request.compartment]
    work = {"role": role, "request": request.hash, "until": today + WORK_DAYS}
    seats = range(1, standing.roster.quorum(role).n + 1)
    connection.execute(insert(Work), [work | {"seat": seat} for seat in seats])
