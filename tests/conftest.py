"""
Databases for every test that asks for one.

`database_url` runs a test twice, on SQLite and on PostgreSQL, each time with an empty database.
The PostgreSQL server is our own: one cluster a test process, in a temporary folder, with `fsync`
as a server has it, gone at the end. No service of the machine is touched.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from tests.patience import PATIENCE
from tests.ports import free_port

NO_POSTGRES = (
    "PostgreSQL's server binaries are missing; `make setup-postgres` as root, or on Debian "
    "`apt-get install postgresql`, brings them"
)
OWNER = "dengwen"

# An example is right or wrong, however long it takes: how fast the machine is decides nothing.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

START_ATTEMPTS = 3  # another process may take the free port before the server does


def find_postgres() -> Path | None:
    """Return the folder that holds `postgres` and `initdb`, or nothing if there is none."""
    on_path = [Path(folder) for folder in os.get_exec_path()]
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: (len(str(folder)), folder)
    )
    for folder in [*on_path, *reversed(packaged)]:
        if all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
            return (folder / "postgres").resolve().parent
    return None


def _server_account() -> pwd.struct_passwd | None:
    """Return the account to run the server as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _start(command: list[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start one of PostgreSQL's programs in *folder*, as its account, with its words in *log*."""
    account = _server_account()
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={"LC_ALL": "C", "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def _is_up(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until *server* answers; say no if it ended or took too long."""
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=OWNER, dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return server.poll() is None
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask *server* for its fast shutdown, and end it if it does not listen."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _make_cluster(binaries: Path, folder: Path, log: Path) -> Path:
    account = _server_account()
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    command = [
        str(binaries / "initdb"),
        *("--pgdata", str(data), "--username", OWNER, "--auth", "trust"),
        *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
    ]
    if _start(command, folder, log).wait() != 0:
        pytest.fail(f"initdb failed:\n{log.read_text(encoding='utf-8')}")
    return data


@contextmanager
def run_postgres(binaries: Path) -> Iterator[str]:
    """Run a PostgreSQL server of our own; its URL names the database `postgres`."""
    folder = Path(tempfile.mkdtemp(prefix="dengwen-postgres-"))
    log = folder / "log"
    try:
        data = _make_cluster(binaries, folder, log)
        for _ in range(START_ATTEMPTS):
            port = free_port()
            command = [
                str(binaries / "postgres"),
                *("-D", str(data), "-k", str(folder), "-h", "127.0.0.1", "-p", str(port)),
            ]
            server = _start(command, folder, log)
            try:
                if _is_up(server, port):
                    yield f"postgresql+psycopg://{OWNER}@127.0.0.1:{port}/postgres"
                    return
            finally:
                _stop(server)
        pytest.fail(f"PostgreSQL did not start:\n{log.read_text(encoding='utf-8')}")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Run a PostgreSQL server for this test process."""
    binaries = find_postgres()
    if binaries is None:
        pytest.skip(NO_POSTGRES)
    with run_postgres(binaries) as url:
        yield url


_numbers = itertools.count(1)


@pytest.fixture
def postgres_database_url(postgres_url: str) -> Iterator[str]:
    """Make an empty PostgreSQL database for one test, and drop it afterwards."""
    name = f"test_{next(_numbers)}"
    server = postgres_url.replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
        )
    yield postgres_url.removesuffix("postgres") + name
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the SQLAlchemy URL of an empty database: once of SQLite, once of PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.sqlite'}"
    url: str = request.getfixturevalue("postgres_database_url")
    return url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it once more, at the end, if the PostgreSQL tests did not run."""
    skipped = terminalreporter.getreports("skipped")
    missed = [report for report in skipped if NO_POSTGRES in str(report.longrepr)]
    if missed:
        terminalreporter.write_line(
            f"PostgreSQL tests did not run: {len(missed)} of them, because {NO_POSTGRES}.",
            yellow=True,
        )
