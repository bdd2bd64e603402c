"""
Who arrives when: strangers to one another, by the clock, whether or not the door keeps up.

A closed loop of clients that wait for each other's answers hides the queue, since nobody arrives
while everybody waits. Here each arrival has its time beforehand, and her waiting counts from it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

TRIES = 60  # after which she goes home, however patient she is


@dataclass(frozen=True)
class Phase:
    """
    So many arrivals a second for so many seconds.

    Attributes:
        rate: At the beginning.
        patience: The share of them who come back when they are asked to; the others go home.
        until: The rate at the end, if it rises or falls evenly on the way.
    """

    name: str
    seconds: float
    rate: float
    patience: float = 1.0
    until: float | None = None

    def rate_at(self, passed: float) -> float:
        """Return the rate when so many seconds of the phase have passed."""
        end = self.rate if self.until is None else self.until
        return self.rate + (end - self.rate) * passed / self.seconds

    @property
    def arrivals(self) -> float:
        """How many come, on average."""
        return self.seconds * (self.rate + self.rate_at(self.seconds)) / 2

    def share(self, parts: int) -> Phase:
        """Return the phase as one of so many generators sees it."""
        until = None if self.until is None else self.until / parts
        return replace(self, rate=self.rate / parts, until=until)


@dataclass(frozen=True)
class Span:
    """When a phase is: seconds since the start of the run."""

    name: str
    begin: float
    end: float


@dataclass(slots=True)
class Visit:
    """
    One person's way in.

    Attributes:
        due: When she comes next.
        arrived: When she came first; her waiting counts from here.
        number: Her petition's, in the pool.
        most_tries: After so many she goes home.
        ticket: The header line with her ticket.
        work: The header line with her solved puzzle.
    """

    due: float
    arrived: float
    number: int
    most_tries: int
    tries: int = 0
    ticket: bytes = b""
    work: bytes = b""

    def __lt__(self, other: Visit) -> bool:
        return self.due < other.due


def schedule(phases: Sequence[Phase], start: float, seed: int) -> Iterator[tuple[float, int]]:
    """Give the time of each arrival, and how often at most she tries; the distances are random."""
    chance = random.Random(seed)
    begin = start
    for phase in phases:
        due, end = begin, begin + phase.seconds
        while rate := phase.rate_at(due - begin):
            due += chance.expovariate(rate)
            if due >= end:
                break
            yield due, TRIES if chance.random() < phase.patience else 1
        begin = end


def spans(phases: Sequence[Phase]) -> list[Span]:
    """Return when each phase is."""
    begin, found = 0.0, []
    for phase in phases:
        found.append(Span(phase.name, begin, begin + phase.seconds))
        begin += phase.seconds
    return found
