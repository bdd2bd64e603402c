"""Failover to a synchronous standby, back and forth, under load and among kills."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.pair import Pair, pair_under_load
from tests.faults.storm import OPERATORS

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
TIMES = 3
KILLS = 20


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Give an office under load on two servers."""
    with pair_under_load(tmp_path_factory.mktemp("house"), seed=11) as found:
        yield found


@pytest.mark.parametrize("lose", [Pair.crash, Pair.stop, Pair.cut_off, Pair.cancel])
def test_failovers_lose_nothing(pair: Pair, lose: Callable[[Pair], None]) -> None:
    """However the primary is lost, and however often; nobody helps the office's processes."""
    storm = pair.storm
    storm.load.go()
    for _ in range(TIMES):
        storm.grow(1)
        time.sleep(storm.chance.uniform(0, 1))
        lose(pair)
        pair.fail_over()
    storm.grow(2)
    storm.judge.judge()
    pair.only_the_sequencer_ended()


def test_kills_around_a_failover_lose_nothing(pair: Pair) -> None:
    """The office's own processes die while its database moves."""
    storm = pair.storm
    storm.load.go()
    for _ in range(TIMES):
        storm.grow(1)
        pair.crash()
        for name in OPERATORS:
            storm.house.kill(name)
        pair.fail_over()
        for name in OPERATORS:
            time.sleep(storm.chance.uniform(0, 0.5))
            storm.house.kill(name)
    storm.grow(2)
    pair.only_the_sequencer_ended()  # while its database moved; in what follows nobody may
    storm.blow(KILLS)


def test_an_old_primary_that_comes_back_acknowledges_nothing(pair: Pair) -> None:
    """
    The fencing rule is broken: it runs again beside the new one, and stands first in the URL.

    Whoever finds it waits; when it is gone, all go on by themselves.
    """
    storm = pair.storm
    if pair.primary.name != "a":  # which the URL names first
        pair.crash()
        pair.fail_over()
    storm.load.go()
    storm.grow(2)
    old = pair.primary
    pair.crash()
    pair.standby.promote()
    old.start()
    for name in OPERATORS:  # what starts now finds the old one first
        storm.house.kill(name)
    old.wait_for("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    storm.stands_still(lambda: (storm.acknowledged, storm.size))
    old.stop(signal.SIGKILL)
    pair.primary, pair.standby = pair.standby, old
    pair.place.renew(old, pair.primary)
    storm.grow(2)
    storm.judge.judge(finally_=True)
    pair.only_the_sequencer_ended()
