"""A database that cannot answer: the asker is told to come back, and nothing is half done."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import requests
from sqlalchemy import event, text

from dengwen_vault.admission import Arrival
from dengwen_vault.database import Store
from dengwen_vault.errors import UnavailableError
from tests.vault.office import VaultOffice, seal_petition

UNFLUSHED = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA synchronous = OFF")
database.execute("INSERT INTO used_nonce VALUES (randomblob(32), 0)")
os.kill(os.getpid(), 9)
"""


def _limit_pages(office: VaultOffice, pages: int) -> None:
    """Let the disk be full: SQLite says so when its file, without a free page, may not grow."""

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    office.vault.store.close()
    with closing(sqlite3.connect(office.vault.store.path)) as connection:
        connection.execute("VACUUM")
    event.listen(office.vault.store.engine, "connect", limit)


def test_a_full_disk_is_told_and_loses_nothing(small_office: VaultOffice) -> None:
    """What was not stored was not accepted; what was, is still there."""
    first, *others = (seal_petition(f"number {n}").to_bytes() for n in range(40))
    small_office.vault.accept(first, at_once=True)
    before = small_office.rows()
    _limit_pages(small_office, 1)  # SQLite allows at least what is there
    with pytest.raises(UnavailableError):
        small_office.vault.accept_all([Arrival(petition) for petition in others])
    assert small_office.rows() == before
    _limit_pages(small_office, 1 << 30)
    small_office.vault.accept_all([Arrival(petition, at_once=True) for petition in others])
    small_office.tick()
    assert small_office.rows()["petition"] == 1 + len(others)


def test_a_database_that_is_gone_is_a_problem_like_any_other(small_office: VaultOffice) -> None:
    """No crash, no words of the database, and when to come back."""
    with small_office.vault.store.writing() as connection:
        connection.execute(text("DROP TABLE panel"))
    answer = small_office.ask("reviewer-1", "/v1/desk")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert _detail(answer) == "the database cannot do this now"


def test_what_a_killed_process_left_is_flushed_before_anybody_goes_by_it(
    small_office: VaultOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was killed between writing and flushing: the petition is there, and sent once more."""
    path = Path(small_office.vault.store.path)
    small_office.vault.store.close()
    died = subprocess.run([sys.executable, "-c", UNFLUSHED, path], check=False)
    assert died.returncode == -signal.SIGKILL
    flushed = []
    fsync = os.fsync

    def note_and_flush(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note_and_flush)
    with small_office.vault.store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM used_nonce")).scalar_one() == 1
    assert flushed == [f"{path.name}-wal"]


def test_a_log_that_cannot_be_flushed_is_gone_by_by_nobody(
    small_office: VaultOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: an answer would promise what the disk may not have."""
    small_office.vault.store.close()
    with sqlite3.connect(small_office.vault.store.path) as other:  # so that there is a log
        other.execute("INSERT INTO used_nonce VALUES (randomblob(32), 0)")
        other.commit()
        monkeypatch.setattr(os, "fsync", _refuse)
        with pytest.raises(UnavailableError), small_office.vault.store.reading():
            pass
    other.close()


def _refuse(_: int) -> None:
    raise OSError(errno.EIO, "input/output error")


@pytest.mark.postgres
def test_connections_that_a_failover_cut_are_made_anew(
    tmp_path: Path, postgres_database_url: str
) -> None:
    """The first petition after it is accepted, and none before it is lost."""
    office = VaultOffice(tmp_path, postgres_database_url)
    office.tick()
    office.accept("before")
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with psycopg.connect(postgres_database_url.replace("+psycopg", "")) as connection:
        connection.execute(f"{others} AND datname = current_database()")
    office.accept("after")
    assert office.rows()["petition"] == 2
    office.close()


def _detail(answer: requests.Response) -> str:
    detail: str = answer.json()["detail"]
    return detail


def test_a_block_that_fails_leaves_nothing(database_url: str) -> None:
    """The database takes back what was begun, whatever went wrong."""
    store = Store(database_url)
    with store.writing() as connection:
        connection.execute(text("CREATE TABLE kept (a INTEGER)"))
    with pytest.raises(ZeroDivisionError):
        _fail_in_a_block(store)
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM kept")).scalar_one() == 0
    store.close()


def _fail_in_a_block(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(text("INSERT INTO kept VALUES (1)"))
        raise ZeroDivisionError


def test_nobody_listens_at_the_database() -> None:
    """A failover takes some seconds; whoever asks meanwhile is told so."""
    store = Store("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(UnavailableError), store.reading():
        pass
    store.close()
