"""An empty office for one run, its door in processes of its own, on either database."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.crowd.serve import AT_ONCE, GAUGE
from bench.growth.space import allocated
from dengwen_vault.settings import SEALED_FOLDER
from tests.conftest import NO_POSTGRES, find_postgres, run_postgres
from tests.vault.office import VaultOffice

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
HOST = "127.0.0.1"
SQLITE, POSTGRES = "sqlite", "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 120.0
BETWEEN = 0.05  # seconds, so that one worker does not get what two are to have


@dataclass(frozen=True)
class OpenOffice:
    """
    An office whose door is open.

    Attributes:
        pids: The process of the door, and those of the database and the sequencer if there are.
        shut: Ends the door, while the office stays.
    """

    office: VaultOffice
    port: int
    pids: list[int]
    shut: Callable[[], None]

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self.office.folder

    @property
    def stored(self) -> int:
        """
        How many bytes the database holds: with its log, and with segments, if they are beside it.

        A segment counts with all that the disk keeps for it, be its slots still free.
        """
        if self.office.vault.store.is_sqlite:
            database = sum(path.stat().st_size for path in self.folder.glob("vault.sqlite3*"))
            return database + allocated((self.folder / SEALED_FOLDER).glob("*"))
        with self.office.vault.store.reading() as connection:
            size = connection.exec_driver_sql("SELECT pg_database_size(current_database())")
            return int(size.scalar_one())

    def gauge(self, start: float) -> list[tuple[str, float, int]]:
        """Return what the door's line wrote down: what, seconds since *start*, how many."""
        path = self.folder / GAUGE
        lines = path.read_text("ascii").splitlines() if path.exists() else []
        entries = (line.split() for line in lines)
        return [(what, float(time) - start, int(count)) for what, time, count in entries]


@dataclass(frozen=True)
class Doorway:
    """
    How a door is opened: mode and workers of `bench.crowd.serve`, and its settings.

    Attributes:
        records: Records of its log at the beginning.
        tick: Seconds between two records while it is open; without it none is made.
    """

    mode: str = "door"
    workers: int = 1
    database: str = SQLITE
    settings: str = 'puzzle = "off"\n'
    records: int = 1
    tick: float = 0.0


@contextlib.contextmanager
def open_office(doorway: Doorway) -> Iterator[OpenOffice]:
    """Make an office and open its door; all of it is gone in the end."""
    BUILD.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=BUILD) as name,
        _database(doorway.database, Path(name)) as (url, servers),
    ):
        office = VaultOffice(Path(name), url)
        try:
            office.tick(doorway.records)
            (office.folder / "door.toml").write_text(doorway.settings, encoding="utf-8")
            with contextlib.ExitStack() as door:
                pid, port = door.enter_context(_door(office.folder, doorway))
                _wait_for_workers(port, doorway.workers)
                pids = [pid, *servers]
                if doorway.tick:
                    pids.append(door.enter_context(sequencer(office.folder, doorway.tick)))
                yield OpenOffice(office, port, pids, door.close)
        finally:
            office.close()


@contextlib.contextmanager
def _database(kind: str, folder: Path) -> Iterator[tuple[str, list[int]]]:
    if kind == SQLITE:
        yield f"sqlite:///{folder / 'office' / 'vault.sqlite3'}", []
        return
    binaries = find_postgres()
    if binaries is None:
        raise SystemExit(NO_POSTGRES)
    with run_postgres(binaries) as url:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            where = connection.execute("SHOW data_directory").fetchone()
        if where is None:
            raise AssertionError("internal error: a server without a folder")
        yield url, [int((Path(where[0]) / "postmaster.pid").read_text("ascii").split()[0])]


@contextlib.contextmanager
def _door(folder: Path, doorway: Doorway) -> Iterator[tuple[int, int]]:
    """Give the process id and the port."""
    how = (str(doorway.workers), AT_ONCE if doorway.tick else doorway.mode)
    command = [sys.executable, "-m", "bench.crowd.serve", str(folder), *how]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise AssertionError("internal error: no pipe")
        port = int(process.stdout.readline())
        try:
            yield process.pid, port
        finally:
            process.terminate()
            code = process.wait(STOP_SECONDS)
        if code != 0:
            raise SystemExit("the door did not end well")


@contextlib.contextmanager
def sequencer(folder: Path, tick: float) -> Iterator[int]:
    """Let records be made beside the door; give the process id."""
    command = [sys.executable, "-m", "bench.crowd.sequence", str(folder), str(tick)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise AssertionError("internal error: no pipe")
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.terminate()
            code = process.wait(STOP_SECONDS)
    if code != 0:
        raise SystemExit("the sequencer did not end well")


def _wait_for_workers(port: int, count: int) -> None:
    """Send each worker something that it refuses, and wait until all have answered."""
    with contextlib.ExitStack() as stack:
        lines = []
        for _ in range(count):
            line = stack.enter_context(socket.create_connection((HOST, port), START_SECONDS))
            line.sendall(b"POST /v1/petitions HTTP/1.1\r\nHost: door\r\nContent-Length: 1\r\n\r\nx")
            lines.append(line)
            time.sleep(BETWEEN)
        for line in lines:
            line.recv(1)
