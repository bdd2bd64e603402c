"""
Challenges on their way from petitioners to holders and mirrors, and the heads that come back.

They travel here for those who cannot reach a holder's own address. Nothing of this is in the log,
and all of it is gone after the following day.
"""

from __future__ import annotations

import datetime

from sqlalchemy import Connection, delete, func, insert, select

from dengwen_audit.note import Note
from dengwen_audit.statements.challenge import Challenge, ChallengeError, check_challenge
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.head import Head, check_head
from dengwen_audit.statements.member import HOLDERS, MIRROR, Member
from dengwen_vault.database import insert_new
from dengwen_vault.errors import NotYoursError, TooManyError
from dengwen_vault.models import Challenge as ChallengeRow
from dengwen_vault.models import ChallengeWork
from dengwen_vault.models import Head as HeadRow
from dengwen_vault.standing import Standing

MAX_CHALLENGES = 16  # of one case, at one time
MAX_WAITING = 256  # challenges to an answer
KEPT = datetime.timedelta(days=1)


class ChallengeOfficeError(ChallengeError):
    """The challenge is for another office, or of another case than its sender's."""


def post_challenge(
    connection: Connection, standing: Standing, case: CaseId, note: Note, today: datetime.date
) -> None:
    """
    Keep a challenge, and lay it before every active holder and mirror.

    Raises:
        AuditError: If it is no challenge by the petitioner of *case*.
        TooManyError: If the case has used up its challenges for now.
    """
    challenge = check_challenge(note)
    if (challenge.office, challenge.case) != (standing.roster.office, case):
        raise ChallengeOfficeError("the challenge is for another office or case")
    _forget(connection, today - KEPT)
    kept = select(func.count()).select_from(ChallengeRow).where(ChallengeRow.case_id == case)
    if connection.execute(kept).scalar_one() >= MAX_CHALLENGES:
        raise TooManyError("the case has used up its challenges: come back tomorrow")
    row = {"case_id": case, "nonce": challenge.nonce, "day": today}
    if insert_new(connection, ChallengeRow, row | {"note": note.to_bytes()}):
        members = [m.id for role in (*HOLDERS, MIRROR) for m in standing.roster.active(role)]
        connection.execute(insert(ChallengeWork), [row | {"member": id_} for id_ in members])


def waiting_challenges(connection: Connection, member: Member) -> tuple[bytes, ...]:
    """Return the challenges that the member has not answered."""
    work = ChallengeWork
    same = (ChallengeRow.case_id == work.case_id) & (ChallengeRow.nonce == work.nonce)
    found = select(ChallengeRow.note).join(work, same).where(work.member == member.id)
    return tuple(connection.scalars(found.limit(MAX_WAITING)))


def post_head(connection: Connection, standing: Standing, member: Member, note: Note) -> None:
    """
    Take a member's head; of several for one challenge the first stands.

    Raises:
        NotYoursError: If it is another's, or no such challenge is kept.
        AuditError: If it is no head, or not signed by an active holder or mirror.
    """
    head = Head.parse(note.text)
    of_case = select(ChallengeRow.note, ChallengeRow.day).where(ChallengeRow.case_id == head.case)
    row = connection.execute(of_case.where(ChallengeRow.nonce == head.nonce)).one_or_none()
    if row is None or head.holder != member.id:
        raise NotYoursError
    check_head(note, standing.roster, Challenge.parse(Note.parse(row.note).text))
    key = {"case_id": head.case, "nonce": head.nonce}
    kept = key | {"holder": member.id, "day": row.day, "note": note.to_bytes()}
    insert_new(connection, HeadRow, kept)
    done = delete(ChallengeWork).where(ChallengeWork.member == member.id)
    connection.execute(
        done.where(ChallengeWork.case_id == head.case, ChallengeWork.nonce == head.nonce)
    )


def heads(connection: Connection, case: CaseId, nonce: bytes) -> tuple[bytes, ...]:
    """Return the heads that came in for a challenge, by holder."""
    found = select(HeadRow.note).where(HeadRow.case_id == case, HeadRow.nonce == nonce)
    return tuple(connection.scalars(found.order_by(HeadRow.holder)))


def _forget(connection: Connection, before: datetime.date) -> None:
    """Drop challenges and heads of days before *before*."""
    for table in (ChallengeRow, ChallengeWork, HeadRow):
        connection.execute(delete(table).where(table.day < before))
