"""
Whether what the database calls committed would outlive the machine.

For SQLite this package sets it itself. PostgreSQL is set by whoever runs it, so servers and the
sequencer look before they begin, and every transaction that is to last looks again: after a
failover another server answers, with settings of its own.

A commit that waits for a standby can return, and yet be on one machine only, in three ways:

- Somebody cancels the wait. PostgreSQL then says COMMIT, and a warning beside it.
- The server crashes and recovers while it waits. What was not replicated is then there, for all
  to see, and who finds it and changes nothing would have no commit to wait for.
- The standby's name was taken out of the settings, or the server is another one.

So each such transaction writes a few bytes of its own into the server's log, behind everything that
it has read; its commit waits for these and so for what came before; and a warning is a refusal.
docs/runbooks/failover.md tells what is left to the operator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from dengwen_vault.errors import SettingsError, UnavailableError
from dengwen_vault.settings import SYNCHRONOUS

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic

    from dengwen_vault.database import Store

_WAITS = {"on", "remote_apply"}
_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names")
_COLUMNS = ", ".join(f"current_setting('{name}') AS {name}" for name in _SETTINGS)
_LOOK = text(f"SELECT {_COLUMNS}")
_LOOK_AND_LEAVE_A_MARK = text(
    f"SELECT {_COLUMNS}, pg_logical_emit_message(true, 'dengwen', '') AS mark"
)
_STANDBYS = text("SELECT sync_state FROM pg_stat_replication")
_ATTACHED = {"sync", "quorum"}
_WARNINGS = "dengwen_warnings"  # where a connection keeps what it was warned of


def check_durable(store: Store, replication: str) -> None:
    """
    Check that a commit waits for the disk and, if the settings ask for it, for a standby.

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
        return list(_postgres_faults(connection.execute(_LOOK).one()._asdict(), replication))


def has_standby(store: Store) -> bool | None:
    """
    Tell whether a standby is attached for which commits wait; None if this account may not see it.

    Without one nothing is lost: commits wait until there is one, and nothing is accepted.
    """
    with store.reading() as connection:
        states = set(connection.scalars(_STANDBYS))
    if _ATTACHED & states:
        return True
    return None if None in states else False


def let_commit_wait(connection: Connection, replication: str) -> None:
    """
    Let the commit of this transaction wait for all that it has read and written.

    Raises:
        UnavailableError: If the server would not wait.
    """
    found = connection.execute(_LOOK_AND_LEAVE_A_MARK).one()._asdict()
    if any(_postgres_faults(found, replication)):
        raise UnavailableError("the database would not keep this if its machine were lost")
    _warnings_of(connection).clear()


def check_certain(connection: Connection) -> None:
    """
    Check, after a commit, that nothing was said beside it.

    Raises:
        UnavailableError: If there was: it may be on one machine only.
    """
    if _warnings_of(connection):
        raise UnavailableError("it is not certain that the database will keep this: ask again")


def hear_warnings(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    """Keep what the server says beside its answers on a new *connection* of psycopg."""
    warnings: list[str] = []
    entry.info[_WARNINGS] = warnings

    def hear(said: Diagnostic) -> None:
        if said.severity_nonlocalized == "WARNING":
            warnings.append(said.sqlstate or "")

    raw: Any = connection
    raw.add_notice_handler(hear)


def _warnings_of(connection: Connection) -> list[str]:
    warnings: list[str] = connection.info[_WARNINGS]
    return warnings


def _sqlite_faults(connection: Connection) -> Iterator[str]:
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if mode != "wal":
        yield f"journal_mode is {mode}"


def _postgres_faults(found: Mapping[str, str], replication: str) -> Iterator[str]:
    for setting in ("fsync", "full_page_writes"):
        if found[setting] != "on":
            yield f"{setting} is off"
    if found["synchronous_commit"] not in _WAITS:
        yield "synchronous_commit is not on"
    if replication == SYNCHRONOUS and not found["synchronous_standby_names"]:
        yield "synchronous_standby_names is empty, and vault.toml does not say replication = none"
