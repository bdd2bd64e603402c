"""
The tables: what an office keeps, by the names of the glossary.

Rows tell no order and no hour. Keys are hashes, random bytes or public numbers, and on SQLite a
table has no row ids behind them but its keys themselves; the only times are days, except for
`UsedNonce`, which names nobody. The sealed parts of a petition lie outside SQLite's file; see
`dengwen_vault.segments`.

What the order of pages on a disk still tells is in docs/decisions/0008-store.md.
"""

from __future__ import annotations

import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from dengwen_audit.text import HASH_SIZE
from dengwen_vault.columns import (
    MAX_TOKEN,
    ROW_ID,
    WITH_ROWID,
    WITHOUT_ROWID,
    Base,
    hash_column,
    hash_key,
    id_column,
    spot_key,
)


class Card(Base):
    """A card that was in force or is; the highest number is."""

    __tablename__ = "card"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = hash_column(unique=True)
    note: Mapped[bytes]


class Roster(Base):
    """
    A roster that the roots signed.

    Attributes:
        in_force_from: Set when its event enters the log, or is public and its wait begins.
        first_epoch: The first record that names it; none while it has never been in force.
        proof: The receipt of its publication, under the first checkpoint that held it.
    """

    __tablename__ = "roster"

    hash: Mapped[bytes] = hash_key()
    version: Mapped[int] = mapped_column(unique=True)
    note: Mapped[bytes]
    in_force_from: Mapped[datetime.date | None]
    first_epoch: Mapped[int | None]
    proof: Mapped[bytes | None]


class LogHead(Base):
    """
    The log's size, in one row: who changes it from s to s + 1 has made record number s.

    Attributes:
        roster: That of the newest record.
        attempt: The newest attempt at the next record; see `dengwen_vault.attempt`.
    """

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), WITHOUT_ROWID)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    size: Mapped[int]
    roster: Mapped[bytes | None] = hash_column()
    attempt: Mapped[bytes | None]


class PublicCheckpoint(Base):
    """The newest checkpoint that a sequencer has published: every machine can show it."""

    __tablename__ = "public_checkpoint"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), WITHOUT_ROWID)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    size: Mapped[int]
    note: Mapped[bytes]


class Epoch(Base):
    """One record of the log, and the seed that its empty leaves and their order come from."""

    __tablename__ = "epoch"
    __table_args__ = WITH_ROWID

    number: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)
    record: Mapped[bytes]
    roster: Mapped[bytes] = hash_column()
    seed: Mapped[bytes] = mapped_column(LargeBinary(HASH_SIZE))


class Cause(Base):
    """
    A signed note that caused an event of its *actor*: the event is in line for the log, or in it.

    The acceptance of a petition is none of these: it lies with the petition. Two members may sign
    the same words, so that one hash can stand here for each of them.
    """

    __tablename__ = "cause"
    __table_args__ = (UniqueConstraint("hash", "actor"), WITH_ROWID)

    spot: Mapped[int] = spot_key()
    hash: Mapped[bytes] = hash_column()
    actor: Mapped[str] = id_column()
    note: Mapped[bytes]


class Reception(Base):
    """
    A petition that was taken in and is not in the log yet: its first event, in line for the log.

    One tree for each petition that comes, short since each tick empties it. At its tick a
    case gets its first event and its panel.

    Attributes:
        not_before: The first epoch that may take it; never a time.
        cause: The hash of its acceptance.
        manifest, day: The petition's.
        panel: The reviewers' ids, with a space between two of them.
    """

    __tablename__ = "reception"

    not_before: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cause: Mapped[bytes] = hash_key()
    case_id: Mapped[bytes] = hash_column()
    manifest: Mapped[bytes] = hash_column()
    day: Mapped[datetime.date]
    panel: Mapped[str]


class PendingEvent(Base):
    """
    Any other event in line for the log; number, previous hash, day and salt are given at its tick.

    Attributes:
        not_before: The first epoch that may take it; never a time.
        turn: Its place among the events in line of its own case.
    """

    __tablename__ = "pending_event"
    __table_args__ = (
        Index(None, "not_before", "turn", "cause"),
        WITHOUT_ROWID,
    )

    case_id: Mapped[bytes] = hash_key()
    cause: Mapped[bytes] = hash_key()
    actor: Mapped[str] = id_column(primary_key=True)
    type: Mapped[str] = id_column()
    not_before: Mapped[int]
    turn: Mapped[int]


class Event(Base):
    """
    An event in the log: its exact text, and where it stands.

    One whose epoch is not there, since its number is not below the log's size, is no event yet.

    Attributes:
        path: The hashes from its leaf to its epoch's root, one after the other.
    """

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("case_id", "number"),
        UniqueConstraint("cause", "actor"),
        Index(None, "epoch"),
        WITH_ROWID,
    )

    spot: Mapped[int] = spot_key()
    case_id: Mapped[bytes] = hash_column()
    number: Mapped[int]
    hash: Mapped[bytes] = hash_column()
    cause: Mapped[bytes] = hash_column()
    actor: Mapped[str] = id_column()
    epoch: Mapped[int]
    position: Mapped[int]
    text: Mapped[bytes]
    path: Mapped[bytes]


