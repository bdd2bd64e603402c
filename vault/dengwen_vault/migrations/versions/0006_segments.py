"""
Sealed parts leave SQLite for segments, and a petition is one row, with its manifest and acceptance.

On PostgreSQL the parts stay, in that row. Every part is durable in its segment before the row is
that names it, and all rows change in one transaction: whatever ends this revision midway, the
database has everything. What was laid down then belongs to nobody.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from dengwen_vault.errors import WrongBlobError
from dengwen_vault.segments import Segments, Slot

revision = "0006"
down_revision = "0005"

BATCH = 64  # petitions

_HASH = sa.LargeBinary(length=32)
_TOKEN = sa.String(length=64)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CHILDREN = ("attachment", "panel", "request", "challenge")
_NEW_KEY, _OLD_KEY = ["case_id", "cause", "actor"], ["cause", "actor"]

# The one cause of a case that is the office's own word: that of its first event.
_FIRST_CAUSE = (
    "COALESCE((SELECT cause FROM event WHERE event.case_id = petition.case_id"
    " AND event.number = 1), (SELECT cause FROM pending_event WHERE"
    " pending_event.case_id = petition.case_id AND pending_event.type = 'petition.received'))"
)
_THEIRS = f"(SELECT {_FIRST_CAUSE} FROM petition)"  # noqa: S608  # ours
_ACCEPTANCE = f"(SELECT note FROM cause WHERE actor = 'office' AND hash = {_FIRST_CAUSE})"  # noqa: S608  # ours
_FORGET_CAUSES = f"DELETE FROM cause WHERE actor = 'office' AND hash IN {_THEIRS}"  # noqa: S608  # ours


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _merge_on_sqlite()
    else:
        _merge_on_postgres()
    _copy_line(_NEW_KEY)


def downgrade() -> None:
    _copy_line(_OLD_KEY)
    if op.get_bind().dialect.name == "sqlite":
        _part_on_sqlite()
    else:
        _part_on_postgres()


def _merge_on_sqlite() -> None:
    _make_petitions("petition_after")
    rows = _all(
        f"SELECT spot, petition.case_id, signing_key, petition.manifest, roster, day,"  # noqa: S608  # ours
        f" {_ACCEPTANCE} AS acceptance, sealed_petition.manifest AS note, parts"
        " FROM petition JOIN sealed_petition ON sealed_petition.case_id = petition.case_id"
        " ORDER BY petition.case_id"
    )
    while batch := [dict(row) for row in islice(rows, BATCH)]:
        slots = _segments().put([row.pop("parts") for row in batch])
        places = [{"segment": slot.segment, "slot": slot.number} for slot in slots]
        _insert("petition_after", [row | place for row, place in zip(batch, places, strict=True)])
    op.execute(_FORGET_CAUSES)
    op.drop_table("sealed_petition")
    op.drop_table("petition")
    op.rename_table("petition_after", "petition")


def _part_on_sqlite() -> None:
    _return_causes()
    op.create_table(
        "petition_before",
        sa.Column("case_id", _HASH, nullable=False),
        sa.Column("signing_key", _HASH, nullable=False),
        sa.Column("manifest", _HASH, nullable=False),
        sa.Column("roster", _HASH, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_petition")),
        sa.UniqueConstraint("signing_key", name=op.f("uq_petition_signing_key")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO petition_before SELECT case_id, signing_key, manifest, roster, day"
        " FROM petition ORDER BY case_id"
    )
    _make_sealed_petitions()
    rows = _all("SELECT spot, case_id, note AS manifest, segment, slot FROM petition")
    while batch := [dict(row) for row in islice(rows, BATCH)]:
        for row in batch:
            row["parts"] = _read(Slot(row.pop("segment"), row.pop("slot")), row["manifest"])
        _insert("sealed_petition", batch)
    op.drop_table("petition")
    op.rename_table("petition_before", "petition")


def _merge_on_postgres() -> None:
    for column, kind in (
        ("spot", sa.BigInteger()),
        ("segment", _TOKEN),
        ("slot", sa.BigInteger()),
        ("acceptance", sa.LargeBinary()),
        ("note", sa.LargeBinary()),
        ("parts", sa.LargeBinary()),
    ):
        op.add_column("petition", sa.Column(column, kind, nullable=True))
    op.execute(
        "UPDATE petition SET spot = sealed.spot, note = sealed.manifest, parts = sealed.parts,"  # noqa: S608  # ours
        f" acceptance = {_ACCEPTANCE}"
        " FROM sealed_petition AS sealed WHERE sealed.case_id = petition.case_id"
    )
    for column in ("spot", "acceptance", "note"):
        op.alter_column("petition", column, nullable=False)
    op.execute(_FORGET_CAUSES)
    op.drop_table("sealed_petition")
    with _Unrelated():
        op.drop_constraint(op.f("pk_petition"), "petition")
        op.create_primary_key(op.f("pk_petition"), "petition", ["spot"])
        op.create_unique_constraint(op.f("uq_petition_case_id"), "petition", ["case_id"])


def _part_on_postgres() -> None:
    _return_causes()
    with _Unrelated():
        op.drop_constraint(op.f("uq_petition_case_id"), "petition")
        op.drop_constraint(op.f("pk_petition"), "petition")
        op.create_primary_key(op.f("pk_petition"), "petition", ["case_id"])
    _make_sealed_petitions()
    op.execute(
        "INSERT INTO sealed_petition (spot, case_id, manifest, parts)"
        " SELECT spot, case_id, note, parts FROM petition"
    )
    for column in ("spot", "segment", "slot", "acceptance", "note", "parts"):
        op.drop_column("petition", column)


class _Unrelated:
    """A time in which no table refers to petitions, so that their key can change."""

    def __enter__(self) -> None:
        for child in _CHILDREN:
            op.drop_constraint(op.f(f"fk_{child}_case_id"), child)

    def __exit__(self, *_: object) -> None:
        for child in _CHILDREN:
            name = op.f(f"fk_{child}_case_id")
            op.create_foreign_key(name, child, "petition", ["case_id"], ["case_id"])


def _return_causes() -> None:
    """Put the acceptances where the causes of all other events are."""
    op.execute(
        "INSERT INTO cause (spot, hash, actor, note)"  # noqa: S608  # ours
        f" SELECT spot, {_FIRST_CAUSE}, 'office', acceptance FROM petition"
    )


def _make_petitions(name: str) -> None:
    op.create_table(
        name,
        sa.Column("spot", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("case_id", _HASH, nullable=False),
        sa.Column("signing_key", _HASH, nullable=False),
        sa.Column("manifest", _HASH, nullable=False),
        sa.Column("roster", _HASH, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("segment", _TOKEN, nullable=True),
        sa.Column("slot", sa.BigInteger(), nullable=True),
        sa.Column("acceptance", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("parts", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("spot", name=op.f("pk_petition")),
        sa.UniqueConstraint("case_id", name=op.f("uq_petition_case_id")),
        sa.UniqueConstraint("signing_key", name=op.f("uq_petition_signing_key")),
        sqlite_with_rowid=True,
    )


def _make_sealed_petitions() -> None:
    op.create_table(
        "sealed_petition",
        sa.Column("spot", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("case_id", _HASH, nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("parts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("spot", name=op.f("pk_sealed_petition")),
        sa.UniqueConstraint("case_id", name=op.f("uq_sealed_petition_case_id")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["petition.case_id"], name=op.f("fk_sealed_petition_case_id")
        ),
        sqlite_with_rowid=True,
    )


def _copy_line(key: list[str]) -> None:
    """Let the line in front of the log lie by another key."""
    op.create_table(
        "pending_event_after",
        sa.Column("case_id", _HASH, nullable=False),
        sa.Column("cause", _HASH, nullable=False),
        sa.Column("actor", _TOKEN, nullable=False),
        sa.Column("type", _TOKEN, nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_pending_event_after")),
        sqlite_with_rowid=False,
    )
    columns = "case_id, cause, actor, type, not_before, turn"
    op.execute(
        f"INSERT INTO pending_event_after ({columns})"  # noqa: S608  # ours
        f" SELECT {columns} FROM pending_event ORDER BY {', '.join(key)}"
    )
    op.drop_table("pending_event")  # with its indexes
    op.rename_table("pending_event_after", "pending_event")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_pending_event_after RENAME TO pk_pending_event")
    name = op.f("ix_pending_event_not_before_turn_cause")
    op.create_index(name, "pending_event", ["not_before", "turn", "cause"])
    if key == _OLD_KEY:
        op.create_index(op.f("ix_pending_event_case_id"), "pending_event", ["case_id"])


def _segments() -> Segments:
    segments: Segments = context.config.attributes["segments"]
    return segments


def _all(query: str) -> Iterator[sa.RowMapping]:
    """Go through rows that are not all in memory."""
    options = op.get_bind().execution_options(yield_per=BATCH)
    return iter(options.execute(sa.text(query)).mappings())


def _insert(table: str, rows: Sequence[dict[str, Any]]) -> None:
    columns = rows[0].keys()
    values = ", ".join(f":{column}" for column in columns)
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608  # ours
    op.get_bind().execute(sa.text(statement), rows)


def _read(slot: Slot, manifest: bytes) -> bytes:
    """Return the parts that lie in a slot, each as the manifest names it."""
    parts, start = [], 0
    for line in manifest.decode().splitlines():
        kind, _, value = line.partition(" ")
        if kind == "part" and not value.startswith("attachment/"):
            _, sha256, length = value.split(" ")
            parts.append(_segments().read(slot, start, int(length)))
            start += int(length)
            if hashlib.sha256(parts[-1]).hexdigest() != sha256:
                raise WrongBlobError
    return b"".join(parts)
