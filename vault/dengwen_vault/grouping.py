"""
Many writers, one wait for the disk: what arrives while a commit is under way is committed together.

Whoever comes first takes all that stand in line and commits them in one transaction; the others
find their work done. With one writer nothing changes; with many, the price of a sync is shared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import Connection

from dengwen_vault.database import Store
from dengwen_vault.errors import VaultError

T = TypeVar("T")

MAX_GROUP = 64  # items to a transaction


@dataclass(eq=False)  # two equal items are two tickets
class _Ticket(Generic[T]):
    item: T
    order: bytes
    error: Exception | None = None
    is_done: bool = False


@dataclass
class Group(Generic[T]):
    """
    Commits items of one kind in groups.

    Args:
        store: Where to.
        write: Writes one item. A `VaultError` of it concerns that item alone, and must leave
            nothing behind; any other error undoes the whole group.
    """

    store: Store
    write: Callable[[Connection, T], object]
    _line: list[_Ticket[T]] = field(default_factory=list)
    _line_lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def commit(self, item: T, order: bytes) -> None:
        """
        Return when *item* is on disk.

        Args:
            order: Items are written by rising order, so that two processes cannot each wait for a
                row that the other has.

        Raises:
            Exception: What *write* raised for this item, or what undid the group.
        """
        ticket = _Ticket(item, order)
        with self._line_lock:
            self._line.append(ticket)
        with self._turn:
            if not ticket.is_done:
                self._commit_line(ticket)
        if ticket.error is not None:
            raise ticket.error

    def _commit_line(self, own: _Ticket[T]) -> None:
        """Commit those in line, *own* among them."""
        with self._line_lock:
            self._line.remove(own)
            group = [own, *self._line[: MAX_GROUP - 1]]
            del self._line[: MAX_GROUP - 1]
        try:
            with self.store.writing() as connection:
                for ticket in sorted(group, key=lambda ticket: ticket.order):
                    self._write(connection, ticket)
        except Exception as error:  # noqa: BLE001  # raised again by each of the group
            for ticket in group:
                ticket.error = error
        for ticket in group:
            ticket.is_done = True

    def _write(self, connection: Connection, ticket: _Ticket[T]) -> None:
        try:
            self.write(connection, ticket.item)
        except VaultError as error:
            ticket.error = error
