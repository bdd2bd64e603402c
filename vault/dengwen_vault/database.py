"""
The database: SQLite in one file for an office on one machine, PostgreSQL for one on several.

A transaction is opened for one of four purposes. `Store.reading` takes no lock. `Store.writing`
is durable when it returns: SQLite syncs its log (WAL, ``synchronous=FULL``), PostgreSQL waits for
its own disk and, if it is set so, for the standby. `Store.confirming` reads, and returns when what
it read is as durable. `Store.noting` is for what may be lost with the machine, such as nonces that
are dead in ten minutes: it waits for no disk.

On PostgreSQL a commit that returns is not always one that a failover keeps; what this module does
about it is told in `dengwen_vault.durability`.

A writer on SQLite first queues at a file lock, since SQLite's own waiting is by sleeping, and two
processes then keep each other out for up to a second; measured in docs/decisions/0008-store.md.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    UniqueConstraint,
    create_engine,
    event,
    literal_column,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from dengwen_vault.columns import Base
from dengwen_vault.durability import check_certain, hear_warnings, let_commit_wait
from dengwen_vault.errors import SettingsError, UnavailableError
from dengwen_vault.settings import NONE
from dengwen_vault.sqlite_log import bytes_to_copy, flush_log

BUSY_TIMEOUT = 30_000  # milliseconds
PAGE_SIZE = 2048  # bytes: a petition meets a page of each index, and writes all of it twice
LOG_SIZE = 256 << 20  # bytes of SQLite's log between two copies into the main file
REST_SIZE = 8 << 20  # bytes of it that may be copied while everybody waits
ROUNDS = 4  # copies while others write, each of what the one before left
POOL_SIZE = 16  # connections that stay open
POOL_OVERFLOW = 48  # further ones under load

# A server whose machine is gone says nothing, not even that: it is given up after ten seconds.
_NETWORK = {
    "connect_timeout": "5",
    "keepalives_idle": "4",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",  # milliseconds
}
_WRITABLE = ("read-write", "primary")
_READ_ONLY = "25006"  # what a standby answers to somebody who writes

_PRAGMAS = (
    f"PRAGMA page_size = {PAGE_SIZE}",  # of a new file
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -8192",  # KiB: a group of petitions is written once, at its commit
    f"PRAGMA wal_autocheckpoint = {2 * LOG_SIZE // PAGE_SIZE}",  # pages; `_copy_log` comes first
    "PRAGMA secure_delete = ON",  # a row that left the line must not tell that it stood there
)
_BEGIN = {
    "read": ("BEGIN",),
    "write": ("PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"),
    "migrate": ("PRAGMA foreign_keys = OFF", "PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"),
    "checkpoint": (),
    "note": ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"),
}


class Store:
    """
    A database of either kind; safe to share between threads.

    A block that the database cannot carry out now ends in `UnavailableError`, and leaves nothing.

    Args:
        url: ``sqlite:////path/to/file``, ``postgresql://user@host/name``, or with several servers,
            of which one accepts writing at a time,
            ``postgresql://user@/name?host=a:5432&host=b:5432&target_session_attrs=read-write``.
        replication: Whether PostgreSQL must wait for a standby, as in `Settings`.
    """

    def __init__(self, url: str, replication: str = NONE) -> None:
        """Prepare connections; none is opened yet."""
        parsed = make_url(url)
        self._replication = replication
        self.path = parsed.database or ""
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and self.path in {"", ":memory:"}:
            raise SettingsError("the database must be a file: an office forgets nothing")
        if not self.is_sqlite and parsed.get_backend_name() != "postgresql":
            raise SettingsError("the database must be SQLite or PostgreSQL")
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(parsed)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with self._begin("read") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is on disk when the block ends, or has left nothing behind."""
        with self._queue(), self._begin("write") as connection:
            yield connection
        if self.is_sqlite:
            self._copy_log()

    @contextmanager
    def confirming(self) -> Iterator[Connection]:
        """
        Open a transaction that reads, and return when no failover takes back what it has read.

        What is read in the block may be told only after it.
        """
        with self._begin("read" if self.is_sqlite else "write") as connection:
            yield connection

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Open a transaction that loss of power may undo."""
        with self._queue(), self._begin("note") as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """
        Open a transaction as `writing` does, in which tables may be put in the place of others.

        SQLite would else take a table that goes for all its rows, and refuse for what refers to
        them; so it looks at all references at the end.
        """
        try:
            with self._queue(), self._begin("migrate" if self.is_sqlite else "write") as connection:
                yield connection
                if self.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").all():
                    raise AssertionError("internal error: a row refers to one that is not there")
        finally:
            self.close()  # the next connections look at each reference at once, as ever

    def make_file(self) -> None:
        """Make SQLite's file, if it is not there, so that only its owner can read it."""
        if self.is_sqlite:  # the files beside it take their mode from it
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _begin(self, purpose: str) -> Iterator[Connection]:
        try:
            with self.engine.connect() as plain:
                connection = plain.execution_options(purpose=purpose)
                with connection.begin():
                    yield connection
                    if purpose == "write" and not self.is_sqlite:
                        let_commit_wait(connection, self._replication)
                if purpose == "write" and not self.is_sqlite:
                    check_certain(connection)
        except (DBAPIError, PoolTimeoutError) as error:
            if not _may_pass(error):
                raise
            raise UnavailableError("the database cannot do this now") from error

    def _copy_log(self) -> None:
        """
        Copy SQLite's log into the main file if it is long, most of it while others write.

        What has come meanwhile is copied at last in the writer's place, so that the log can begin
        anew; SQLite itself would do all of it there, and everybody would wait for seconds. Does
        nothing while another process does it, and a disk that refuses is the next writer's matter:
        what was committed stays so.
        """
        with suppress(UnavailableError, OSError):
            if bytes_to_copy(self.path) < LOG_SIZE:
                return
            for _ in range(ROUNDS):
                if not self._checkpoint():
                    return
                if bytes_to_copy(self.path) <= REST_SIZE:
                    break
            with self._queue():
                self._checkpoint()

    def _checkpoint(self) -> bool:
        """Copy what is in the log now; tell whether nobody else does."""
        with self._begin("checkpoint") as connection:
            is_busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
        return not is_busy

    @contextmanager
    def _queue(self) -> Iterator[None]:
        """Wait for the turn of this writer among the threads and processes of this machine."""
        if not self.is_sqlite:
            yield
            return
        lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def insert_new(connection: Connection, table: type[Base], row: Mapping[str, object]) -> bool:
    """Insert *row* unless a row with its key is there already; tell whether it is new."""
    inserted = _insert_new(table, connection.dialect.name)
    return connection.execute(inserted, row).first() is not None


