"""The same office on PostgreSQL, whose server crashes and whose connections are cut, under load."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from tests.faults.storm import Storm
from tests.servers import Server, servers

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
CUTS = 8
CRASHES = 4
KILLS = 40


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a PostgreSQL server with `fsync` as a server has it."""
    with servers() as place:
        yield place.primary("a")


@pytest.fixture(scope="module")
def storm(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """Give an office on PostgreSQL, under load."""
    folder = tmp_path_factory.mktemp("house")
    with Storm(folder, seed=9, database=f"postgresql+psycopg:{server.address}") as running:
        yield running


def _only_the_sequencer_ended(storm: Storm) -> None:
    assert {name for name, _ in storm.house.ended} <= {"sequencer"}, storm.house.ended
    storm.house.ended.clear()


def test_connections_that_are_cut_lose_nothing(storm: Storm, server: Server) -> None:
    """Whoever meets a dead connection says so or tries again; nothing is accepted and lost."""
    storm.load.go()
    cut = 0
    for _ in range(CUTS):
        time.sleep(storm.chance.uniform(0.2, 1))
        cut += server.cut()
    assert cut >= CUTS
    storm.grow(2)
    storm.judge.judge()
    _only_the_sequencer_ended(storm)


def test_a_server_that_crashes_loses_nothing(storm: Storm, server: Server) -> None:
    """It recovers from its own log, and the office goes on without anybody's help."""
    storm.load.go()
    for _ in range(CRASHES):
        time.sleep(storm.chance.uniform(0.5, 1.5))
        server.stop(signal.SIGQUIT)
        time.sleep(storm.chance.uniform(0.1, 1))
        server.start()
    storm.grow(2)
    storm.judge.judge()
    _only_the_sequencer_ended(storm)


def test_kills_on_postgres_lose_nothing(storm: Storm) -> None:
    """The storm is the same."""
    storm.blow(KILLS)
    storm.judge.judge(finally_=True)
