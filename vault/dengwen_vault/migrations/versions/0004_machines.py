"""What other machines need to show the same public files: the newest checkpoint, and proofs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "public_checkpoint",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_public_checkpoint_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_checkpoint")),
        sqlite_with_rowid=False,
    )
    op.add_column("roster", sa.Column("proof", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("roster", "proof")
    op.drop_table("public_checkpoint")
