"""
Whose turn it is, of all connections that have something to say.

In a crowd thousands of them do, and nearly all want to know whether there is a place. Heard in the
order of their coming, each petition that was let in would wait until all before it had been told to
come back, while the workers had nothing to do; and telling them takes the processor from petitions.
So there are two lanes. In the first stands whoever was served last time: was given a place, sent a
petition, or read a page. In the other stand newcomers, and whoever was sent away; of these only so
many are heard a second as `Lanes.pace` allows. The rest wait in the system's buffers, where they
cost nothing. Neither lane starves the other: each round takes some of both; and some who are just
arriving, or thousands who ask again and again would keep them out.

This is the selector of the door's event loop. It stands on epoll, as Linux has it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from select import EPOLLIN, EPOLLOUT, epoll
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector, SelectorKey
from typing import Any, Protocol, TypeAlias

Data: TypeAlias = Any  # whatever asyncio keeps with a descriptor

ROUND = 64  # of each lane that are heard before the next look who has something to say
ARRIVALS = 16  # new connections that are accepted in a round, at most


class HasFileno(Protocol):
    """A socket, or what else has a file descriptor."""

    def fileno(self) -> int:
        """Return it."""


class Lanes(BaseSelector):
    """
    A selector with two lanes; what is registered stands in the first unless it was sent back.

    Attributes:
        pace: How many of the other lane are heard a second, at most.
    """

    def __init__(self) -> None:
        self.pace = math.inf
        self._heard, self._heard_at = 0, 0.0  # how many of the other lane were, last time
        self._keys: dict[int | HasFileno, SelectorKey] = {}  # by descriptor alone
        self._first, self._other, self._arriving = epoll(), epoll(), epoll()
        self._behind: dict[int, epoll] = {}  # where who stands, now or when registered
        for inner in (self._first, self._arriving):
            self._other.register(inner.fileno(), EPOLLIN)  # one wait is for all

    def prefer(self, number: int) -> None:
        """Let a connection, told by its descriptor, stand in the first lane."""
        self._move(number, self._first)

    def send_back(self, number: int) -> None:
        """Let a connection stand in the other lane."""
        self._move(number, self._other)

    def let_arrive(self, number: int) -> None:
        """Let a listening socket, which accepts `ARRIVALS` at a time, be heard at the pace."""
        self._move(number, self._arriving)

    def forget(self, number: int) -> None:
        """Keep nothing of a connection that has ended and is registered no more."""
        self._behind.pop(number, None)

    def register(self, fileobj: int | HasFileno, events: int, data: Data = None) -> SelectorKey:
        """
        Look from now on whether it may be read or written, in the lane where it was sent before.

        Raises:
            KeyError: If it is registered already.
        """
        number = _descriptor(fileobj)
        if number in self._keys:
            raise KeyError(f"{number} is registered already")
        self._lane(number).register(number, _mask(events))
        key = self._keys[number] = SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: int | HasFileno) -> SelectorKey:
        """Look no more, and remember the lane; raise KeyError if it was not registered."""
        number = _descriptor(fileobj)
        key = self._keys.pop(number)
        self._lane(number).unregister(number)
        return key

    def modify(self, fileobj: int | HasFileno, events: int, data: Data = None) -> SelectorKey:
        """Look for something else from now on; raise KeyError if it is not registered."""
        number = _descriptor(fileobj)
        before = self._keys[number]
        if events != before.events:
            self._lane(number).modify(number, _mask(events))
        key = self._keys[number] = SelectorKey(before.fileobj, number, events, data)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Return whose turn it is, the first lane first; wait so long at most, None: for ever."""
        ready = self._first.poll(0, ROUND)
        pause = self._heard_at + self._heard / self.pace - time.perf_counter()
        if pause > 0:
            return self._told(ready or self._first.poll(_wait(timeout, pause), ROUND))
        arriving = self._told(self._arriving.poll(0))
        others = self._told(self._other.poll(_wait(timeout), ROUND))  # no wait if some are ready
        self._heard, self._heard_at = ARRIVALS * len(arriving) + len(others), time.perf_counter()
        return self._told(ready) + arriving + others

    def get_key(self, fileobj: int | HasFileno) -> SelectorKey:
        """Return what is registered of a connection; raise KeyError if nothing is."""
        return self._keys[_descriptor(fileobj)]

    def get_map(self) -> Mapping[int | HasFileno, SelectorKey]:
        """Return what is registered, by descriptor."""
        return self._keys

    def close(self) -> None:
        """Forget all."""
        self._keys.clear()
        for lane in (self._other, self._arriving, self._first):
            lane.close()

    def _lane(self, number: int) -> epoll:
        return self._behind.get(number, self._first)

    def _move(self, number: int, new: epoll) -> None:
        old = self._lane(number)
        if number in self._keys and new is not old:
            old.unregister(number)
            new.register(number, _mask(self._keys[number].events))
        if new is self._first:
            self._behind.pop(number, None)
        else:
            self._behind[number] = new

    def _told(self, ready: list[tuple[int, int]]) -> list[tuple[SelectorKey, int]]:
        """Tell it as asyncio wants it; leave out what the other lane tells of the inner ones."""
        told = []
        for number, what in ready:
            if key := self._keys.get(number):
                told.append((key, _events(what) & key.events))
        return told


def _descriptor(fileobj: int | HasFileno) -> int:
    return fileobj if isinstance(fileobj, int) else fileobj.fileno()


def _wait(*most: float | None) -> float:
    """Return the shortest of these in the whole milliseconds of epoll, not too early; -1: none."""
    told = [max(0.0, seconds) for seconds in most if seconds is not None]
    return math.ceil(min(told) * 1e3) / 1e3 if told else -1.0


def _mask(events: int) -> int:
    reads = EPOLLIN if events & EVENT_READ else 0
    return reads | (EPOLLOUT if events & EVENT_WRITE else 0)


def _events(what: int) -> int:
    """Tell an error or an end as both, so that whoever reads or writes meets it."""
    reads = EVENT_READ if what & ~EPOLLOUT else 0
    return reads | (EVENT_WRITE if what & ~EPOLLIN else 0)
