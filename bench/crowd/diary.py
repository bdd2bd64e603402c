"""What a crowd saw, second by second, and every acceptance with its waiting."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

BEHIND = 0.01  # seconds after its time that an arrival may be sent before it is called late


@dataclass
class Second:
    """
    One second of a run.

    Attributes:
        offered: Those who arrived in it for the first time.
        at_once: How many of these were accepted without being sent away.
        accepted: Acceptances that came in it, whenever she had arrived.
        refused: Answers in it that said when to come back.
        gone: Those who were told to come back, and went home.
        unheard: Those who went home since they found no connection.
        broken: Connections that the door ended without an answer.
        late: Arrivals of it that the generator itself could not send in time.
        cpu: What the generator used, in seconds.
    """

    offered: int = 0
    at_once: int = 0
    accepted: int = 0
    refused: int = 0
    gone: int = 0
    unheard: int = 0
    broken: int = 0
    late: int = 0
    cpu: float = 0.0

    def add(self, other: Second) -> None:
        """Add what another generator saw."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass
class Diary:
    """
    What came of all arrivals.

    Attributes:
        answered: When each acceptance came, in seconds since the start.
        waited: For how long she had waited then, from her arrival.
        first: 1 if she was accepted without being sent away, else 0.
        untold: Refusals that did not say when to come back, or gave no ticket.
        kept_back: Arrivals for whom the pool had no petition left.
        asked_to_work: Refusals that asked for a solved puzzle.
        errors: All other answers, by status.
        lateness: How far the generator was behind its clock, for each arrival, in seconds.
    """

    seconds: list[Second] = field(default_factory=list)
    answered: array[float] = field(default_factory=lambda: array("d"))
    waited: array[float] = field(default_factory=lambda: array("d"))
    first: array[int] = field(default_factory=lambda: array("b"))
    untold: int = 0
    kept_back: int = 0
    asked_to_work: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    lateness: array[float] = field(default_factory=lambda: array("d"))

    def at(self, time: float) -> Second:
        """Return the second that holds a *time*."""
        number = max(0, int(time))
        while len(self.seconds) <= number:
            self.seconds.append(Second())
        return self.seconds[number]

    def total(self, name: str) -> int:
        """Return the sum of one column."""
        return sum(getattr(second, name) for second in self.seconds)

    def rate(self, begin: float, end: float) -> float:
        """Return how many were accepted a second."""
        return sum(begin <= time < end for time in self.answered) / (end - begin)

    def waits(self, begin: float, end: float) -> list[float]:
        """Return how long those waited who arrived then and were accepted at once, sorted."""
        every = zip(self.answered, self.waited, self.first, strict=True)
        return sorted(
            wait for time, wait, at_once in every if at_once and begin <= time - wait < end
        )

    def add(self, other: Diary) -> None:
        """Add what another generator saw."""
        for number, second in enumerate(other.seconds):
            self.at(number).add(second)
        self.answered += other.answered
        self.waited += other.waited
        self.first += other.first
        self.lateness += other.lateness
        self.untold += other.untold
        self.kept_back += other.kept_back
        self.asked_to_work += other.asked_to_work
        for name, count in other.errors.items():
            self.errors[name] = self.errors.get(name, 0) + count


def merge(diaries: Iterable[Diary]) -> Diary:
    """Return what several generators saw together."""
    whole = Diary()
    for diary in diaries:
        whole.add(diary)
    return whole


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value that *share* of *ordered* values do not exceed; 0 if there are none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def best_window(counts: Sequence[int], seconds: int) -> float:
    """Return the highest mean over so many seconds in a row."""
    width = min(seconds, len(counts))
    sums = [sum(counts[begin : begin + width]) for begin in range(len(counts) - width + 1)]
    return max(sums, default=0) / width if width else 0.0
