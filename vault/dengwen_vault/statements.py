"""
Statements: the causes of events that have no other note of their own, from petitioners and members.

Which role may cause which type stands with the types of events; here it is applied. A reviewer
speaks only of cases of the own panel, and every signer of a reviewer's statement is of that panel.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from dengwen_audit.event import EVENT_TYPES, PETITIONER, EventType
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.member import REVIEWER, Member
from dengwen_audit.statements.statement import (
    KIND,
    Statement,
    StatementError,
    check_member_statement,
    check_petitioner_statement,
)
from dengwen_audit.text import ZERO_HASH
from dengwen_vault.cases import check_on_panel
from dengwen_vault.errors import NotYoursError, TooManyError
from dengwen_vault.line import (
    NewEvent,
    count_in_line,
    draw_epoch,
    join_line,
    not_before_hers,
)
from dengwen_vault.models import Epoch, Event
from dengwen_vault.papers import read_papers
from dengwen_vault.parts import parse_manifest
from dengwen_vault.segments import Segments
from dengwen_vault.standing import Standing

MAX_IN_LINE = 32  # events of one case, before its petitioner has to wait


class StatementTypeError(StatementError):
    """No statement causes events of this type, or not in this chain, or not by this signer."""


def post_case_statement(  # noqa: PLR0913  # where her case is, what is in force, what she says
    connection: Connection,
    segments: Segments | None,
    standing: Standing,
    case: CaseId,
    note: Note,
    *,
    at_once: bool,
) -> NoteHash:
    """
    Take a petitioner's statement about her case; the same note again changes nothing.

    Raises:
        NotYoursError: If there is no such case.
        TooManyError: If as many of the case's events as may be are in line already.
        AuditError: If it is not hers to make, or not signed by the case key.
    """
    manifest = parse_manifest(read_papers(connection, segments, case).manifest)
    statement = check_petitioner_statement(note, manifest)
    _check_type(statement, PETITIONER, None)
    if count_in_line(connection, case) >= MAX_IN_LINE:
        raise TooManyError("too much of this case is in line: come back tomorrow")
    delay = 0 if at_once else standing.roster.petitioner_delay
    drawn = draw_epoch(standing.size, delay, standing.card.tick)
    not_before = not_before_hers(connection, case, drawn)
    join_line(connection, NewEvent(statement.type, case, PETITIONER, note, not_before))
    return note.hash


def post_statement(
    connection: Connection, standing: Standing, member: Member, note: Note
) -> NoteHash:
    """
    Take a member's statement; the same note again changes nothing.

    Of several signers the one whom the roster lists first is the event's actor.

    Raises:
        NotYoursError: If the member did not sign it, or may not see the case.
        AuditError: If it is not this member's to make, or too few signed.
    """
    statement = Statement.parse(note.text)
    _check_sees(connection, member, statement.case)
    event_type = _check_type(statement, member.id, member.role)
    _, signers = check_member_statement(note, standing.roster, event_type.signers)
    if member.id not in signers:
        raise NotYoursError
    for signer in signers:
        _check_type(statement, signer, standing.roster.member(signer).role)
        _check_sees(connection, standing.roster.member(signer), statement.case)
    join_line(connection, NewEvent(statement.type, statement.case, signers[0], note))
    return note.hash


def _check_sees(connection: Connection, member: Member, case: bytes) -> None:
    """Check that the case is received, and the member's to speak of; the office is everybody's."""
    if case == ZERO_HASH:
        return
    if member.role == REVIEWER:
        check_on_panel(connection, member.id, case)
        return
    received = select(Event.case_id).join(Epoch, Epoch.number == Event.epoch)
    if connection.scalar(received.where(Event.case_id == case, Event.number == 1)) is None:
        raise NotYoursError


def _check_type(statement: Statement, actor: str, role: str | None) -> EventType:
    """Return the type of the event that this statement by this actor causes."""
    event_type = EVENT_TYPES.get(statement.type)
    if event_type is None or KIND not in event_type.cause_kinds:
        raise StatementTypeError("no statement causes events of this type")
    if event_type.of_office != (statement.case == ZERO_HASH):
        raise StatementTypeError("events of this type do not belong in this chain")
    if not event_type.is_actor(actor, role):
        raise StatementTypeError("events of this type are not for this signer to cause")
    return event_type
