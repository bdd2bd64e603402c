"""SQLite's log: copied into the main file while others write, and never so long that it hurts."""

from __future__ import annotations

import errno
import itertools
import os
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from dengwen_vault import database
from dengwen_vault.columns import Base
from dengwen_vault.database import PAGE_SIZE, Store
from dengwen_vault.errors import UnavailableError
from dengwen_vault.models import Cause
from dengwen_vault.sqlite_log import bytes_to_copy
from tests.patience import PATIENCE

NOTE = bytes(9_000)
LONG, SHORT = 400_000, 40_000  # bytes
ENOUGH = 200  # notes: several times as much as a log may be long
A_MOMENT = 0.3  # seconds, in which somebody who need not wait would be done


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Give a database whose log is soon long."""
    monkeypatch.setattr(database, "LOG_SIZE", LONG)
    monkeypatch.setattr(database, "REST_SIZE", SHORT)
    store = Store(f"sqlite:///{tmp_path / 'log.sqlite3'}")
    Base.metadata.create_all(store.engine)
    yield store
    store.close()


def _write(store: Store, number: int) -> None:
    row = {"hash": number.to_bytes(32, "big"), "actor": "x", "note": NOTE}
    with store.writing() as connection:
        connection.execute(insert(Cause), row)


def _count(store: Store) -> int:
    with store.reading() as connection:
        return len(connection.scalars(select(Cause.spot)).all())


@pytest.mark.parametrize("page_size", [512, 2048, 65_536])
def test_what_is_to_be_copied_is_told_as_sqlite_tells_it(tmp_path: Path, page_size: int) -> None:
    """The index beside the log is read as SQLite documents it."""
    path = str(tmp_path / "any.sqlite3")
    assert bytes_to_copy(path) == 0
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute(f"PRAGMA page_size = {page_size}")
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("CREATE TABLE x (y BLOB)")
    for _ in range(5):
        writer.execute("INSERT INTO x VALUES (randomblob(9000))")
    frames = (Path(f"{path}-wal").stat().st_size - 32) // (24 + page_size)
    assert bytes_to_copy(path) == frames * page_size > 0
    assert writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone() == (0, frames, frames)
    assert bytes_to_copy(path) == 0
    writer.execute("INSERT INTO x VALUES (1)")
    assert 0 < bytes_to_copy(path) < frames * page_size
    writer.close()
    assert bytes_to_copy(path) == 0


def test_an_index_that_is_cut_off_tells_nothing(tmp_path: Path) -> None:
    """A process that opens the database may be about to make it."""
    (tmp_path / "x-shm").write_bytes(bytes(99))
    assert bytes_to_copy(str(tmp_path / "x")) == 0


def test_a_long_log_is_copied_and_begins_anew(store: Store) -> None:
    """However much is written, the log stays about as long as it may be."""
    lengths = []
    for number in range(ENOUGH):
        _write(store, number)
        lengths.append(bytes_to_copy(store.path))
    assert LONG / 2 < max(lengths) < LONG
    assert Path(f"{store.path}-wal").stat().st_size < 2 * LONG
    assert sum(after < before for before, after in itertools.pairwise(lengths)) > 3
    assert _count(store) == ENOUGH


def test_others_write_while_it_is_copied(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of it is copied outside the writer's place, and the rest in it."""
    checkpoint = Store._checkpoint
    rounds: list[bool] = []
    other = Store(str(store.engine.url))

    def copy_while_others_write(asked: Store) -> bool:
        with monkeypatch.context() as patch:
            patch.setattr(database, "LOG_SIZE", 1 << 60)
            writer = threading.Thread(target=_write, args=(other, 1_000 + len(rounds)))
            writer.start()
            writer.join(A_MOMENT if rounds else PATIENCE)
            rounds.append(writer.is_alive())
        done = checkpoint(asked)
        threads.append(writer)
        return done

    threads: list[threading.Thread] = []
    monkeypatch.setattr(Store, "_checkpoint", copy_while_others_write)
    written = 0
    while not rounds and written < ENOUGH:
        _write(store, written)
        written += 1
    for thread in threads:
        thread.join()
    assert rounds == [False, True]  # the second waited for the writer's place
    assert _count(store) == written + 2
    other.close()


HOLD = """
import fcntl, sys
with open(sys.argv[1], "r+b") as index:
    fcntl.lockf(index, fcntl.LOCK_EX, 1, int(sys.argv[2]))
    print("held", flush=True)
    sys.stdin.read()
"""
TRY = """
import fcntl, sys
with open(sys.argv[1], "r+b") as index:
    try:
        fcntl.lockf(index, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(sys.argv[2]))
    except BlockingIOError:
        print("held by another")
"""
COPYING, WRITING = 121, 120  # bytes of the index that SQLite locks for it


def test_one_copies_and_the_others_go_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds another process at it does not wait for its end."""
    _write(store, 0)
    command = [sys.executable, "-c", HOLD, f"{store.path}-shm", str(COPYING)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        queue, queued = Store._queue, Counter[str]()

        def queue_and_count(asked: Store) -> AbstractContextManager[None]:
            queued["writers"] += 1
            return queue(asked)

        monkeypatch.setattr(Store, "_queue", queue_and_count)
        for number in range(100, 200):
            _write(store, number)
        assert bytes_to_copy(store.path) > LONG
        assert queued["writers"] == 100  # nobody took the writer's place for a copy that cannot be
        other.communicate()
    _write(store, 999)
    assert bytes_to_copy(store.path) < LONG
    assert _count(store) == 102


def test_to_look_at_the_index_takes_no_lock_away(store: Store) -> None:
    """Whoever closes a file loses all locks of its process on it, SQLite's among them."""
    _write(store, 0)
    command = [sys.executable, "-c", TRY, f"{store.path}-shm", str(WRITING)]
    with store.writing() as connection:
        connection.execute(insert(Cause), {"hash": b"w" * 32, "actor": "x", "note": NOTE})
        for _ in range(3):
            bytes_to_copy(store.path)
        asked = subprocess.run(command, check=True, capture_output=True)
        assert asked.stdout == b"held by another\n"
    asked = subprocess.run(command, check=True, capture_output=True)
    assert asked.stdout == b""


def test_an_index_that_was_made_anew_is_the_one_that_is_read(store: Store) -> None:
    """SQLite removes it with the last connection, and no descriptor is left behind."""
    counts = []
    for number in range(4):
        for again in range(4 - number):
            _write(store, 10 * number + again)
        counts.append(len(list(Path("/proc/self/fd").iterdir())))
        log = Path(f"{store.path}-wal").stat().st_size
        assert bytes_to_copy(store.path) == (log - 32) // (24 + PAGE_SIZE) * PAGE_SIZE
        store.close()
    assert bytes_to_copy(store.path) == 0
    assert counts[-1] <= counts[0]


def test_an_index_that_cannot_be_read_undoes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process with too many open files has committed all the same."""

    def refuse(_: str) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(database, "bytes_to_copy", refuse)
    _write(store, 0)
    assert _count(store) == 1


def test_a_disk_that_refuses_the_copy_undoes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed is durable in the log already."""

    def refuse(_: Store) -> bool:
        raise UnavailableError("the database cannot do this now")

    monkeypatch.setattr(Store, "_checkpoint", refuse)
    for number in range(60):
        _write(store, number)
    assert bytes_to_copy(store.path) > LONG
    assert _count(store) == 60
    with store.reading() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
