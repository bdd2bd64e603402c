"""
Counts what a question costs in steps instead of seconds, so that a test can compare two offices.

*Steps* are those of SQLite's virtual machine, as far as its progress handler tells: at least one
for each row that is looked at. *Pages* are what the process reads from files, with next to no cache
inside SQLite: they tell of whoever counts rows, which is one step; *written* is what it writes, or
sends. *Calls* are those of Python functions. None of them depends on how fast the machine is.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bench.growth.visit import Question
from dengwen_vault.database import PAGE_SIZE, Store


class Cost(NamedTuple):
    """What one question cost."""

    steps: float
    pages: float
    written: float
    calls: float


@dataclass
class _Counter:
    count: int = 0

    def step(self) -> int:
        """Count one, and let SQLite go on."""
        self.count += 1
        return 0


class Steps:
    """Counts the steps that a *store* takes, on every connection that it opens from now on."""

    def __init__(self, store: Store) -> None:
        """Begin to count."""
        self._counter = _Counter()
        store.engine.dispose()
        event.listen(store.engine, "connect", self._prepare)

    def cost(self, ask: Callable[[], object]) -> Cost:
        """Return what a question costs, asked in this thread."""
        steps, read, written = self._counter.count, _bytes("rchar"), _bytes("wchar")
        with _counting_calls() as calls:
            ask()
        return Cost(
            steps=self._counter.count - steps,
            pages=(_bytes("rchar") - read) // PAGE_SIZE,
            written=(_bytes("wchar") - written) // PAGE_SIZE,
            calls=calls.count,
        )

    def _prepare(self, connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        if not isinstance(connection, sqlite3.Connection):
            raise AssertionError("internal error: only SQLite counts its steps")
        connection.execute("PRAGMA cache_size = 0")
        connection.set_progress_handler(self._counter.step, 1)


def _bytes(wanted: str) -> int:
    """Return how many bytes this process has read or written so far, also of the page cache."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(": ")
        if name == wanted:
            return int(value)
    raise AssertionError("internal error: the system does not tell what was read")


@contextmanager
def _counting_calls() -> Iterator[_Counter]:
    counter, before = _Counter(), sys.getprofile()

    def count(_frame: object, what: str, _argument: object) -> None:
        counter.count += what == "call"

    sys.setprofile(count)
    try:
        yield counter
    finally:
        sys.setprofile(before)


def count_costs(
    store: Store, rounds: int, questions: Callable[[], Iterator[Question]]
) -> dict[str, Cost]:
    """Return the least that each question cost in some rounds; the first fill memories."""
    steps, found = Steps(store), dict[str, list[Cost]]()
    for _ in range(rounds):
        for question in questions():
            found.setdefault(question.name, []).append(steps.cost(question.ask))
    return {
        name: Cost(*(min(values) for values in zip(*costs, strict=True)))
        for name, costs in found.items()
    }
