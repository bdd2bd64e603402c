"""
The runs of `make bench-crowd`, in the order of their weight: what each asks, and who arrives.

All but the ramps are measured against the capacity that a ramp found.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.crowd import limits
from bench.crowd.book import Book, ramp_name
from bench.crowd.figures import Figures
from bench.crowd.fill import fill
from bench.crowd.office import BUILD, POSTGRES, SQLITE, Doorway
from bench.crowd.phases import Phase
from bench.crowd.pool import POOL, SEALED, Pool
from bench.crowd.reading import read_meanwhile
from bench.crowd.run import Run, check_room, measure

WORKERS = os.cpu_count() or 1
PROBE_SECONDS = 8.0
PROBE_RATES = {"door": 4_000.0, "bare": 12_000.0}
STEPS = (0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.6)  # of what the probe found
STEP_SECONDS = 11.0
ATTEMPTS = 4
ALL = 0.95  # of what is offered, which is as good as all of it
ONE_GENERATOR = 8_000.0  # arrivals a second; more come in two processes
TEN_FOLD = 10.0
SERVICE_SHARE = 0.6  # of the capacity that the door has alone
SERVICE_TICK = 30.0  # seconds between two records, which take 65,536 events at most
SQUALLS = (2, 3, 5)  # times the capacity
COME_BACK = (
    0.02  # of those who arrive in the storm; all of them would be there for ten minutes more
)
WILL_WORK = 0.1  # of those who arrive while work is asked: their solvers share the two cores
SLOW_PEOPLE = 1000
LOG_RECORDS = 300  # more than one full tile


@dataclass(frozen=True)
class Options:
    """
    What may be chosen.

    Attributes:
        capacity: Taken instead of what a ramp found, if it is not 0.
        scale: Makes all but the long run so much shorter.
    """

    workers: int = WORKERS
    database: str = SQLITE
    minutes: float = 10.0
    capacity: float = 0.0
    scale: float = 1.0
    pool: Path = POOL
    sealed: int = SEALED


@dataclass(frozen=True)
class Session:
    """One call of the bench: what was chosen, and the book that it writes."""

    options: Options
    book: Book
    tell: Callable[[Figures], None]

    @property
    def doorway(self) -> Doorway:
        """The door of most runs."""
        return Doorway("door", self.options.workers, self.options.database)

    @property
    def capacity(self) -> float:
        """What the door takes a second, at most."""
        found = self.options.capacity or self.book.capacity(
            "door", self.options.workers, self.options.database
        )
        if not found:
            raise SystemExit("no capacity is known: let the run `ramp` go first, or --capacity N")
        return found

    def measure(self, run: Run, petitions: float) -> Figures:
        """Carry out one run that may take so many petitions, and keep its figures."""
        if run.doorway.mode == "door":
            check_room(petitions)
        fill(self.options.sealed, self.options.pool, int(petitions))
        figures = self.book.keep(measure(run, self.options.pool))
        self.tell(figures)
        return figures

    def seconds(self, count: float) -> float:
        """Return how long something takes in this session."""
        return max(1.0, count * self.options.scale)


def machine(session: Session) -> None:
    """What the machine itself can do."""
    session.book.machine["limits"] = limits.measure(BUILD)
    session.book.save()


def ramp(session: Session) -> None:
    """The most that is accepted a second over ten seconds: all of the door, and the bare one."""
    whole = session.doorway
    find_capacity(session, whole)
    find_capacity(session, replace(whole, mode="bare", workers=0))
    if whole.workers > 1:
        find_capacity(session, replace(whole, workers=1))


def find_capacity(session: Session, doorway: Doorway) -> Figures:
    """Look roughly where the capacity is, and then closely."""
    name = ramp_name(doorway.mode, doorway.workers, doorway.database)
    top = PROBE_RATES[doorway.mode]
    rise = [Phase("rise", PROBE_SECONDS, top / 20, until=top)]
    probe = Run("probe", "a rough look", doorway, rise, drain=0.0)
    fill(session.options.sealed, session.options.pool)
    rough = max(measure(probe, session.options.pool).series["accepted"])
    for _ in range(ATTEMPTS):
        figures = _climb(session, name, doorway, rough)
        highest = max(figures.steps, key=lambda step: float(step["offered"]))
        if highest["accepted"] < ALL * highest["offered"]:
            break
        rough *= 2  # it took all that came: there is more in it
    return figures


def _climb(session: Session, name: str, doorway: Doorway, rough: float) -> Figures:
    """Let more and more people arrive, from less than a rough capacity to more."""
    long = session.seconds(STEP_SECONDS)
    steps = [Phase(f"{share:g}", long, share * rough) for share in STEPS]
    steps.append(Phase("back", long, rough / 2))
    how = f"{', '.join(f'{step.rate:,.0f}' for step in steps)} a second, {long:.0f} s each"
    petitions = rough * long * len(steps) if doorway.mode == "door" else 0.0
    return session.measure(Run(name, how, doorway, steps), petitions)


def eighty(session: Session) -> None:
    """How long people wait at four fifths of the capacity."""
    rate = 0.8 * session.capacity
    seconds = session.seconds(60)
    run = Run("eighty", f"{rate:,.0f} a second", session.doorway, [Phase("calm", seconds, rate)])
    session.measure(run, 1.1 * rate * seconds)


def service(session: Session) -> None:
    """How long people wait beside a sequencer, which takes its part of the same cores and disk."""
    rate, seconds = SERVICE_SHARE * session.capacity, session.seconds(130)
    tick = session.seconds(SERVICE_TICK)
    doorway = replace(session.doorway, tick=tick)
    how = f"{rate:,.0f} a second, and a record each {tick:g} s"
    run = Run("service", how, doorway, [Phase("calm", seconds, rate)])
    session.measure(run, 1.1 * rate * seconds)


def storm(session: Session) -> None:
    """Ten times the capacity for a minute, and back; most of them do not come again."""
    _blow(session, "storm", TEN_FOLD, session.seconds(60), session.seconds(40))


def squalls(session: Session) -> None:
    """The same with smaller crowds, for a shorter time: how many are too many."""
    for fold in SQUALLS:
        _blow(session, f"squall-{fold}", fold, session.seconds(20), session.seconds(15))


def _blow(session: Session, name: str, fold: float, seconds: float, after: float) -> None:
    """Let so many times the capacity come for some seconds; most of them do not come again."""
    capacity = session.capacity
    top = fold * capacity
    phases = [
        Phase("before", session.seconds(10), capacity / 2),
        Phase("rise", session.seconds(5), capacity / 2, COME_BACK, until=top),
        Phase("storm", seconds, top, COME_BACK),
        Phase("after", after, capacity / 2),
    ]
    how = f"{top:,.0f} a second for {seconds:.0f} s, {COME_BACK:.0%} of them come back when told"
    run = Run(name, how, session.doorway, phases, generators=1 + (top > ONE_GENERATOR))
    session.measure(run, 3 * capacity * seconds)


def everyone(session: Session) -> None:
    """Three times the capacity, and everybody comes back until she is in."""
    capacity = session.capacity
    phases = [
        Phase("before", session.seconds(5), capacity / 2),
        Phase("storm", session.seconds(15), 3 * capacity),
        Phase("after", session.seconds(55), 0.3 * capacity),
    ]
    how = f"{3 * capacity:,.0f} a second for {phases[1].seconds:.0f} s, all come back when told"
    petitions = 1.1 * sum(phase.arrivals for phase in phases)
    session.measure(Run("everyone", how, session.doorway, phases, drain=60.0), petitions)


def puzzle(session: Session) -> None:
    """As the storm, with work asked of everybody, which the petitioner's own solver does."""
    capacity = session.capacity
    doorway = replace(session.doorway, settings='puzzle = "auto"\n')
    phases = [
        Phase("before", session.seconds(5), capacity / 2),
        Phase("storm", session.seconds(30), 3 * capacity, WILL_WORK),
        Phase("after", session.seconds(40), capacity / 2, WILL_WORK),
    ]
    how = f"{3 * capacity:,.0f} a second, {WILL_WORK:.0%} of them solve puzzles on the same cores"
    petitions = 1.1 * sum(phase.arrivals for phase in phases)
    session.measure(Run("puzzle", how, doorway, phases, solves=True), petitions)


