"""What is told of one run: a few numbers for the table, and the seconds for the plot."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.crowd.diary import Diary, best_window, percentile
from bench.crowd.ledger import Count
from bench.crowd.phases import Phase, Span, spans
from bench.crowd.watch import Sample

WINDOW = 10  # seconds in a row that a capacity is a mean of
SETTLED = 2.0  # seconds at the beginning of a phase that are not counted
CALM_SHARE = 0.9  # of those who arrive are accepted at once: it is calm
FLAT_AFTER = 120.0  # seconds after which memory must not grow any more
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}

Gauge = Sequence[tuple[str, float, int]]


@dataclass
class Figures:
    """
    What was measured; rates are a second, times in seconds, sizes in bytes.

    Attributes:
        capacity: The highest mean of accepted a second over ten seconds.
        goodput: Accepted a second in the phase called storm.
        calm_after: Seconds from the end of the storm until those who arrive are let in at once.
        waiting: Those who were still to come back when the run ended.
        waits: From arrival to acceptance, of those who were not sent away.
        waits_of_all: The same of all who were accepted, however often they came back.
        generator_late: The share of arrivals that were sent more than 10 ms after their time.
        steps: Each phase of the run in a few numbers.
        series: The run second by second.
    """

    name: str
    how: str
    offered: int = 0
    accepted: int = 0
    sent_away: int = 0
    asked_to_work: int = 0
    gone: int = 0
    unheard: int = 0
    waiting: int = 0
    broken: int = 0
    kept_back: int = 0
    untold: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    lost: int | None = None
    compared: int = 0
    receipts: int = 0
    capacity: float = 0.0
    goodput: float | None = None
    calm_after: float | None = None
    waits: dict[str, float] = field(default_factory=dict)
    waits_of_all: dict[str, float] = field(default_factory=dict)
    door_cpu: float = 0.0
    door_cpu_each: float = 0.0
    generator_cpu: float = 0.0
    generator_late: float = 0.0
    generator_latest: float = 0.0
    memory: int = 0
    memory_mb_a_minute: float | None = None
    memory_noise_mb_a_minute: float | None = None
    stored_each: float = 0.0
    written_each: float = 0.0
    group: float = 0.0
    queue: int = 0
    steps: list[dict[str, Any]] = field(default_factory=list)
    series: dict[str, list[float]] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost, and everybody was answered as she should be."""
        return not (self.lost or self.errors or self.untold)

    def to_json(self) -> dict[str, object]:
        """Return all of it."""
        return asdict(self)


@dataclass(frozen=True)
class Observed:
    """
    All that was seen of a run from outside.

    Attributes:
        gauge: What the door's line wrote down: what, when, how many.
    """

    phases: Sequence[Phase]
    diary: Diary
    samples: Sequence[Sample]
    gauge: Gauge


def figures_of(name: str, how: str, seen: Observed) -> Figures:
    """Return the figures of a run; what the database says is added by `add_count`."""
    diary, samples, gauge = seen.diary, seen.samples, seen.gauge
    parts, length = spans(seen.phases), sum(phase.seconds for phase in seen.phases)
    accepted = [second.accepted for second in diary.seconds]
    late = sorted(diary.lateness)
    cpu = samples[-1].cpu - samples[0].cpu if samples else 0.0
    figures = Figures(
        name,
        how,
        offered=diary.total("offered"),
        accepted=diary.total("accepted"),
        sent_away=diary.total("refused"),
        asked_to_work=diary.asked_to_work,
        gone=diary.total("gone"),
        unheard=diary.total("unheard"),
        broken=diary.total("broken"),
        kept_back=diary.kept_back,
        untold=diary.untold,
        errors=diary.errors,
        capacity=best_window(accepted[: int(length)], WINDOW),
        waits=_shares(diary.waits(0.0, length)),
        waits_of_all=_shares(sorted(diary.waited)),
        door_cpu=cpu / max(1.0, samples[-1].time - samples[0].time) if samples else 0.0,
        door_cpu_each=cpu / max(1, sum(accepted)),
        generator_cpu=sum(second.cpu for second in diary.seconds) / max(1, len(accepted)),
        generator_late=diary.total("late") / max(1, len(late)),
        generator_latest=late[-1] if late else 0.0,
        memory=max((sample.memory for sample in samples), default=0),
        group=statistics.fmean([n for what, _, n in gauge if what == "group"] or [0.0]),
        queue=max((n for what, _, n in gauge if what == "queue"), default=0),
        steps=[
            _step(phase, span, diary, samples)
            for phase, span in zip(seen.phases, parts, strict=True)
        ],
        series=series_of(diary, samples, gauge),
    )
    ended = figures.accepted + figures.gone + figures.unheard + sum(diary.errors.values())
    figures.waiting = figures.offered - ended
    if samples and samples[-1].time > 2 * FLAT_AFTER:
        slope, noise = slope_of([(s.time, s.memory) for s in samples if s.time > FLAT_AFTER])
        figures.memory_mb_a_minute = slope * 60 / 1e6
        figures.memory_noise_mb_a_minute = noise * 60 / 1e6
    for span in parts:
        if span.name == "storm":
            figures.goodput = diary.rate(span.begin, span.end)
        if span.name == "after":
            figures.calm_after = calm_after(diary, span)
    return figures


