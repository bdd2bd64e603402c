"""
Who makes records, among several sequencers: whoever holds the place; the others wait.

The place is a lock that belongs to a connection, so that PostgreSQL gives it to the next one as
soon as that connection is gone. It spares sequencers the race, and no more: that no size has two
roots is the work of the one row that each tick has to move (`dengwen_vault.epoch_store`), and would
be so without any place. On SQLite, where all are on one machine, it is the lock of the public
folder, and there is nobody to wait.
"""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dengwen_audit.log import LostRaceError
from dengwen_vault.database import Store
from dengwen_vault.errors import UnavailableError

_LOCK = 0x44656E6777656E  # "Dengwen"; locks of two databases do not meet
_TAKE = f"SELECT pg_try_advisory_lock({_LOCK})"
# A machine that is gone says nothing: its connection, and so its place, ends after ten seconds.
_SESSION = (
    "SET tcp_keepalives_idle = 4",
    "SET tcp_keepalives_interval = 2",
    "SET tcp_keepalives_count = 3",
)


class Place:
    """The place of the sequencer that makes records."""

    def __init__(self, store: Store) -> None:
        """Ask for nothing yet."""
        self._store = store
        self._connection: Connection | None = None

    def take(self) -> bool:
        """
        Take the place if nobody has it; tell whether it is ours now.

        Raises:
            UnavailableError: If the database does not answer.
        """
        if self._store.is_sqlite:
            return True
        try:
            if self._connection is None:
                self._connection = self._connect()
            return bool(self._connection.exec_driver_sql(_TAKE).scalar_one())
        except (DBAPIError, PoolTimeoutError) as error:
            self.close()
            raise UnavailableError("the database cannot do this now") from error

    def check(self) -> None:
        """
        Check that the place is still ours.

        Raises:
            LostRaceError: If its connection was cut: by now another may have it.
        """
        if self._connection is None:
            return
        try:
            self._connection.exec_driver_sql("SELECT 1")
        except DBAPIError:
            raise LostRaceError("the connection that held this sequencer's place is cut") from None

    def close(self) -> None:
        """Give the place up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        connection = self._store.engine.connect()
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # the lock would stay with a connection that goes back to its pool
        for setting in _SESSION:
            connection.exec_driver_sql(setting)
        return connection
