"""Several machines on one PostgreSQL: sequencers that succeed each other, and that race."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from tests.faults.launch import Faults
from tests.faults.several import SEQUENCERS, WORKS, Several, several_machines

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
KILLS = 60
TIMES = 6
MOST_TICKS = 15  # without a record, of one second each
RACE_SECONDS = 12.0


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    """Give an office under load on four machines."""
    with several_machines(tmp_path_factory.mktemp("house"), seed=13) as found:
        yield found


def test_sequencers_succeed_each_other(
    several: Several, capsys: pytest.CaptureFixture[str]
) -> None:
    """Back and forth, each time with little time lost, and nothing else."""
    storm = several.storm
    ticks = []
    for _ in range(TIMES):
        storm.load.go()
        several.settle()
        first = several.at_work
        ticks.append(several.lose_sequencer())
        storm.grow(1)
        storm.house.up(first)
        several.all_show(storm.size + 1)
    storm.judge.judge()
    assert not storm.house.ended
    with capsys.disabled():
        told = ", ".join(f"{count:.1f}" for count in sorted(ticks))
        sys.stdout.write(f"\nticks without a record after a sequencer's end: {told}\n")
    assert max(ticks) <= MOST_TICKS


def test_kills_on_several_machines_lose_nothing(several: Several) -> None:
    """The storm is the same, over thirteen processes."""
    several.storm.blow(KILLS)


def test_two_sequencers_at_work_make_one_history(several: Several) -> None:
    """The place is an economy: without it they race for each record, and no size has two roots."""
    storm = several.storm
    storm.load.go()
    several.settle()
    (other,) = set(SEQUENCERS) - {several.at_work}
    before = storm.house.said(other).count(WORKS)
    until = time.monotonic() + RACE_SECONDS
    while time.monotonic() < until:
        if not storm.house.is_alive(other) or storm.house.said(other).count(WORKS) == before:
            storm.house.kill(other, Faults(unelected=True))
        time.sleep(0.5)
    said = storm.house.said(other)
    assert said.count(WORKS) > before
    assert "another sequencer" in said.lower()
    storm.house.kill(other)
    assert {name for name, _ in storm.house.ended} <= set(SEQUENCERS)
    storm.house.ended.clear()
    storm.judge.judge(finally_=True)
