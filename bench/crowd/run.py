"""One run: an office of its own, its door in processes of its own, a crowd, and the count after."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.crowd.figures import Figures, Observed, add_count, figures_of
from bench.crowd.generator import DRAIN_SECONDS
from bench.crowd.ledger import count
from bench.crowd.office import BUILD, HOST, ROOT, Doorway, open_office
from bench.crowd.phases import Phase
from bench.crowd.pool import Pool
from bench.crowd.visitors import Outing, acceptances, let_come
from bench.crowd.watch import Sample, sample

BYTES_EACH = 48_000  # on disk, for each petition, at most: to know beforehand whether there is room
SPARE_BYTES = 4 << 30


@dataclass(frozen=True)
class Run:
    """What to measure: how the door is opened, and who arrives; *how* says it in words."""

    name: str
    how: str
    doorway: Doorway
    phases: Sequence[Phase]
    generators: int = 1
    solves: bool = False
    drain: float = DRAIN_SECONDS
    slow_people: int = 0


@dataclass
class _Watch:
    """Looks at the door's processes each second."""

    pids: list[int]
    start: float = 0.0
    samples: list[Sample] = field(default_factory=list)

    def __call__(self, passed: float) -> None:
        if not self.samples:
            self.start = time.perf_counter() - passed
        self.samples.append(sample(self.pids, passed))


def measure(run: Run, pool: Path) -> Figures:
    """Make an office, open its door, let the crowd come, and count what is on disk."""
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as name, open_office(run.doorway) as office:
        outing = Outing(
            (HOST, office.port),
            pool,
            run.phases,
            Path(name) / "answers",
            run.generators,
            run.solves,
            run.drain,
            run.doorway.mode == "bare",
        )
        watch = _Watch(office.pids)
        with trickling(office.port, run.slow_people):
            diary = let_come(outing, watch)
        seen = Observed(run.phases, diary, watch.samples, office.gauge(watch.start))
        figures = figures_of(run.name, run.how, seen)
        office.shut()
        if run.doorway.mode == "door":
            written = watch.samples[-1].written - watch.samples[0].written
            counted = count(office.office, Pool(pool), acceptances(outing))
            add_count(figures, counted, office.stored, written)
    return figures


@contextlib.contextmanager
def trickling(port: int, count: int) -> Iterator[None]:
    """Let so many people trickle meanwhile."""
    if not count:
        yield
        return
    command = [sys.executable, "-m", "bench.crowd.trickle", str(port), str(count)]
    with subprocess.Popen(command, cwd=ROOT) as people:
        try:
            yield
        finally:
            people.terminate()


def check_room(petitions: float) -> None:
    """
    Look whether the disk has room for so many petitions.

    Raises:
        SystemExit: If not.
    """
    BUILD.mkdir(exist_ok=True)
    free, needed = shutil.disk_usage(BUILD).free, petitions * BYTES_EACH + SPARE_BYTES
    if free < needed:
        raise SystemExit(
            f"this run needs {needed / 1e9:.0f} GB in build/, and {free / 1e9:.0f} GB are free"
        )