def slow(session: Session) -> None:
    """Four fifths of the capacity between a thousand people who trickle."""
    rate, seconds = 0.8 * session.capacity, session.seconds(40)
    how = f"{rate:,.0f} a second between {SLOW_PEOPLE:,} who trickle"
    phases = [Phase("calm", seconds, rate)]
    run = Run("slow", how, session.doorway, phases, slow_people=SLOW_PEOPLE)
    session.measure(run, 1.1 * rate * seconds)


def postgres(session: Session) -> None:
    """The same door on PostgreSQL: its capacity, and the waiting at four fifths of it."""
    doorway = replace(session.doorway, database=POSTGRES)
    rate = 0.8 * find_capacity(session, doorway).capacity
    seconds = session.seconds(30)
    phases = [Phase("calm", seconds, rate)]
    run = Run("eighty-postgres", f"{rate:,.0f} a second", doorway, phases)
    session.measure(run, 1.1 * rate * seconds)


def reads(session: Session) -> None:
    """Public files a second: while nothing else goes on, and while intake is more than full."""
    records = max(2, int(LOG_RECORDS * session.options.scale))
    doorway = replace(session.doorway, records=records)
    seconds = session.seconds(10)
    fill(session.options.sealed, session.options.pool)
    pool = session.options.pool
    room = len(Pool(pool)) / (seconds + 4)
    for name, share in (("idle", 0.0), ("intake at capacity", 1.0), ("intake over-full", 2.0)):
        rate = min(share * session.capacity, room) if share else 0.0
        session.book.reads[name] = read_meanwhile(doorway, pool, rate, seconds)
        session.book.save()


def long(session: Session) -> None:
    """Ten minutes at capacity, to see whether anything grows."""
    rate, seconds = session.capacity, 60 * session.options.minutes
    how = f"{rate:,.0f} a second for {session.options.minutes:g} minutes"
    run = Run("long", how, session.doorway, [Phase("full", seconds, rate)])
    session.measure(run, 1.05 * rate * seconds)


RUNS: dict[str, Callable[[Session], None]] = {
    task.__name__: task
    for task in (
        machine,
        ramp,
        eighty,
        service,
        storm,
        squalls,
        reads,
        postgres,
        everyone,
        slow,
        puzzle,
        long,
    )
}
