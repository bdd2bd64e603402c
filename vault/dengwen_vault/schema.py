"""
The schema over time: brings a database to the newest revision, and tells whether it is there.

The revisions lie inside the package, so that an installed wheel can change its own database.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from dengwen_vault.blobs.store import Blobs
from dengwen_vault.database import Store
from dengwen_vault.errors import SettingsError

LOCATION = "dengwen_vault:migrations"
NEWEST = "head"


def migrate(store: Store, blobs: Blobs, revision: str = NEWEST) -> None:
    """
    Bring the database to the newest revision; one that is there already is left alone.

    Args:
        blobs: Where a revision puts what it moves out of the database.
    """
    store.make_file()
    with store.writing() as connection:
        config = _config(connection)
        config.attributes["blobs"] = blobs
        command.upgrade(config, revision)


def migrate_back(store: Store, blobs: Blobs, revision: str) -> None:
    """Bring the database back to an older *revision*, losing nothing."""
    with store.writing() as connection:
        config = _config(connection)
        config.attributes["blobs"] = blobs
        command.downgrade(config, revision)


def check_schema(store: Store) -> None:
    """
    Check that the database is at the newest revision.

    Raises:
        SettingsError: If it is not.
    """
    with store.reading() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        newest = ScriptDirectory.from_config(_config(connection)).get_current_head()
    if revision != newest:
        raise SettingsError("the database is not at the newest revision: run `dengwen-vault init`")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
