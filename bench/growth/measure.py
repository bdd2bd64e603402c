"""
Measures offices of several ages side by side: each question to all of them, before the next one.

So the noise of the machine meets all alike, and the ratios hold where the times do not. An office
that is small would grow too much by what it is asked; it is laid back to how it was now and then.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.growth.office import AgedOffice
from bench.growth.petitions import Petitions
from bench.growth.steps import Cost, count_costs
from bench.growth.visit import Question, Stage, look_around, visit
from dengwen_vault.settings import SEALED_FOLDER

LINES = 500  # of the desk's page: as many as the smallest office has
GROUP = 64  # petitions to a commit, as in `dengwen_vault.grouping`
RENEWED_BELOW = 10_000  # cases: a smaller office is laid back
BLOCK = 6  # rounds between, and one before them that only warms up


@dataclass
class Times:
    """What one question took in offices of several ages, in seconds, by cases."""

    wall: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def to_json(self) -> dict[str, dict[str, float]]:
        """Return medians in ms, and what they are of the smallest office's, as texts by cases."""
        kinds = {"ms": self.wall, "cpu ms": self.cpu}
        medians = {
            kind: {str(n): 1000 * statistics.median(by_cases[n]) for n in sorted(by_cases)}
            for kind, by_cases in kinds.items()
        }
        ratios = {f"{kind}, ratio": _ratios(median) for kind, median in medians.items()}
        return (
            medians | ratios | {"p90 ms": {str(n): _p90(self.wall[n]) for n in sorted(self.wall)}}
        )


def _ratios(medians: Mapping[str, float]) -> dict[str, float]:
    first = next(iter(medians.values()))
    return {cases: value / first for cases, value in medians.items()}


def _p90(times: Sequence[float]) -> float:
    return 1000 * sorted(times)[len(times) * 9 // 10]


class Town:
    """
    Offices of several ages.

    Args:
        folder: Holds a folder for each; those that are there are used.
        database: An SQLAlchemy URL in which ``{cases}`` stands for the number.
    """

    def __init__(
        self, folder: Path, database: str, petitions: Petitions, sizes: Sequence[int]
    ) -> None:
        self._folder = folder
        self._database = database
        self._petitions = petitions
        self.sizes = sizes

    def make(self, cases: int) -> float:
        """Make the office of so many *cases* unless it is there; return the seconds it took."""
        begun = time.perf_counter()
        self._open(cases).close()
        if self._is_renewed(cases) and not self._copy(cases).exists():
            shutil.copytree(self.folder(cases), self._copy(cases))
        return time.perf_counter() - begun

    def folder(self, cases: int) -> Path:
        """Return the folder of the office of so many *cases*."""
        return self._folder / str(cases)

    def measure(self, rounds: int) -> dict[str, Times]:
        """Ask everything so many times, in blocks; return what it took, by question."""
        found: dict[str, Times] = defaultdict(Times)
        stages = {cases: self._stage(cases) for cases in self.sizes}
        for block in range(-(-rounds // BLOCK)):
            for cases in self.sizes if block else ():
                if self._is_renewed(cases):
                    stages[cases].__exit__()
                    stages[cases] = self._stage(cases)
                else:
                    stages[cases].warm_up()
            _ask_all(stages, visit, defaultdict(Times), 0)
            for number in range(BLOCK):
                _ask_all(stages, visit, found, number)
        for stage in stages.values():
            stage.__exit__()
        return found

    def measure_cold(self, rounds: int) -> dict[str, Times]:
        """Ask what only reads, each time with nothing of the database in memory."""
        found: dict[str, Times] = defaultdict(Times)
        stages = {cases: self._stage(cases) for cases in self.sizes}
        for number in range(rounds):
            _ask_all(stages, look_around, found, number, _forget)
        for stage in stages.values():
            stage.__exit__()
        return found

    def count(self, rounds: int) -> dict[str, dict[str, Cost]]:
        """Return what each question costs in steps and pages, by cases; SQLite counts."""
        found: dict[str, dict[str, Cost]] = defaultdict(dict)
        for cases in self.sizes:
            stage = self._stage(cases)
            costs = count_costs(stage.vault.store, rounds, partial(visit, stage))
            for name, cost in costs.items():
                found[name][str(cases)] = cost
            stage.__exit__()
        return found

    def _open(self, cases: int) -> AgedOffice:
        url = self._database.format(cases=cases)
        return AgedOffice(self.folder(cases), url, self._petitions, cases)

    def _stage(self, cases: int) -> Stage:
        if self._is_renewed(cases):
            shutil.rmtree(self.folder(cases))
            shutil.copytree(self._copy(cases), self.folder(cases))
        stage = Stage(self._open(cases), LINES, GROUP).__enter__()
        stage.warm_up()
        return stage

    def _copy(self, cases: int) -> Path:
        return self._folder / f"{cases}-as-made"

    def _is_renewed(self, cases: int) -> bool:
        return cases < RENEWED_BELOW and self._database.startswith("sqlite")


def _ask_all(
    stages: Mapping[int, Stage],
    questions: Callable[[Stage], Iterator[Question]],
    found: dict[str, Times],
    number: int,
    before: Callable[[Stage], None] = lambda _: None,
) -> None:
    """
    Put each question to all, in an order that turns from round to round.

    Prepared is in the same order, so that between preparing and asking lies as much for each.
    """
    turn = number % len(stages)
    order = [*stages, *stages][turn : turn + len(stages)]
    for asked in zip(*(questions(stages[cases]) for cases in order), strict=True):
        for cases, question in zip(order, asked, strict=True):
            before(stages[cases])
            wall, cpu = time.perf_counter(), time.process_time()
            question.ask()
            times = found[question.name]
            times.cpu[cases].append(time.process_time() - cpu)
            times.wall[cases].append(time.perf_counter() - wall)


def _forget(stage: Stage) -> None:
    """Let machine and connections forget the database; only SQLite's, which is files."""
    store = stage.vault.store
    store.engine.dispose()
    files = [Path(store.path), Path(store.path + "-wal")]
    for path in (*files, *(stage.vault.settings.folder / SEALED_FOLDER).glob("*")):
        if not path.exists():
            continue
        with path.open("rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
