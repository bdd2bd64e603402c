"""
The crowd in processes of its own, so that whoever measures does not hinder it.

Several of them share the arrivals and the pool: each sends its part of the petitions at its part of
the rate.
"""

from __future__ import annotations

import gc
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path

from bench.crowd.diary import Diary, merge
from bench.crowd.generator import DRAIN_SECONDS, Crowd
from bench.crowd.phases import Phase
from bench.crowd.pool import Pool
from bench.crowd.solvers import Solvers

HEAD_START = 0.2  # seconds from when all are ready
SAMPLE_SECONDS = 1.0
_RECORD = struct.Struct(">IH")
_starting: list[tuple[Semaphore, Event, Synchronized[float]]] = []  # one, in a process of a crowd


@dataclass(frozen=True)
class Outing:
    """
    One crowd that comes to one door.

    Attributes:
        answers: The file that takes the acceptances.
        generators: How many processes it comes in.
        solves: Its devices can solve puzzles.
        reuse: The door only answers, and may see a petition again.
        drain: For how many seconds after the last arrival it is waited for those who come back.
    """

    address: tuple[str, int]
    pool: Path
    phases: Sequence[Phase]
    answers: Path
    generators: int = 1
    solves: bool = False
    drain: float = DRAIN_SECONDS
    reuse: bool = False

    def part(self, number: int) -> Outing:
        """Return what one of the processes does."""
        phases = [phase.share(self.generators) for phase in self.phases]
        return replace(self, phases=phases, answers=self.part_file(number))

    def part_file(self, number: int) -> Path:
        """Name the file of one process's acceptances."""
        return self.answers.with_name(f"{self.answers.name}-{number}")


def let_come(outing: Outing, sample: Callable[[float], object]) -> Diary:
    """
    Let the crowd come, and return what it saw.

    Args:
        sample: Called each second with the seconds since the start, from the start on.
    """
    context = get_context("spawn")
    ready, go, begin = context.Semaphore(0), context.Event(), context.Value("d")
    processes = ProcessPoolExecutor(
        outing.generators, context, initializer=_hold, initargs=(ready, go, begin)
    )
    with processes:
        parts = range(outing.generators)
        tasks = [processes.submit(_come, outing.part(number), number) for number in parts]
        for _ in parts:
            while not ready.acquire(timeout=SAMPLE_SECONDS):
                _raise_failures(tasks)
        due = start = begin.value = time.perf_counter() + HEAD_START
        go.set()
        while wait(tasks, max(0.0, due - time.perf_counter())).not_done:
            sample(time.perf_counter() - start)
            due += SAMPLE_SECONDS
        return merge(task.result() for task in tasks)


def _raise_failures(tasks: Sequence[Future[Diary]]) -> None:
    for task in tasks:
        if task.done():
            task.result()


def acceptances(outing: Outing) -> Iterator[tuple[int, bytes]]:
    """Give the number of each accepted petition, and the acceptance."""
    for number in range(outing.generators):
        with outing.part_file(number).open("rb") as file:
            while head := file.read(_RECORD.size):
                petition, length = _RECORD.unpack(head)
                yield petition, file.read(length)


def _hold(ready: Semaphore, go: Event, begin: Synchronized[float]) -> None:
    """Keep what the processes tell one another by: all are to begin at one time."""
    _starting[:] = [(ready, go, begin)]


def _wait_for_start() -> float:
    ((ready, go, begin),) = _starting
    ready.release()
    go.wait()
    return begin.value


def _come(outing: Outing, number: int) -> Diary:
    pool = Pool(outing.pool)
    solvers = Solvers() if outing.solves else None
    with outing.answers.open("wb", 1 << 20) as file:

        def keep(petition: int, acceptance: bytes) -> None:
            file.write(_RECORD.pack(petition, len(acceptance)) + acceptance)

        crowd = Crowd(
            outing.address,
            pool,
            numbers=range(number, len(pool), outing.generators),
            keep=keep,
            solvers=solvers,
            drain=outing.drain,
            reuse=outing.reuse,
        )
        gc.disable()  # nothing here goes in circles, and a pause would be the door's delay
        crowd.run(outing.phases, seed=number + 1, start=_wait_for_start())
    if solvers is not None:
        solvers.close()
    return crowd.diary
