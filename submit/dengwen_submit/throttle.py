"""
Who may come in now, and when whoever may not is to come back: calm, and the same for everybody.

Inside waits a bounded queue. While there is room, all come in, and nobody notices any of this. When
there is none, each is given an appointment: the first second of the near future that has a place
left, as fast as petitions are being committed at present. So the crowd comes back spread out, and
places are kept for those who were called: newcomers are not let in on them. Half of the queue at
most is kept so, since many may never come, and would leave the door idle while others are sent
away. While a quarter of the queue is full, only so many are heard a second that telling them when
to come back does not take most of the machine from the petitions; the others wait longer for their
answer. Whoever asks before she sends is called for this very second if she may come. A ticket
proves how long one has waited; of those inside, the longest waiting is served first.
If appointments reach far, a puzzle is asked of everybody, harder the farther they reach.

Nobody's address is looked at, here or anywhere. Nothing here knows HTTP, or what time it is.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dengwen_submit.puzzle import MAX_BITS, MIN_BITS
from dengwen_submit.ticket import Ticket

T = TypeVar("T")

MAX_WAIT = 90  # seconds: the farthest appointment
PATIENCE = 15  # seconds for which a place is kept after its time
PUZZLE_FROM = 30  # seconds: appointments that reach farther make the puzzle begin
SECONDS_A_BIT = 8  # and each further reach of so many makes it twice as hard
FIRST_RATE = 200.0  # petitions a second, until it has been measured
SMOOTHING = 0.3
BOOKED_SHARE = 0.9  # of the rate is given away as appointments

KEPT_PART = 2  # one in so many places of the queue is kept, at most, for those who were called
CROWDED_PART = 4  # one in so many places of the queue is taken: from then on a pace is kept
HEARD = 2  # people for each petition that is served
OVERFULL = 2  # so many times the limit stand in line, if all who were admitted send at once
NEWCOMER = 1 << 62  # comes after every ticket


@dataclass
class Throttle(Generic[T]):
    """
    The queue and the book of appointments.

    Attributes:
        limit: How many may wait inside.
    """

    limit: int
    chance: random.Random = field(default_factory=random.SystemRandom)
    _queue: list[tuple[int, int, T]] = field(default_factory=list)
    _counter: itertools.count[int] = field(default_factory=itertools.count)
    _book: dict[int, int] = field(default_factory=dict)
    _again: dict[int, int] = field(default_factory=dict)  # of those who came and found no room
    _rate: float = FIRST_RATE
    _done: int = 0
    _second: int = 0
    _open_page: int = 0  # before it, all is booked
    _farthest: int = 0  # the last page with an appointment
    _should_be_here: int = 0  # appointments up to a second, and which second that is
    _counted: int = -1

    def __len__(self) -> int:
        """Count who stands in line inside."""
        return len(self._queue)

    def admit(self, ticket: Ticket | None, now: float) -> bool:
        """
        Tell whether somebody may send now.

        No place is taken before all is sent, so that people who trickle take none from others.
        """
        if not self._has_room(ticket, now):
            return False
        if ticket is not None:
            self._keep_appointment()
        return True

    def call(self, ticket: Ticket | None, now: float) -> bool:
        """Tell whether somebody who asks may send now; keep a place for her until she does."""
        if not self._has_room(ticket, now):
            return False
        if ticket is None:
            self._book[int(now)] = self._book.get(int(now), 0) + 1
            self._should_be_here += 1
        return True

    def enter(self, item: T, ticket: Ticket | None) -> bool:
        """Put in line what an admitted person has sent; tell whether it still fits."""
        if len(self) >= OVERFULL * self.limit:
            return False
        place = ticket.step if ticket else NEWCOMER
        heapq.heappush(self._queue, (place, next(self._counter), item))
        return True

    def take(self, most: int) -> list[T]:
        """Return those to be served next, at most so many."""
        count = min(most, len(self._queue))
        return [heapq.heappop(self._queue)[2] for _ in range(count)]

    def served(self, count: int) -> None:
        """Note that so many were served."""
        self._done += count

    def pace(self) -> float:
        """Return how many may be heard a second, of those who were not let in."""
        if len(self) < max(1, self.limit // CROWDED_PART):
            return math.inf
        return HEARD * max(FIRST_RATE, self._rate)

    def tick(self, now: float) -> None:
        """Measure how fast they are served, if a second has gone by, and turn the book's page."""
        second = int(now)
        if second == self._second:
            return
        passed = second - self._second if self._second else 1
        measured = self._done / passed
        if len(self) >= self.limit // 2:
            self._rate = max(1.0, self._rate + SMOOTHING * (measured - self._rate))
        else:  # a door with little to do tells only that it is at least so fast
            self._rate = max(self._rate, measured)
        self._second, self._done = second, 0
        self._open_page = 0  # others may be open by now
        self._counted = -1
        for book in (self._book, self._again):
            for page in [page for page in book if page < second - PATIENCE]:
                self._tear_out(book, page)

    def appoint(self, now: float, *, again: bool = False) -> int:
        """
        Return in how many seconds somebody is to come back, and keep a place for then.

        Args:
            again: She came by appointment and found no room: no newcomer is put before her, and
                no more come again in one second than can be served in it, however many wait.
        """
        places = max(1, int(self._rate * BOOKED_SHARE))
        first = int(now) + 1
        book = self._again if again else self._book
        for page in range(first if again else max(first, self._open_page), first + MAX_WAIT):
            taken = self._again.get(page, 0) + (0 if again else self._book.get(page, 0))
            if taken < places:
                self._open_page = self._open_page if again else page
                break
        else:  # all is booked: somewhere in the later half, and the ticket decides
            page = first + self.chance.randrange(MAX_WAIT // 2, MAX_WAIT)
            self._open_page = self._open_page if again else first + MAX_WAIT
        book[page] = book.get(page, 0) + 1
        self._farthest = max(self._farthest, page)
        return page - first + 1

    def reach(self, now: float) -> int:
        """Return how many seconds ahead the last appointment is."""
        return max(0, self._farthest - int(now))

    def bits(self, now: float) -> int:
        """Return how hard the puzzle is at this load; 0 for none."""
        beyond = self.reach(now) - PUZZLE_FROM
        return 0 if beyond < 0 else min(MAX_BITS, MIN_BITS + beyond // SECONDS_A_BIT)

    def _has_room(self, ticket: Ticket | None, now: float) -> bool:
        room = self.limit - len(self)
        if room > 0 and ticket is None:
            room -= min(self._called(now), self.limit // KEPT_PART)
        return room > 0

    def _called(self, now: float) -> int:
        """Count the places that are kept for those who should be here by now, once a second."""
        if self._counted != int(now):
            self._counted = int(now)
            pages = itertools.chain(self._book.items(), self._again.items())
            self._should_be_here = sum(count for page, count in pages if page <= self._counted)
        return self._should_be_here

    def _keep_appointment(self) -> None:
        """Strike out the oldest appointment; whose it was does not matter."""
        books = [book for book in (self._again, self._book) if book]
        if books:
            book = min(books, key=min)
            page = min(book)
            book[page] -= 1
            self._should_be_here -= page <= self._counted
            if not book[page]:
                self._tear_out(book, page)

    def _tear_out(self, book: dict[int, int], page: int) -> None:
        del book[page]
        if page == self._farthest:
            self._farthest = max(itertools.chain(self._book, self._again), default=0)
