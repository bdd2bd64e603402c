"""Several machines on one PostgreSQL: sequencers that succeed each other, and that race."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.launch import Faults
from tests.faults.several import SEQUENCERS, WORKS, Several, several_machines
from tests.patience import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
KILLS = 60
TIMES = 6
MOST = 15  # times as long as a record takes, until the next sequencer has made one
RACE_SECONDS = 12.0
LOST = "another sequencer has"  # made this record, begun it, or gone on meanwhile


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    """Give an office under load on four machines."""
    with several_machines(tmp_path_factory.mktemp("house"), seed=13) as found:
        yield found


def test_sequencers_succeed_each_other(
    several: Several, record_property: Callable[[str, object], None]
) -> None:
    """Back and forth, each time with little time lost, and nothing else."""
    storm = several.storm
    ticks, paces = [], []
    for _ in range(TIMES):
        storm.load.go()
        several.settle()
        first = several.at_work
        paces.append(several.pace(1))
        ticks.append(several.lose_sequencer())
        storm.grow(1)
        storm.house.up(first)
        several.all_show(storm.size + 1)
    storm.judge.judge()
    assert not storm.house.ended
    told = ", ".join(f"{count:.1f}" for count in sorted(ticks))
    record_property("ticks without a record after a sequencer's end", told)
    late = [count for count, pace in zip(ticks, paces, strict=True) if count > MOST * pace]
    assert not late, told


def test_kills_on_several_machines_lose_nothing(several: Several) -> None:
    """The storm is the same, over thirteen processes."""
    several.storm.blow(KILLS)


def test_two_sequencers_at_work_make_one_history(several: Several) -> None:
    """
    The place is an economy: without it they race for each record, and no size has two roots.

    Whoever is overtaken, by whichever step, says so and ends.
    """
    storm = several.storm
    storm.load.go()
    several.settle()
    (other,) = set(SEQUENCERS) - {several.at_work}
    before = {name: len(storm.house.said(name)) for name in SEQUENCERS}
    until = time.monotonic() + RACE_SECONDS

    def raced() -> bool:
        said = {name: storm.house.said(name)[before[name] :] for name in SEQUENCERS}
        if not storm.house.is_alive(other) or WORKS not in said[other]:
            storm.house.kill(other, Faults(unelected=True, hurried=True))
        is_lost = any(LOST in words for words in said.values())
        return WORKS in said[other] and is_lost and time.monotonic() >= until

    wait_until(raced, lambda: storm.house.log(other), pause=0.5)
    storm.house.kill(other)
    assert {name for name, _ in storm.house.ended} <= set(SEQUENCERS)
    storm.house.ended.clear()
    storm.judge.judge(finally_=True)
