"""PostgreSQL as it is shipped keeps what it acknowledges, and writes down nothing of anybody."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dengwen_vault.database import Store
from dengwen_vault.durability import find_faults
from dengwen_vault.settings import NONE, SYNCHRONOUS
from tests.deploy.database import SHIPPED, Cluster, open_cluster
from tests.deploy.shipped import substitute

pytestmark = [pytest.mark.deploy, pytest.mark.postgres]

CASE = "c0ffee" * 10
WORD = "a-word-of-hers"
# What goes wrong at a server, each with a value that must not be written down.
MISHAPS = {
    "a row is there twice": f"INSERT INTO office VALUES ('{CASE}', 1), ('{CASE}', 2)",  # noqa: S608  # a constant
    "a value is out of bounds": f"INSERT INTO office VALUES ('{CASE}{CASE}', -1)",  # noqa: S608  # a constant
    "a value is no number": f"SELECT '{CASE}'::int",
    "a column is not there": f"SELECT {WORD.replace('-', '_')} FROM office",  # noqa: S608  # a constant
    "words are no SQL": f"SELEKT '{WORD}'",
    "somebody cancels": f"SET statement_timeout = '1ms'; SELECT pg_sleep(1), '{CASE}'",
    "a function warns": f"DO $$ BEGIN RAISE WARNING '{CASE}'; END $$",
    "a parameter is wrong": "",
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Run the shipped configuration."""
    with open_cluster() as cluster:
        with cluster.connect() as connection:
            connection.execute("CREATE TABLE office (id TEXT PRIMARY KEY, n INT CHECK (n > 0))")
        yield cluster


def _suffer(cluster: Cluster, case: str) -> None:
    with cluster.connect() as connection, contextlib.suppress(psycopg.Error):
        if MISHAPS[case]:
            connection.execute(MISHAPS[case].encode())
        else:
            connection.execute("INSERT INTO office VALUES (%s, %s), (%s, 3)", (CASE, 1, CASE))


def _settings(path: Path) -> dict[str, str]:
    lines = path.read_text("utf-8").splitlines()
    found = (re.match(r"([a-z_]+) = ('[^']*'|\S+)", line) for line in lines)
    return {match[1]: match[2].strip("'") for match in found if match}


def test_every_setting_holds(cluster: Cluster) -> None:
    """No line is misspelt or overruled, and none needs what this PostgreSQL does not have."""
    expected = _settings(SHIPPED / "postgresql.conf")
    with cluster.connect() as connection:
        names = list(expected)
        rows = connection.execute(
            "SELECT name, setting, reset_val FROM pg_settings WHERE name = ANY(%s)", (names,)
        ).fetchall()
    found = {name: setting for name, setting, _ in rows}
    assert found == expected


def test_the_office_finds_nothing_that_could_be_lost(cluster: Cluster) -> None:
    """One machine that says so is enough; two must be named."""
    store = Store(cluster.url)
    assert find_faults(store, NONE) == []
    assert len(find_faults(store, SYNCHRONOUS)) == 1
    store.close()


def test_nothing_is_logged_of_what_was_asked(cluster: Cluster) -> None:
    """Refused rows, failed statements and their parameters leave no word behind."""
    before = cluster.log.read_text("utf-8")
    for case in MISHAPS:
        _suffer(cluster, case)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"host={cluster.folder} user=nobody dbname=dengwen")
    after = cluster.log.read_text("utf-8").removeprefix(before)
    assert CASE not in after
    assert WORD.replace("-", "_") not in after
    assert "INSERT" not in after
    assert "FATAL" in after  # who may not connect is told


@pytest.mark.parametrize(
    "mangled",
    [
        {"log_min_messages = log": "log_min_messages = warning"},
        {"log_statement = none": "log_statement = all"},
        {"log_min_duration_statement = -1": "log_min_duration_statement = 0"},
    ],
    ids=["errors are logged", "statements are logged", "slow statements are logged"],
)
def test_a_log_that_talks_would_be_noticed(cluster: Cluster, mangled: dict[str, str]) -> None:
    """Each of these settings, put back to what others use, writes the case down."""
    path = cluster.folder / "data" / "postgresql.conf"
    shipped = path.read_text("utf-8")
    path.write_text(substitute(shipped, mangled), encoding="utf-8")
    try:
        cluster.restart()
        before = cluster.log.read_text("utf-8")
        for case in MISHAPS:
            _suffer(cluster, case)
        assert CASE in cluster.log.read_text("utf-8").removeprefix(before)
    finally:
        path.write_text(shipped, encoding="utf-8")
        cluster.restart()


def test_only_the_offices_accounts_may_connect() -> None:
    """There is no password to steal, and no way in from another machine."""
    lines = [
        line.split()
        for line in (SHIPPED / "pg_hba.conf").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert {(line[0], line[3]) for line in lines} == {("local", "peer")}
    assert _settings(SHIPPED / "postgresql.conf")["listen_addresses"] == ""
