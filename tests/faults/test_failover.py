"""The short form of a failover: the primary is killed under load, and the standby is promoted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.pair import Pair, pair_under_load

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Give an office under load on two servers."""
    with pair_under_load(tmp_path_factory.mktemp("house"), seed=10) as found:
        yield found


def test_a_promoted_standby_has_everything_that_was_acknowledged(pair: Pair) -> None:
    """The office goes on by itself: it finds the server that writes by a URL with both."""
    pair.storm.load.go()
    pair.storm.grow(2)
    accepted = len(pair.storm.load.accepted)
    pair.crash()
    pair.fail_over()
    pair.storm.grow(2)
    pair.storm.judge.judge(finally_=True)
    assert len(pair.storm.load.accepted) > accepted > 0
    pair.only_the_sequencer_ended()