def add_count(figures: Figures, count: Count, stored: int, written: int) -> None:
    """Add what was found in the database and on the disk."""
    figures.lost, figures.compared, figures.receipts = count.lost, count.compared, count.receipts
    if count.acceptances != figures.accepted:
        raise AssertionError("internal error: not as many acceptances as were counted")
    figures.stored_each = stored / max(1, count.stored)
    figures.written_each = written / max(1, count.stored)


def calm_after(diary: Diary, span: Span) -> float | None:
    """Return after how many seconds of *span* newcomers are let in at once; None if never."""
    restless = 0
    for number in range(int(span.begin), int(span.end)):
        second = diary.at(number)
        if second.at_once < CALM_SHARE * second.offered:
            restless = number + 1 - int(span.begin)
    return float(restless) if restless < int(span.end) - int(span.begin) else None


def slope_of(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the slope of a straight line through *points*, and twice its standard error."""
    times, values = [point[0] for point in points], [point[1] for point in points]
    slope, base = statistics.linear_regression(times, values)
    middle = statistics.fmean(times)
    spread = sum((time - middle) ** 2 for time in times)
    rest = sum((value - base - slope * time) ** 2 for time, value in points)
    return slope, 2 * (rest / max(1, len(points) - 2) / spread) ** 0.5


def series_of(diary: Diary, samples: Sequence[Sample], gauge: Gauge) -> dict[str, list[float]]:
    """Return the run second by second, for the plots."""
    count = len(diary.seconds)
    names = ("offered", "at_once", "accepted", "refused", "gone", "unheard", "broken", "late")
    series: dict[str, list[float]] = {
        name: [getattr(second, name) for second in diary.seconds] for name in names
    }
    series["generator_cpu"] = [round(second.cpu, 3) for second in diary.seconds]
    waits: list[list[float]] = [[] for _ in range(count)]
    for time, wait, first in zip(diary.answered, diary.waited, diary.first, strict=True):
        if first:
            waits[min(count - 1, int(time))].append(wait)
    for name, share in SHARES.items():
        series[name] = [round(percentile(sorted(w), share), 5) for w in waits]
    queue, groups = [0.0] * count, [0.0] * count
    for what, time, number in gauge:
        if what == "queue" and 0 <= time < count:
            queue[int(time)] = max(queue[int(time)], number)
        elif what == "group" and 0 <= time < count:
            groups[int(time)] += 1
    series["queue"], series["groups"] = queue, groups
    return series | _used(samples)


def _used(samples: Sequence[Sample]) -> dict[str, list[float]]:
    pairs = list(itertools.pairwise(samples))
    return {
        "sampled_at": [round(after.time, 2) for _, after in pairs],
        "door_cpu": [round((b.cpu - a.cpu) / (b.time - a.time), 3) for a, b in pairs],
        "written": [round(max(0, b.written - a.written) / (b.time - a.time)) for a, b in pairs],
        "memory": [after.memory for _, after in pairs],
    }


def _step(phase: Phase, span: Span, diary: Diary, samples: Sequence[Sample]) -> dict[str, Any]:
    begin = span.begin + min(SETTLED, (span.end - span.begin) / 4)
    seconds = [diary.at(number) for number in range(int(span.begin), int(span.end))]
    inside = [sample for sample in samples if begin <= sample.time <= span.end + 0.5]
    cpu = 0.0
    if len(inside) > 1:
        cpu = (inside[-1].cpu - inside[0].cpu) / (inside[-1].time - inside[0].time)
    return {
        "name": span.name,
        "seconds": phase.seconds,
        "rate": phase.rate,
        "offered": sum(second.offered for second in seconds) / (span.end - span.begin),
        "accepted": diary.rate(begin, span.end),
        "refused": sum(second.refused for second in seconds) / (span.end - span.begin),
        "generator_cpu": sum(second.cpu for second in seconds) / (span.end - span.begin),
        "door_cpu": cpu,
        **_shares(diary.waits(begin, span.end)),
    }


def _shares(waits: Sequence[float]) -> dict[str, float]:
    return {name: percentile(waits, share) for name, share in SHARES.items()}
