"""
The schema over time: brings a database to the newest revision, and tells whether it is there.

The revisions lie inside the package, so that an installed wheel can change its own database.
"""

from __future__ import annotations

from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from dengwen_vault.blobs.store import Blobs
from dengwen_vault.database import Store
from dengwen_vault.errors import SettingsError
from dengwen_vault.segments import Segments

LOCATION = "dengwen_vault:migrations"
NEWEST = "head"


@dataclass(frozen=True)
class Places:
    """What lies outside the database: a revision may move something there, and back."""

    blobs: Blobs
    segments: Segments | None


def migrate(store: Store, places: Places, revision: str = NEWEST) -> None:
    """Bring the database to the newest revision; one that is there already is left alone."""
    store.make_file()
    with store.migrating() as connection:
        command.upgrade(_config(connection, places), revision)


def migrate_back(store: Store, places: Places, revision: str) -> None:
    """Bring the database back to an older *revision*, losing nothing."""
    with store.migrating() as connection:
        command.downgrade(_config(connection, places), revision)


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


def _config(connection: Connection, places: Places | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if places is not None:
        config.attributes |= {"blobs": places.blobs, "segments": places.segments}
    return config
