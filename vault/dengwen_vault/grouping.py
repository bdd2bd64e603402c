"""
Many writers, one wait for the disk: what arrives while a commit is under way is committed together.

Whoever finds nobody at work leads: it commits all that stand in line, in one transaction, tells
them, and calls the first of those who came meanwhile to lead next. With one writer nothing changes;
with many, the price of a sync is shared, and nobody is overtaken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dengwen_vault.errors import VaultError

T = TypeVar("T")

MAX_GROUP = 64  # items to a transaction


@dataclass(eq=False)  # two equal items are two tickets
class _Ticket(Generic[T]):
    """One item in line; *called* is set when it is done, or when its writer is to lead."""

    item: T
    order: bytes
    called: threading.Event = field(default_factory=threading.Event)
    is_done: bool = False
    error: BaseException | None = None


@dataclass
class Group(Generic[T]):
    """
    Commits items of one kind in groups.

    Args:
        write: Brings items to the disk, and returns for each of them, in their order, what refuses
            it, or None. A refused item must leave nothing behind; what is raised is told to the
            whole group, of which nothing may be there then.
    """

    write: Callable[[Sequence[T]], Sequence[VaultError | None]]
    _line: list[_Ticket[T]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_led: bool = False

    def commit(self, item: T, order: bytes) -> None:
        """
        Return when *item* is on disk.

        Args:
            order: Items are written by rising order, so that two processes cannot each wait for a
                row that the other has.

        Raises:
            Exception: What refuses this item, or what undid the group.
        """
        ticket = _Ticket(item, order)
        with self._lock:
            self._line.append(ticket)
            leads, self._is_led = not self._is_led, True
        if not leads:
            ticket.called.wait()
        if not ticket.is_done:
            self._lead()
        if ticket.error is not None:
            raise ticket.error

    def _lead(self) -> None:
        """Commit those in line, who begin with the caller, and call the next to lead."""
        with self._lock:
            group = self._line[:MAX_GROUP]
            del self._line[:MAX_GROUP]
        try:
            self._commit(group)
        except BaseException as error:  # noqa: BLE001  # raised again by each of the group
            for ticket in group:
                ticket.error = error
        with self._lock:
            following = self._line[:1]
            self._is_led = bool(following)
        for ticket in group:
            ticket.is_done = True
        for ticket in (*group, *following):
            ticket.called.set()

    def _commit(self, group: list[_Ticket[T]]) -> None:
        group = sorted(group, key=lambda ticket: ticket.order)
        errors = self.write([ticket.item for ticket in group])
        for ticket, error in zip(group, errors, strict=True):
            ticket.error = error
