"""
The tables: what an office keeps, by the names of the glossary.

Rows tell no order and no hour. Keys are hashes, random bytes or public numbers, and on SQLite a
table has no row ids behind them but its keys themselves; the only times are days, except for
`UsedNonce`, which names nobody. The sealed parts of a petition lie outside SQLite's file; see
`dengwen_vault.segments`.

Without row ids SQLite keeps whole rows in its tree of keys, and reads a long one through to compare
its key. So a table of long rows is a tree of random spots, found by an index; see `draw_spot`.

What the order of pages on a disk still tells is in docs/decisions/0008-store.md.
"""

from __future__ import annotations

import datetime
import secrets
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from dengwen_audit.text import HASH_SIZE

WITHOUT_ROWID = {"sqlite_with_rowid": False}
WITH_ROWID = {"sqlite_with_rowid": True}  # of a table whose one key is such an id
MAX_TOKEN = 64  # characters: an id, see dengwen_audit.text.check_token

# Alembic can change only constraints that have a name, the same one on both databases.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


_FIRST_DAY = datetime.date(1970, 1, 1)
_DAY_BITS, _CHANCE_BITS = 16, 47  # together what a signed row id can count

# SQLite takes a column for its row id only if its type is spelt INTEGER.
ROW_ID = BigInteger().with_variant(Integer, "sqlite")


def draw_spot(day: datetime.date | None = None) -> int:
    """
    Return where a long row is to lie: by chance, so that it tells nothing of the row.

    Rows of a *day* lie together, in no order: a day is known of them anyway, and what is written
    today then meets the pages of today, however old the vault is.
    """
    if day is None:
        return secrets.randbits(_DAY_BITS + _CHANCE_BITS)
    return (day - _FIRST_DAY).days << _CHANCE_BITS | secrets.randbits(_CHANCE_BITS)


def _spot() -> Mapped[int]:
    return mapped_column(ROW_ID, primary_key=True, autoincrement=False, default=draw_spot)


def _hash(*args: Any, **options: Any) -> Mapped[bytes]:  # noqa: ANN401  # SQLAlchemy's own
    return mapped_column(LargeBinary(HASH_SIZE), *args, **options)


def _key_hash(*args: Any) -> Mapped[bytes]:  # noqa: ANN401  # SQLAlchemy's own
    return mapped_column(LargeBinary(HASH_SIZE), *args, primary_key=True)


def _token(*, primary_key: bool = False) -> Mapped[str]:
    return mapped_column(String(MAX_TOKEN), primary_key=primary_key)


class Base(DeclarativeBase):
    """All tables of the vault."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        bytes: LargeBinary,
        int: BigInteger,
        datetime.date: Date,
    }
    __table_args__: Any = WITHOUT_ROWID


class Card(Base):
    """A card that was in force or is; the highest number is."""

    __tablename__ = "card"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = _hash(unique=True)
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

    hash: Mapped[bytes] = _key_hash()
    version: Mapped[int] = mapped_column(unique=True)
    note: Mapped[bytes]
    in_force_from: Mapped[datetime.date | None]
    first_epoch: Mapped[int | None]
    proof: Mapped[bytes | None]


class LogHead(Base):
    """The log's size, in one row: who changes it from s to s + 1 has made record number s."""

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), WITHOUT_ROWID)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    size: Mapped[int]
    roster: Mapped[bytes | None] = _hash()  # that of record size - 1


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
    roster: Mapped[bytes] = _hash()
    seed: Mapped[bytes] = mapped_column(LargeBinary(HASH_SIZE))


class Cause(Base):
    """
    A signed note that caused an event of its *actor*: the event is in line for the log, or in it.

    The acceptance of a petition is none of these: it lies with the petition. Two members may sign
    the same words, so that one hash can stand here for each of them.
    """

    __tablename__ = "cause"
    __table_args__ = (UniqueConstraint("hash", "actor"), WITH_ROWID)

    spot: Mapped[int] = _spot()
    hash: Mapped[bytes] = _hash()
    actor: Mapped[str] = _token()
    note: Mapped[bytes]


class PendingEvent(Base):
    """
    An event in line for the log; number, previous hash, day and salt are given at its tick.

    Attributes:
        not_before: The first epoch that may take it; never a time.
        turn: Its place among the events in line of its own case.
    """

    __tablename__ = "pending_event"
    __table_args__ = (
        Index(None, "not_before", "turn", "cause"),
        WITHOUT_ROWID,
    )

    case_id: Mapped[bytes] = _key_hash()
    cause: Mapped[bytes] = _key_hash()
    actor: Mapped[str] = _token(primary_key=True)
    type: Mapped[str] = _token()
    not_before: Mapped[int]
    turn: Mapped[int]


