"""
Receptions in line for the log get a table of their own, and a panel is laid down at the tick.

The log's one row gets room to name the attempt at its next record.

What is in the log already stays as it is; only cases that wait in line change, in one transaction.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_HASH = sa.LargeBinary(length=32)
_IN_LINE = "SELECT case_id FROM pending_event WHERE type = 'petition.received'"
_RECEIVE = (
    "INSERT INTO reception (not_before, cause, case_id, manifest, day, panel)"  # noqa: S608  # ours
    " SELECT pending_event.not_before, cause, petition.case_id, manifest, day, COALESCE(names, '')"
    " FROM pending_event JOIN petition ON petition.case_id = pending_event.case_id"
    " LEFT JOIN (SELECT case_id, {}(reviewer, ' ') AS names FROM panel"
    f" WHERE case_id IN ({_IN_LINE}) GROUP BY case_id) AS drawn"
    " ON drawn.case_id = petition.case_id"
    " WHERE type = 'petition.received'"
)
_JOIN = {"sqlite": "group_concat", "postgresql": "string_agg"}
_RECEIVED = "case_id IN (SELECT case_id FROM reception)"
_FORGET_LOGGED = (
    "DELETE FROM {0} WHERE EXISTS"
    " (SELECT 1 FROM event WHERE event.cause = {0}.cause AND event.actor = {1})"
)
_LAY = sa.text(
    "INSERT INTO panel (reviewer, day, case_id, manifest)"
    " SELECT :reviewer, day, case_id, manifest FROM petition WHERE case_id = :case_id"
)


def upgrade() -> None:
    op.create_table(
        "reception",
        sa.Column("not_before", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cause", _HASH, nullable=False),
        sa.Column("case_id", _HASH, nullable=False),
        sa.Column("manifest", _HASH, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("panel", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("not_before", "cause", name=op.f("pk_reception")),
        sqlite_with_rowid=False,
    )
    op.add_column("petition", sa.Column("not_before", sa.BigInteger(), nullable=True))
    op.add_column("log_head", sa.Column("attempt", sa.LargeBinary(), nullable=True))
    op.execute(_RECEIVE.format(_JOIN[op.get_bind().dialect.name]))
    op.execute(
        "UPDATE petition SET not_before = (SELECT not_before FROM pending_event"  # noqa: S608  # ours
        " WHERE pending_event.case_id = petition.case_id AND type = 'petition.received')"
        f" WHERE {_RECEIVED}"
    )
    op.execute(f"DELETE FROM panel WHERE {_RECEIVED}")  # noqa: S608  # ours
    op.execute("DELETE FROM pending_event WHERE type = 'petition.received'")


def downgrade() -> None:
    # What a sequencer that was killed had begun, and what it had not taken out of the line.
    op.execute("DELETE FROM event WHERE epoch >= (SELECT size FROM log_head)")
    op.execute(_FORGET_LOGGED.format("pending_event", "pending_event.actor"))
    _lay_panels()
    op.execute(_FORGET_LOGGED.format("reception", "'office'"))
    # A reception stands first among the events of its case.
    op.execute(f"UPDATE pending_event SET turn = turn + 1 WHERE {_RECEIVED}")  # noqa: S608  # ours
    op.execute(
        "INSERT INTO pending_event (case_id, cause, actor, type, not_before, turn)"
        " SELECT case_id, cause, 'office', 'petition.received', not_before, 0 FROM reception"
    )
    op.drop_table("reception")
    op.drop_column("petition", "not_before")
    op.drop_column("log_head", "attempt")


def _lay_panels() -> None:
    connection = op.get_bind()
    waiting = connection.execute(sa.text("SELECT case_id, panel FROM reception")).all()
    rows = [
        {"reviewer": reviewer, "case_id": row.case_id}
        for row in waiting
        for reviewer in row.panel.split()
    ]
    if rows:
        connection.execute(_LAY, rows)
