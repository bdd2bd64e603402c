"""
Leave to read events: root keepers give it to an auditor for a while, and the log shows it first.

Mirrors need no grant, since they must hold every event before they cosign.
"""

from __future__ import annotations

import datetime

from sqlalchemy import Connection, select, update

from dengwen_audit.event import ROOTS
from dengwen_audit.note import Note
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.grant import END_KIND, GrantError, check_grant, check_grant_end
from dengwen_audit.statements.member import AUDITOR, MIRROR, Member
from dengwen_audit.text import ZERO_HASH
from dengwen_vault.database import insert_new
from dengwen_vault.errors import NotYoursError
from dengwen_vault.line import NewEvent, join_line
from dengwen_vault.models import AuditGrant, Epoch, Event


class UnknownGrantError(GrantError):
    """There is no such grant to end."""


def post_grant(connection: Connection, card: Card, note: Note) -> None:
    """
    Take a grant or the end of one, and put its event in line; again, it changes nothing.

    Raises:
        AuditError: If the root keepers did not sign it for this office, or it ends nothing.
    """
    if note.text.startswith(END_KIND.encode() + b"\n"):
        _end(connection, card, note)
        return
    grant = check_grant(note, card)
    row = {"hash": note.hash, "auditor": grant.auditor, "institution": grant.institution}
    term = {"from_epoch": grant.from_index, "until": grant.until, "ended": False}
    insert_new(connection, AuditGrant, row | term)
    join_line(connection, NewEvent("audit.granted", ZERO_HASH, ROOTS, note))


def check_reader(connection: Connection, member: Member, start: int, today: datetime.date) -> None:
    """
    Check that *member* may read the events of epoch number *start* and all after it.

    Raises:
        NotYoursError: If the member is neither a mirror nor an auditor with a logged grant.
    """
    if member.role == MIRROR:
        return
    logged = (Event.cause == AuditGrant.hash) & (Event.actor == ROOTS)
    mine = (
        select(AuditGrant.hash)
        .join(Event, logged)
        .join(Epoch, Epoch.number == Event.epoch)
        .where(AuditGrant.auditor == member.id, AuditGrant.institution == member.institution)
        .where(AuditGrant.until > today, AuditGrant.ended.is_(False))
        .where(AuditGrant.from_epoch <= start)
        .limit(1)
    )
    if member.role != AUDITOR or connection.scalar(mine) is None:
        raise NotYoursError


def _end(connection: Connection, card: Card, note: Note) -> None:
    end = check_grant_end(note, card)
    ended = update(AuditGrant).where(AuditGrant.hash == end.grant).values(ended=True)
    if connection.execute(ended).rowcount != 1:
        raise UnknownGrantError("there is no such grant to end")
    join_line(connection, NewEvent("audit.ended", ZERO_HASH, ROOTS, note))
