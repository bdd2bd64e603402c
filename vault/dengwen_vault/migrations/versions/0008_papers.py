"""
The papers of a petition that comes may lie in its slot, behind its parts.

What is in a row stays there; its two columns may be empty now. On the way back they are filled
again, in one transaction, and a slot is as it was: what lies in it begins with the parts.
"""

from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from dengwen_vault.papers import papers_in_slot
from dengwen_vault.segments import Segments, Slot

revision = "0008"
down_revision = "0007"

BATCH = 64  # petitions

_HASH = sa.LargeBinary(length=32)
_PAPERS = ("note", "acceptance")
_COLUMNS = (
    "spot, case_id, signing_key, manifest, roster, day, segment, slot, acceptance, note, parts,"
    " not_before"
)
_IN_SLOTS = sa.text("SELECT spot, manifest, segment, slot FROM petition WHERE note IS NULL")
_FILL = sa.text("UPDATE petition SET note = :note, acceptance = :acceptance WHERE spot = :spot")


def upgrade() -> None:
    _change(nullable=True)


def downgrade() -> None:
    connection = op.get_bind()
    rows = iter(connection.execute(_IN_SLOTS).all())
    while batch := [_filled(row) for row in islice(rows, BATCH)]:
        connection.execute(_FILL, batch)
    _change(nullable=False)


def _change(*, nullable: bool) -> None:
    """Let the two columns be empty, or not."""
    if op.get_bind().dialect.name != "sqlite":
        for column in _PAPERS:
            op.alter_column("petition", column, nullable=nullable)
        return
    _make_petitions("petition_after", nullable=nullable)
    op.execute(
        f"INSERT INTO petition_after ({_COLUMNS}) SELECT {_COLUMNS} FROM petition"  # noqa: S608  # ours
        " ORDER BY spot"
    )
    op.drop_table("petition")
    op.rename_table("petition_after", "petition")


def _make_petitions(name: str, *, nullable: bool) -> None:
    op.create_table(
        name,
        sa.Column("spot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", _HASH, nullable=False),
        sa.Column("signing_key", _HASH, nullable=False),
        sa.Column("manifest", _HASH, nullable=False),
        sa.Column("roster", _HASH, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("segment", sa.String(length=64), nullable=True),
        sa.Column("slot", sa.BigInteger(), nullable=True),
        sa.Column("acceptance", sa.LargeBinary(), nullable=nullable),
        sa.Column("note", sa.LargeBinary(), nullable=nullable),
        sa.Column("parts", sa.LargeBinary(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("spot", name=op.f("pk_petition")),
        sa.UniqueConstraint("case_id", name=op.f("uq_petition_case_id")),
        sa.UniqueConstraint("signing_key", name=op.f("uq_petition_signing_key")),
        sqlite_with_rowid=True,
    )


def _filled(row: sa.Row[Any]) -> dict[str, object]:
    segments: Segments = context.config.attributes["segments"]
    papers = papers_in_slot(segments, Slot(row.segment, row.slot), row.manifest)
    return {"spot": row.spot, "note": papers.manifest, "acceptance": papers.acceptance}
