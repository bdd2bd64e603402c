"""
Tables of long rows get row ids on SQLite: random spots, so that no search reads whole rows.

A panel's rows lie by day, with all that the desk shows. No other row is changed.
SQLite copies each table, the largest last, and takes as much disk again for as long.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_HASH = sa.LargeBinary(length=32)
_TOKEN = sa.String(length=64)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# 63 random bits; on PostgreSQL 59, since four of an UUID's first 64 are its version.
_RANDOM = {
    "sqlite": "random() & 9223372036854775807",
    "postgresql": (
        "('x' || translate(substr(gen_random_uuid()::text, 1, 18), '-', ''))::bit(64)::bigint"
        " & 9223372036854775807"
    ),
}


class _Table(NamedTuple):
    """
    A table of long rows.

    Attributes:
        key: Its primary key until now.
        rest: Its other columns.
        parent: The table and column that the first column of the key refers to.
    """

    name: str
    key: Sequence[tuple[str, sa.types.TypeEngine[Any]]]
    rest: Sequence[tuple[str, sa.types.TypeEngine[Any]]]
    parent: tuple[str, str] | None = None


_TABLES = (
    _Table("cause", [("hash", _HASH), ("actor", _TOKEN)], [("note", sa.LargeBinary())]),
    _Table(
        "answer",
        [("request", _HASH), ("holder", _TOKEN)],
        [("note", _HASH), ("sealed", sa.LargeBinary())],
        ("request", "hash"),
    ),
    _Table(
        "event",
        [("case_id", _HASH), ("number", sa.BigInteger())],
        [
            ("hash", _HASH),
            ("cause", _HASH),
            ("actor", _TOKEN),
            ("epoch", sa.BigInteger()),
            ("position", sa.BigInteger()),
            ("text", sa.LargeBinary()),
            ("path", sa.LargeBinary()),
        ],
    ),
    _Table(
        "sealed_petition",
        [("case_id", _HASH)],
        [("manifest", sa.LargeBinary()), ("parts", sa.LargeBinary())],
        ("petition", "case_id"),
    ),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _copy_epochs(_ROW_ID, with_rowid=True)
    _copy_panels(with_day=True)
    for table in _TABLES:
        if op.get_bind().dialect.name == "sqlite":
            _copy(table, with_spot=True)
        else:
            _add_spot(table)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _copy_epochs(sa.BigInteger(), with_rowid=False)
    _copy_panels(with_day=False)
    for table in _TABLES:
        if op.get_bind().dialect.name == "sqlite":
            _copy(table, with_spot=False)
        else:
            _drop_spot(table)


def _key(table: _Table) -> list[str]:
    return [name for name, _ in table.key]


def _unique(table: _Table) -> str:
    return str(op.f(f"uq_{table.name}_{'_'.join(_key(table))}"))


def _random() -> str:
    return _RANDOM[op.get_bind().dialect.name]


def _copy(table: _Table, *, with_spot: bool) -> None:
    """Copy a table on SQLite, which cannot change the key of one."""
    if table.name == "event":
        op.drop_index(op.f("ix_event_epoch"), "event")
    op.rename_table(table.name, f"{table.name}_before")
    columns = [*table.key, *table.rest]
    spot = [sa.Column("spot", _ROW_ID, autoincrement=False, nullable=False)]
    constraints: list[sa.Constraint] = [
        sa.PrimaryKeyConstraint(
            *(["spot"] if with_spot else _key(table)), name=op.f(f"pk_{table.name}")
        )
    ]
    if with_spot:
        constraints.append(sa.UniqueConstraint(*_key(table), name=_unique(table)))
    if table.parent:
        (first, _), (parent, column) = table.key[0], table.parent
        name = op.f(f"fk_{table.name}_{first}")
        constraints.append(sa.ForeignKeyConstraint([first], [f"{parent}.{column}"], name=name))
    if table.name == "event":
        name = op.f("uq_event_cause_actor")
        constraints.append(sa.UniqueConstraint("cause", "actor", name=name))
    op.create_table(
        table.name,
        *(spot if with_spot else []),
        *(sa.Column(name, kind, nullable=False) for name, kind in columns),
        *constraints,
        sqlite_with_rowid=with_spot,
    )
    names = ", ".join(name for name, _ in columns)
    target, source = (f"spot, {names}", f"{_random()}, {names}") if with_spot else (names, names)
    before = f"{table.name}_before"
    op.execute(f"INSERT INTO {table.name} ({target}) SELECT {source} FROM {before}")  # noqa: S608  # ours
    op.drop_table(before)
    if table.name == "event":
        op.create_index(op.f("ix_event_epoch"), "event", ["epoch"])


def _copy_epochs(kind: sa.types.TypeEngine[int], *, with_rowid: bool) -> None:
    op.rename_table("epoch", "epoch_before")
    op.create_table(
        "epoch",
        sa.Column("number", kind, autoincrement=False, nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("roster", _HASH, nullable=False),
        sa.Column("seed", _HASH, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_epoch")),
        sqlite_with_rowid=with_rowid,
    )
    op.execute("INSERT INTO epoch SELECT number, record, roster, seed FROM epoch_before")
    op.drop_table("epoch_before")


def _copy_panels(*, with_day: bool) -> None:
    op.create_table(
        "panel_after",
        sa.Column("reviewer", _TOKEN, nullable=False),
        *([sa.Column("day", sa.Date(), nullable=False)] if with_day else []),
        sa.Column("case_id", _HASH, nullable=False),
        *([sa.Column("manifest", _HASH, nullable=False)] if with_day else []),
        sa.ForeignKeyConstraint(["case_id"], ["petition.case_id"], name=op.f("fk_panel_case_id")),
        sa.PrimaryKeyConstraint(
            *(["reviewer", "day", "case_id"] if with_day else ["reviewer", "case_id"]),
            name=op.f("pk_panel_after"),
        ),
        sqlite_with_rowid=False,
    )
    names = "reviewer, case_id"
    values = "panel.reviewer, panel.case_id"
    if with_day:
        names, values = f"{names}, day, manifest", f"{values}, petition.day, petition.manifest"
    op.execute(
        f"INSERT INTO panel_after ({names}) SELECT {values}"  # noqa: S608  # ours
        " FROM panel JOIN petition ON petition.case_id = panel.case_id"
    )
    op.drop_table("panel")
    op.rename_table("panel_after", "panel")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_panel_after RENAME TO pk_panel")


def _add_spot(table: _Table) -> None:
    op.add_column(table.name, sa.Column("spot", sa.BigInteger(), nullable=True))
    op.execute(f"UPDATE {table.name} SET spot = {_random()}")  # noqa: S608  # ours
    op.alter_column(table.name, "spot", nullable=False)
    op.drop_constraint(op.f(f"pk_{table.name}"), table.name)
    op.create_primary_key(op.f(f"pk_{table.name}"), table.name, ["spot"])
    op.create_unique_constraint(_unique(table), table.name, _key(table))


def _drop_spot(table: _Table) -> None:
    op.drop_constraint(_unique(table), table.name)
    op.drop_constraint(op.f(f"pk_{table.name}"), table.name)
    op.create_primary_key(op.f(f"pk_{table.name}"), table.name, _key(table))
    op.drop_column(table.name, "spot")
