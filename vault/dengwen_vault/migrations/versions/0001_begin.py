"""The tables with which an office begins."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_grant",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("auditor", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("from_epoch", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_audit_grant")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_audit_grant_auditor"), "audit_grant", ["auditor"])
    op.create_table(
        "card",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_card")),
        sa.UniqueConstraint("hash", name=op.f("uq_card_hash")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cause",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", "actor", name=op.f("pk_cause")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "challenge_work",
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("member", "case_id", "nonce", name=op.f("pk_challenge_work")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_challenge_work_day"), "challenge_work", ["day"])
    op.create_table(
        "epoch",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("roster", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_epoch")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("cause", sa.LargeBinary(length=32), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "number", name=op.f("pk_event")),
        sa.UniqueConstraint("cause", "actor", name=op.f("uq_event_cause_actor")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_event_epoch"), "event", ["epoch"])
    op.create_table(
        "head",
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=32), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "nonce", "holder", name=op.f("pk_head")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_head_day"), "head", ["day"])
    op.create_table(
        "log_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("roster", sa.LargeBinary(length=32), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pending_event",
        sa.Column("cause", sa.LargeBinary(length=32), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cause", "actor", name=op.f("pk_pending_event")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_pending_event_case_id"), "pending_event", ["case_id"])
    op.create_index(
        op.f("ix_pending_event_not_before_turn_cause"),
        "pending_event",
        ["not_before", "turn", "cause"],
    )
    op.create_table(
        "petition",
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signing_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("manifest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("roster", sa.LargeBinary(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_petition")),
        sa.UniqueConstraint("signing_key", name=op.f("uq_petition_signing_key")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "roster",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=True),
        sa.Column("first_epoch", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_roster")),
        sa.UniqueConstraint("version", name=op.f("uq_roster_version")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "used_nonce",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("window", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_used_nonce")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_used_nonce_window"), "used_nonce", ["window"])
    op.create_table(
        "attachment",
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["petition.case_id"], name=op.f("fk_attachment_case_id")
        ),
        sa.PrimaryKeyConstraint("case_id", "number", name=op.f("pk_attachment")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "challenge",
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["petition.case_id"], name=op.f("fk_challenge_case_id")
        ),
        sa.PrimaryKeyConstraint("case_id", "nonce", name=op.f("pk_challenge")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_challenge_day"), "challenge", ["day"])
    op.create_table(
        "panel",
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["petition.case_id"], name=op.f("fk_panel_case_id")),
        sa.PrimaryKeyConstraint("reviewer", "case_id", name=op.f("pk_panel")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "request",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("requester", sa.String(length=64), nullable=False),
        sa.Column("compartment", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["petition.case_id"], name=op.f("fk_request_case_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_request")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sealed_petition",
        sa.Column("case_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("parts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["petition.case_id"], name=op.f("fk_sealed_petition_case_id")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_sealed_petition")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "answer",
        sa.Column("request", sa.LargeBinary(length=32), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("note", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["request.hash"], name=op.f("fk_answer_request")),
        sa.PrimaryKeyConstraint("request", "holder", name=op.f("pk_answer")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "work",
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("seat", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("request", sa.LargeBinary(length=32), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["request.hash"], name=op.f("fk_work_request")),
        sa.PrimaryKeyConstraint("role", "seat", "request", name=op.f("pk_work")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_work_until"), "work", ["until"])


def downgrade() -> None:
    op.drop_table("work")
    op.drop_table("answer")
    op.drop_table("sealed_petition")
    op.drop_table("request")
    op.drop_table("panel")
    op.drop_table("challenge")
    op.drop_table("attachment")
    op.drop_table("used_nonce")
    op.drop_table("roster")
    op.drop_table("petition")
    op.drop_table("pending_event")
    op.drop_table("log_head")
    op.drop_table("head")
    op.drop_table("event")
    op.drop_table("epoch")
    op.drop_table("challenge_work")
    op.drop_table("cause")
    op.drop_table("card")
    op.drop_table("audit_grant")
