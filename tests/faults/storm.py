"""
The storm: processes are killed at random moments and at named steps, in rounds, under load.

What happens follows from the seed as far as one machine can repeat itself: who is killed, at which
step, and after how long follow from it; where the process stands at that moment does not.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from dengwen_vault.settings import NONE
from dengwen_vault.setup import SQLITE_URL
from tests.faults.house import House
from tests.faults.judge import Judge
from tests.faults.launch import NO_FAULTS, SEQUENCER_STEPS, STEPS, Faults
from tests.faults.load import PETITIONERS, Load
from tests.faults.watch import Watch
from tests.patience import PATIENCE, wait_until
from tests.town_people import MIRROR

STILL = 6.0  # seconds: longer than a round of witnesses
LONGEST_PAUSE = 0.4  # seconds between two kills
NAMED = 0.4  # share of the kills that let the next process die at a named step
POWER_CUT = 0.05  # share of the kills that hit everything of the operator's at once
OPERATORS = ("door", "desk", "sequencer")


@dataclass
class Storm:
    """An office under load, and what befalls it."""

    folder: Path
    seed: int
    database: str = SQLITE_URL
    replication: str = NONE
    machines: int = 1
    spares_mirror: bool = False
    petitioners: int = PETITIONERS
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Make the office and start everything."""
        self.chance = random.Random(self.seed)
        self.house = House(
            self.folder,
            self.database,
            self.replication,
            self.machines,
            spares_mirror=self.spares_mirror,
        )
        self.load = Load(self.house.office, self.seed, petitioners=self.petitioners)
        self.watch = Watch(self.house.office)
        self.judge = Judge(self.house, self.load, self.watch)
        self.house.up()
        self.house.wait()
        self.wait_for_size(1)
        self.load.go()

    def wait_for_size(self, size: int, seconds: float = PATIENCE) -> None:
        """Wait until the public log has so many records."""
        self.wait_until(lambda: self.size >= size, "the log does not grow", seconds)

    def wait_until(
        self, is_so: Callable[[], object], otherwise: str, seconds: float = PATIENCE
    ) -> None:
        """Wait until something is true."""
        wait_until(is_so, lambda: f"{otherwise}:\n{self.state}", pause=0.05, seconds=seconds)

    def stands_still(self, what: Callable[[], object], seconds: float = STILL) -> None:
        """Wait until something no longer changes, for a while: what was begun before is done."""
        before, since = what(), time.monotonic()
        deadline = since + PATIENCE
        while time.monotonic() < since + seconds:
            assert time.monotonic() < deadline, "it goes on"
            time.sleep(0.05)
            if what() != before:
                before, since = what(), time.monotonic()

    @property
    def state(self) -> str:
        """What somebody wants to know who waited for something in vain."""
        load, house = self.load, self.house
        said = "\n".join(f"{name}:\n{house.log(name)[-1000:]}" for name in OPERATORS)
        fates = f"killed: {dict(house.kills)}, ended: {house.ended}"
        return f"{load.state}, size {self.size}, {fates}\n{said}"

    @property
    def acknowledged(self) -> tuple[int, int]:
        """How many petitions the door has signed for, and how many requests the desk took."""
        return len(self.load.accepted), len(self.load.asked)

    def begin_anew(self) -> None:
        """Start again what a test before left down or changed, also one that failed."""
        self.load.clock = time.time
        if self.house.clocks or self.house.preload:
            self.house.clocks, self.house.preload = {}, ""
            self.house.down()
        self.house.up()
        self.house.wait()
        self.house.ended.clear()

    def grow(self, records: int = 2) -> None:
        """Let the public log grow by some records."""
        self.wait_for_size(self.size + records)

    @property
    def size(self) -> int:
        """The largest size that was ever public."""
        return max((size for size, _ in list(self.watch.seen)), default=0)

    @property
    def kills(self) -> int:
        """How many processes were killed, at random moments and at named steps."""
        return sum(self.house.kills.values())

    def blow(self, kills: int) -> None:
        """Kill so many processes, then come to rest and be judged."""
        self.load.go()
        goal = self.kills + kills
        while self.kills < goal:
            time.sleep(self.chance.uniform(0.01, LONGEST_PAUSE))
            if self.chance.random() < POWER_CUT:
                for name in OPERATORS:
                    self.house.kill(name)
            elif not self.house.is_doomed(
                name := self.chance.choice((*self.house.names, "sequencer"))
            ):
                self._kill(name)
        self.judge.judge()
        assert not self.house.ended, f"ended by themselves: {self.house.ended}"

    def _kill(self, name: str) -> None:
        named = self.chance.random() < NAMED
        steps = steps_of(name)
        count = 1 + self.chance.randrange(2)
        then = Faults(die_at=self.chance.choice(steps), die_count=count) if named else NO_FAULTS
        self.house.kill(name, then)

    def close(self) -> None:
        """End everything."""
        self.load.close()
        self.watch.close()
        self.judge.close()
        self.house.close()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self.close()


def steps_of(name: str) -> list[str]:
    """Return the named steps at which a process can be made to die."""
    name = name.partition("@")[0]
    kinds = {
        "sequencer": ("tick", "tiles"),
        "follower": ("tiles",),
        MIRROR: ("mirror", "witness"),
    }
    wanted = kinds.get(name, (name,) if name in OPERATORS else ("gatekeeper", "witness"))
    found = [step for step in STEPS if step.partition(".")[0] in wanted]
    return [*SEQUENCER_STEPS, *found] if name == "sequencer" else found