class Petition(Base):
    """
    A case: who may ask about it, and where its sealed parts and its papers lie.

    Nothing here is finer than a day. See `dengwen_vault.papers`.

    Attributes:
        manifest: The hash of the manifest.
        segment, slot: Where parts and papers lie on SQLite.
        note: The manifest, as the case key signed it: on PostgreSQL, and of cases that came
            before papers lay in slots.
        acceptance: The office's signed word, and the cause of the case's first event: where the
            manifest is.
        parts: The parts themselves on PostgreSQL: every one that is no attachment, in the
            manifest's order.
        not_before: The first epoch that may take its reception; none of a case that was in the log
            before this was kept.
    """

    __tablename__ = "petition"
    __table_args__ = WITH_ROWID

    spot: Mapped[int] = spot_key()
    case_id: Mapped[bytes] = hash_column(unique=True)
    signing_key: Mapped[bytes] = hash_column(unique=True)
    manifest: Mapped[bytes] = hash_column()
    roster: Mapped[bytes] = hash_column()
    day: Mapped[datetime.date]
    segment: Mapped[str | None] = mapped_column(String(MAX_TOKEN))
    slot: Mapped[int | None]
    acceptance: Mapped[bytes | None]
    note: Mapped[bytes | None]
    parts: Mapped[bytes | None]
    not_before: Mapped[int | None]


class Attachment(Base):
    """That an attachment has come: its hash is in the manifest, its bytes are in a blob."""

    __tablename__ = "attachment"

    case_id: Mapped[bytes] = hash_key(ForeignKey(Petition.case_id))
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)


class Panel(Base):
    """
    Who may see a case once it is in the log: the lines of a reviewer's desk, in the desk's order.

    Attributes:
        day, manifest: The petition's, so that a page of the desk is one piece of this table.
    """

    __tablename__ = "panel"

    reviewer: Mapped[str] = id_column(primary_key=True)
    day: Mapped[datetime.date] = mapped_column(primary_key=True)
    case_id: Mapped[bytes] = hash_key(ForeignKey(Petition.case_id))
    manifest: Mapped[bytes] = hash_column()


class Request(Base):
    """A reviewer's request to open a compartment; the note itself is its event's cause."""

    __tablename__ = "request"

    hash: Mapped[bytes] = hash_key()
    case_id: Mapped[bytes] = hash_column(ForeignKey(Petition.case_id))
    requester: Mapped[str] = id_column()
    compartment: Mapped[str] = id_column()


class Work(Base):
    """A request that one seat has not answered yet; gone once it has, or the day is past."""

    __tablename__ = "work"
    __table_args__ = (Index(None, "until"), WITHOUT_ROWID)

    role: Mapped[str] = id_column(primary_key=True)
    seat: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    request: Mapped[bytes] = hash_key(ForeignKey(Request.hash))
    until: Mapped[datetime.date]


class Answer(Base):
    """A holder's one answer to a request; the note itself is its event's cause."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("request", "holder"), WITH_ROWID)

    spot: Mapped[int] = spot_key()
    request: Mapped[bytes] = hash_column(ForeignKey(Request.hash))
    holder: Mapped[str] = id_column()
    note: Mapped[bytes] = hash_column()
    sealed: Mapped[bytes]


class Challenge(Base):
    """A petitioner's challenge to the holders: kept for its day and the next."""

    __tablename__ = "challenge"
    __table_args__ = (Index(None, "day"), WITHOUT_ROWID)

    case_id: Mapped[bytes] = hash_key(ForeignKey(Petition.case_id))
    nonce: Mapped[bytes] = hash_key()
    day: Mapped[datetime.date]
    note: Mapped[bytes]


class ChallengeWork(Base):
    """A challenge that one holder or mirror has not answered yet."""

    __tablename__ = "challenge_work"
    __table_args__ = (Index(None, "day"), WITHOUT_ROWID)

    member: Mapped[str] = id_column(primary_key=True)
    case_id: Mapped[bytes] = hash_key()
    nonce: Mapped[bytes] = hash_key()
    day: Mapped[datetime.date]


class Head(Base):
    """What one holder or mirror answered to a challenge."""

    __tablename__ = "head"
    __table_args__ = (Index(None, "day"), WITHOUT_ROWID)

    case_id: Mapped[bytes] = hash_key()
    nonce: Mapped[bytes] = hash_key()
    holder: Mapped[str] = id_column(primary_key=True)
    day: Mapped[datetime.date]
    note: Mapped[bytes]


class AuditGrant(Base):
    """What an auditor may read; the grant's note is its event's cause."""

    __tablename__ = "audit_grant"
    __table_args__ = (Index(None, "auditor"), WITHOUT_ROWID)

    hash: Mapped[bytes] = hash_key()
    auditor: Mapped[str] = id_column()
    institution: Mapped[str] = id_column()
    from_epoch: Mapped[int]
    until: Mapped[datetime.date]
    ended: Mapped[bool]


class UsedNonce(Base):
    """
    A signed request that was answered: the hash of its key's name and nonce, for some minutes.

    Who knows every key still cannot tell whose it is: the nonce is stored nowhere else.
    """

    __tablename__ = "used_nonce"
    __table_args__ = (Index(None, "window"), WITHOUT_ROWID)

    hash: Mapped[bytes] = hash_key()
    window: Mapped[int]  # ten-minute windows since 1970
