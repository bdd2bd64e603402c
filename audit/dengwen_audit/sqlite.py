"""
Opens the small databases that witnesses and mirrors keep, so that what is committed is on the disk.

WAL with ``synchronous=FULL`` flushes at every commit. One connection serves all threads of the
process, one at a time; several processes are kept apart by ``BEGIN IMMEDIATE``. When the disk
refuses, the transaction is undone and `UnavailableError` says so; the next one may succeed.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dengwen_audit.errors import UnavailableError

BUSY_SECONDS = 10.0


class Database:
    """One SQLite file. Writing happens in `transaction` and nowhere else."""

    def __init__(self, path: Path, schema: Iterable[str]) -> None:
        """Open *path*, or make it; *schema* holds ``CREATE TABLE IF NOT EXISTS`` statements."""
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        with self.transaction() as connection:
            for statement in schema:
                connection.execute(statement)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a transaction that commits unless an error leaves it."""
        with self._lock, _refusing():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # on a full disk SQLite has undone it already
                    self._connection.execute("ROLLBACK")
                raise

    def row(self, query: str, *values: object) -> tuple[object, ...] | None:
        """Return the first row of a *query*, or None."""
        return next(iter(self.rows(query, *values)), None)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return all rows of a *query*."""
        with self._lock, _refusing():
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Say of what the disk or another process refuses that it cannot be done now."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UnavailableError("the database cannot do this now") from error
