"""
Attachments move out of the database into blobs; their rows say only that they have come.

Each is durable in its blob before the column goes, and the column goes in one transaction: whatever
ends this revision midway, the database has everything, and the next attempt begins anew.
"""

import sqlalchemy as sa
from alembic import context, op

from dengwen_vault.blobs.store import fetch

revision = "0002"
down_revision = "0001"

_attachment = sa.table(
    "attachment",
    sa.column("case_id", sa.LargeBinary),
    sa.column("number", sa.SmallInteger),
    sa.column("content", sa.LargeBinary),
)
_sealed = sa.table(
    "sealed_petition", sa.column("case_id", sa.LargeBinary), sa.column("manifest", sa.LargeBinary)
)


def upgrade() -> None:
    blobs = context.config.attributes["blobs"]
    for case, number in _keys():
        content = op.get_bind().execute(_row(case, number)).scalar_one()
        blobs.put(content)
    op.drop_column("attachment", "content")


def downgrade() -> None:
    blobs = context.config.attributes["blobs"]
    op.add_column("attachment", sa.Column("content", sa.LargeBinary(), nullable=True))
    for case, number in _keys():
        sha256, length = _named(case, number)
        content = fetch(blobs, sha256, length)
        here = (_attachment.c.case_id == case) & (_attachment.c.number == number)
        op.get_bind().execute(sa.update(_attachment).where(here).values(content=content))
    with op.batch_alter_table("attachment", table_kwargs={"sqlite_with_rowid": False}) as table:
        table.alter_column("content", nullable=False)


def _keys() -> list[tuple[bytes, int]]:
    rows = op.get_bind().execute(sa.select(_attachment.c.case_id, _attachment.c.number))
    return [(row.case_id, row.number) for row in rows]


def _row(case: bytes, number: int) -> sa.Select[tuple[bytes]]:
    row = sa.select(_attachment.c.content)
    return row.where(_attachment.c.case_id == case, _attachment.c.number == number)


def _named(case: bytes, number: int) -> tuple[bytes, int]:
    """Return the hash and length that the manifest gives an attachment."""
    note = op.get_bind().execute(sa.select(_sealed.c.manifest).where(_sealed.c.case_id == case))
    start = f"part attachment/{number} "
    lines = note.scalar_one().decode().splitlines()
    (line,) = (line.removeprefix(start) for line in lines if line.startswith(start))
    sha256, length = line.split(" ")
    return bytes.fromhex(sha256), int(length)
