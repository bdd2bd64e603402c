"""The same office on PostgreSQL, whose server crashes and whose connections are cut, under load."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests import conftest
from tests.faults.storm import Storm

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
CUTS = 8
CRASHES = 4
KILLS = 40
EVERYBODY = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@dataclass
class Server:
    """A PostgreSQL server of our own that can crash and come back."""

    binaries: Path
    folder: Path
    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where clients find the database."""
        return f"//{conftest.OWNER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers; after a crash it recovers first."""
        place = ("-D", str(self.data), "-k", str(self.folder), "-h", "127.0.0.1")
        command = [str(self.binaries / "postgres"), *place, "-p", str(self.port)]
        self.process = conftest._start(command, self.folder, self.folder / "log")
        assert conftest._is_up(self.process, self.port)

    def stop(self, how: signal.Signals) -> None:
        """End it: SIGINT in order, SIGQUIT as a crash of the server."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()

    def cut(self) -> int:
        """Cut every connection; return how many there were."""
        with psycopg.connect(f"postgresql:{self.address}", autocommit=True) as connection:
            row = connection.execute(EVERYBODY).fetchone()
        return row[0] if row else 0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a PostgreSQL server with `fsync` as a server has it."""
    binaries = conftest.find_postgres()
    if binaries is None:
        pytest.skip(conftest.NO_POSTGRES)
    folder = Path(tempfile.mkdtemp(prefix="dengwen-postgres-"))
    data = conftest._make_cluster(binaries, folder, folder / "log")
    server = Server(binaries, folder, data, conftest._free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop(signal.SIGINT)
        shutil.rmtree(folder)


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
