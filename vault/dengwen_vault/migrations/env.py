"""What alembic runs around every revision: one transaction, on the connection it was given."""

from alembic import context

from dengwen_vault.models import Petition

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Petition.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