def insert_of(dialect: str) -> Callable[[type[Base]], sqlite.Insert | postgresql.Insert]:
    """Return what inserts rows in a *dialect* (`Dialect.name`) and may be told to leave what is."""
    return sqlite.insert if dialect == "sqlite" else postgresql.insert


@cache
def _insert_new(table: type[Base], dialect: str) -> Executable:
    # RETURNING, since drivers count the rows of such an insert differently.
    unless = insert_of(dialect)(table).on_conflict_do_nothing(index_elements=_key(table))
    inserted: Executable = unless.returning(literal_column("1"))
    return inserted


def _key(table: type[Base]) -> list[str]:
    """Return the columns that tell rows apart: of long rows these are not the primary key."""
    described = table.metadata.tables[table.__tablename__]
    if "spot" not in described.columns:
        return [column.name for column in described.primary_key]
    # Two rows of one spot are an error, and not one that is known already.
    rules = [rule for rule in described.constraints if isinstance(rule, UniqueConstraint)]
    (key,) = rules
    return [column.name for column in key.columns]


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgres_engine(url: URL) -> Engine:
    if "," in ",".join(url.normalized_query.get("host", ())) and (
        url.query.get("target_session_attrs") not in _WRITABLE
    ):
        raise SettingsError("with several hosts the database needs target_session_attrs=read-write")
    # pool_pre_ping: after a failover the first statement must not meet a dead connection.
    engine = create_engine(
        url.set(query=_NETWORK | url.query),
        hide_parameters=True,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_pre_ping=True,
    )
    event.listen(engine, "connect", hear_warnings)
    return engine


def _may_pass(error: Exception) -> bool:
    """Tell whether a statement may succeed later, or on another server."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        return True
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == _READ_ONLY


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Set what SQLite keeps per connection, and check that the file is in WAL mode."""
    if not isinstance(connection, sqlite3.Connection):
        raise AssertionError("internal error: not the driver of the standard library")
    connection.isolation_level = None  # `_begin_sqlite` says BEGIN, not the driver
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise SettingsError("the database cannot be kept in WAL mode: is it on a network drive?")
    (path,) = connection.execute("SELECT file FROM pragma_database_list").fetchone()
    flush_log(path)


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction of the kind its purpose needs."""
    purpose = connection.get_execution_options().get("purpose", "read")
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        raise AssertionError("internal error: not the driver of the standard library")
    for statement in _BEGIN[str(purpose)]:
        raw.execute(statement)
