"""
How tables are kept: by keys that tell nothing, and long rows at spots drawn by chance.

Without row ids SQLite keeps whole rows in its tree of keys, and reads a long one through to compare
its key. So a table of long rows is a tree of random spots, found by an index; see `draw_spot`.
"""

from __future__ import annotations

import datetime
import secrets
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Date, Integer, LargeBinary, MetaData, String
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


def spot_key() -> Mapped[int]:
    """Return the key of a table of long rows."""
    return mapped_column(ROW_ID, primary_key=True, autoincrement=False, default=draw_spot)


def hash_column(*args: Any, **options: Any) -> Mapped[bytes]:  # noqa: ANN401  # SQLAlchemy's own
    """Return a column of hashes, or of keys of that size."""
    return mapped_column(LargeBinary(HASH_SIZE), *args, **options)


def hash_key(*args: Any) -> Mapped[bytes]:  # noqa: ANN401  # SQLAlchemy's own
    """Return such a column that is, or is of, the primary key."""
    return mapped_column(LargeBinary(HASH_SIZE), *args, primary_key=True)


def id_column(*, primary_key: bool = False) -> Mapped[str]:
    """Return a column of ids."""
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
