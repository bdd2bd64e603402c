"""
An office on several machines with one PostgreSQL: four doors behind a balancer, two sequencers.

Each machine has a data folder of its own, made as an operator makes it: settings and intake key are
copied, the log key only to the second machine. Nothing else is shared but the database.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.office import TICK
from tests.faults.storm import Storm
from tests.patience import PATIENCE
from tests.servers import servers

MACHINES = 4
PETITIONERS = 8
SEQUENCERS = ("sequencer", "sequencer@2")
DOORS = ("door", "door@2", "door@3", "door@4")
WORKS, WAITS = "The log grows", "this one waits"


@dataclass
class Several:
    """A *storm* over four machines."""

    storm: Storm

    @property
    def at_work(self) -> str:
        """Which sequencer makes records now."""
        for name in SEQUENCERS:
            said = self.storm.house.said(name)
            if self.storm.house.is_alive(name) and said.rfind(WORKS) > said.rfind(WAITS):
                return name
        raise AssertionError("no sequencer is at work")

    def settle(self) -> None:
        """Wait until one sequencer is at work, and the other one waits."""
        deadline = time.monotonic() + PATIENCE
        for name in SEQUENCERS:
            while not any(word in self.storm.house.said(name) for word in (WORKS, WAITS)):
                assert time.monotonic() < deadline, self.storm.house.log(name)
                time.sleep(0.05)
        self.storm.grow(1)

    def pace(self, records: int = 3) -> float:
        """Return how many ticks a record takes on this machine: one, or more if it is slow."""
        self.storm.grow(1)  # begin at a record
        begun = time.monotonic()
        self.storm.grow(records)
        return max(1.0, (time.monotonic() - begun) / records / TICK)

    def lose_sequencer(self) -> float:
        """Kill the sequencer at work for good; return how many ticks passed without a record."""
        storm, name = self.storm, self.at_work
        storm.grow(1)  # begin at a record
        size, last = storm.size, time.monotonic()
        storm.house.down(name)
        while storm.size == size:
            assert time.monotonic() < last + PATIENCE, [storm.house.log(n) for n in SEQUENCERS]
            time.sleep(0.01)
        return max(0.0, (time.monotonic() - last) / TICK - 1)

    def all_show(self, size: int) -> None:
        """Wait until every machine shows a public log of at least this size."""
        deadline = time.monotonic() + PATIENCE
        for vault in self.storm.house.office.vaults:
            while self.storm.watch.look_at(vault / "public", vault.name) < size:
                assert time.monotonic() < deadline, f"{vault.name} does not follow"
                time.sleep(0.05)


@contextmanager
def several_machines(folder: Path, seed: int) -> Iterator[Several]:
    """Give an office under load on several machines."""
    with servers() as place:
        url = f"postgresql:{place.primary('a', max_connections='300').address}"
        storm = Storm(folder, seed, url, machines=MACHINES, petitioners=PETITIONERS)
        with storm:
            yield Several(storm)
