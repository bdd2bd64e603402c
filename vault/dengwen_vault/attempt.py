"""
An attempt at a record: events laid down piece by piece, which one row makes part of the log.

A tick may have tens of thousands of events, and on SQLite everybody who writes waits for a
transaction. So each is short, and leaves the others thrice its time before the next. What an
attempt lays down bears the number of a record that is not there yet, and nobody reads it until the
last transaction moves the log's size past that number.

The row of the log's size also names the newest attempt, and each transaction of an attempt holds
that row: whoever begins another takes the place of the one before, which can do nothing more.
So what stands there when the size moves is of the attempt that moves it, all of it and only that.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from dengwen_audit.log import LostRaceError
from dengwen_vault.database import Store
from dengwen_vault.models import Event, LogHead

PIECE = 512  # rows to a transaction: what waits behind it waits for some 20 ms
REST = 3.0  # times as long as a piece took, in which others write
NAME_SIZE = 16  # bytes

T = TypeVar("T")


class Attempt:
    """
    An attempt at record number *size*.

    Every method raises `LostRaceError` if another sequencer has begun one, or has made the record.
    """

    def __init__(self, store: Store, size: int) -> None:
        """Begin; what attempts before this one left is deleted."""
        self._store = store
        self._name = secrets.token_bytes(NAME_SIZE)
        self._here = (LogHead.size == size) & (LogHead.attempt == self._name)
        self._size = size
        with store.noting() as connection:
            _change(connection, LogHead.size == size, attempt=self._name)
        while self._forget_some():
            pass

    def lay_down(self, events: Sequence[dict[str, object]]) -> None:
        """Lay down rows of events; loss of power may undo it, until the attempt succeeds."""
        for piece in pieces(events):
            with short_work(self._store) as connection:
                self._hold(connection)
                connection.execute(insert(Event), piece)

    def succeed(self, connection: Connection, roster: bytes) -> None:
        """Make all that was laid down part of the log, with this transaction."""
        _change(connection, self._here, size=self._size + 1, roster=roster, attempt=None)

    def _forget_some(self) -> int:
        """Delete some events of records that never were; return how many."""
        some = select(Event.spot).where(Event.epoch >= self._size).limit(PIECE)
        with short_work(self._store) as connection:
            self._hold(connection)
            return connection.execute(delete(Event).where(Event.spot.in_(some))).rowcount

    def _hold(self, connection: Connection) -> None:
        mine = select(LogHead.size).where(self._here).with_for_update()
        if connection.scalar(mine) is None:
            raise LostRaceError("another sequencer has begun this record")


def pieces(rows: Sequence[T]) -> Iterator[list[T]]:
    """Yield *rows* by so many as one transaction may have."""
    rest = iter(rows)
    while piece := list(islice(rest, PIECE)):
        yield piece


@contextmanager
def short_work(store: Store) -> Iterator[Connection]:
    """Open a transaction that loss of power may undo; rest after it, where one writes at a time."""
    with store.noting() as connection:
        begun = time.monotonic()
        yield connection
    if store.is_sqlite:
        time.sleep(REST * (time.monotonic() - begun))


def _change(connection: Connection, where: ColumnElement[bool], **values: object) -> None:
    if connection.execute(update(LogHead).where(where).values(**values)).rowcount != 1:
        raise LostRaceError("another sequencer has made this record")
