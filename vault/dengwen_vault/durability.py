"""
Whether what the database calls committed would outlive the machine.

For SQLite this package sets it itself. PostgreSQL is set by whoever runs it, so servers and the
sequencer look before they begin: a replica that lags behind and is promoted would sign another
history.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from dengwen_vault.database import Store
from dengwen_vault.errors import SettingsError
from dengwen_vault.settings import SYNCHRONOUS

_WAITS = {"on", "remote_apply"}


def check_durable(store: Store, replication: str) -> None:
    """
    Check that a commit waits for the disk and, if the settings ask for it, for a replica.

    Raises:
        SettingsError: If it does not.
    """
    faults = find_faults(store, replication)
    if faults:
        raise SettingsError(f"the database may lose what it calls committed: {'; '.join(faults)}")


def find_faults(store: Store, replication: str) -> list[str]:
    """Return what is wrong, each in some words."""
    with store.reading() as connection:
        if store.is_sqlite:
            return list(_sqlite_faults(connection))
        return list(_postgres_faults(connection, replication))


def _sqlite_faults(connection: Connection) -> Iterator[str]:
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if mode != "wal":
        yield f"journal_mode is {mode}"


def _postgres_faults(connection: Connection, replication: str) -> Iterator[str]:
    for setting in ("fsync", "full_page_writes"):
        if _show(connection, setting) != "on":
            yield f"{setting} is off"
    if _show(connection, "synchronous_commit") not in _WAITS:
        yield "synchronous_commit is not on"
    if replication == SYNCHRONOUS and not _show(connection, "synchronous_standby_names"):
        yield "synchronous_standby_names is empty, and vault.toml does not say replication = none"


def _show(connection: Connection, setting: str) -> str:
    return str(connection.exec_driver_sql(f"SHOW {setting}").scalar_one())