class Event(Base):
    """
    An event in the log: its exact text, and where it stands.

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

    spot: Mapped[int] = _spot()
    case_id: Mapped[bytes] = _hash()
    number: Mapped[int]
    hash: Mapped[bytes] = _hash()
    cause: Mapped[bytes] = _hash()
    actor: Mapped[str] = _token()
    epoch: Mapped[int]
    position: Mapped[int]
    text: Mapped[bytes]
    path: Mapped[bytes]


class Petition(Base):
    """
    A case: who may ask about it, its manifest, and where its sealed parts lie.

    Nothing here is finer than a day.

    Attributes:
        manifest: The hash of *note*.
        note: The manifest, as the case key signed it.
        acceptance: The office's signed word, and the cause of the case's first event.
        segment, slot: Where the parts lie on SQLite.
        parts: The parts themselves on PostgreSQL: every one that is no attachment, in the
            manifest's order.
    """

    __tablename__ = "petition"
    __table_args__ = WITH_ROWID

    spot: Mapped[int] = _spot()
    case_id: Mapped[bytes] = _hash(unique=True)
    signing_key: Mapped[bytes] = _hash(unique=True)
    manifest: Mapped[bytes] = _hash()
    roster: Mapped[bytes] = _hash()
    day: Mapped[datetime.date]
    segment: Mapped[str | None] = mapped_column(String(MAX_TOKEN))
    slot: Mapped[int | None]
    acceptance: Mapped[bytes]
    note: Mapped[bytes]
    parts: Mapped[bytes | None]


class Attachment(Base):
    """That an attachment has come: its hash is in the manifest, its bytes are in a blob."""

    __tablename__ = "attachment"

    case_id: Mapped[bytes] = _key_hash(ForeignKey(Petition.case_id))
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)


class Panel(Base):
    """
    Who may see a case: the lines of a reviewer's desk, in the desk's order.

    Attributes:
        day, manifest: The petition's, so that a page of the desk is one piece of this table.
    """

    __tablename__ = "panel"

    reviewer: Mapped[str] = _token(primary_key=True)
    day: Mapped[datetime.date] = mapped_column(primary_key=True)
    case_id: Mapped[bytes] = _key_hash(ForeignKey(Petition.case_id))
    manifest: Mapped[bytes] = _hash()


class Request(Base):
    """A reviewer's request to open a compartment; the note itself is its event's cause."""

    __tablename__ = "request"

    hash: Mapped[bytes] = _key_hash()
    case_id: Mapped[bytes] = _hash(ForeignKey(Petition.case_id))
    requester: Mapped[str] = _token()
    compartment: Mapped[str] = _token()


class Work(Base):
    """A request that one seat has not answered yet; gone once it has, or the day is past."""

    __tablename__ = "work"
    __table_args__ = (Index(None, "until"), WITHOUT_ROWID)

    role: Mapped[str] = _token(primary_key=True)
    seat: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    request: Mapped[bytes] = _key_hash(ForeignKey(Request.hash))
    until: Mapped[datetime.date]


class Answer(Base):
    """A holder's one answer to a request; the note itself is its event's cause."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("request", "holder"), WITH_ROWID)

    spot: Mapped[int] = _spot()
    request: Mapped[bytes] = _hash(ForeignKey(Request.hash))
    holder: Mapped[str] = _token()
    note: Mapped[bytes] = _hash()
    sealed: Mapped[bytes]


class Challenge(Base):
    """A petitioner's challenge to the holders: kept for its day and the next."""

    __tablename__ = "challenge"
    __table_args__ = (Index(None, "day"), WITHOUT_ROWID)

    case_id: Mapped[bytes] = _key_hash(ForeignKey(Petition.case_id))
    nonce: Mapped[bytes] = _key_hash()
    day: Mapped[datetime.date]
    note: Mapped[bytes]


class ChallengeWork(Base):
    """A challenge that one holder or mirror has not answered yet."""

    __tablename__ = "challenge_work"
    __table_args__ = (Index(None, "day"), WITHOUT_ROWID)

    member: Mapped[str] = _token(primary_key=True)
    case_id: Mapped[bytes] = _key_hash()
    nonce: Mapped[bytes] = _key_hash()
    day: Mapped[datetime.date]


class Head(Base):
    """What one holder or mirror answered to a challenge."""

    __tablename__ = "head"
    __table_args__ = (Index(None, "day"), WITHOUT_ROWID)

    case_id: Mapped[bytes] = _key_hash()
    nonce: Mapped[bytes] = _key_hash()
    holder: Mapped[str] = _token(primary_key=True)
    day: Mapped[datetime.date]
    note: Mapped[bytes]


class AuditGrant(Base):
    """What an auditor may read; the grant's note is its event's cause."""

    __tablename__ = "audit_grant"
    __table_args__ = (Index(None, "auditor"), WITHOUT_ROWID)

    hash: Mapped[bytes] = _key_hash()
    auditor: Mapped[str] = _token()
    institution: Mapped[str] = _token()
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

    hash: Mapped[bytes] = _key_hash()
    window: Mapped[int]  # ten-minute windows since 1970
