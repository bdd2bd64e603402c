"""PostgreSQL as it is shipped: what stands in `deploy/postgresql/`, in a cluster of a test."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests import conftest
from tests.deploy.shipped import DEPLOY, substitute
from tests.patience import wait_until

SHIPPED = DEPLOY / "postgresql"


@dataclass
class Cluster:
    """
    A PostgreSQL server with the shipped configuration.

    Attributes:
        folder: Holds its data, its socket, and everything that it says.
    """

    folder: Path
    binaries: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What vault.toml says, with the folder of this test."""
        return f"postgresql+psycopg://dengwen@/dengwen?host={self.folder}"

    @property
    def log(self) -> Path:
        """Everything that it says."""
        return self.folder / "log"

    def connect(self) -> psycopg.Connection:
        """Connect as the office does."""
        return psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        command = [self.binaries / "postgres", "-D", self.folder / "data", "-k", self.folder]
        self.process = conftest._start([str(word) for word in command], self.folder, self.log)
        process = self.process

        def is_up() -> bool:
            assert process.poll() is None, self.log.read_text("utf-8")
            return self._is_ready()

        wait_until(is_up, lambda: self.log.read_text("utf-8"))

    def stop(self) -> None:
        """End it."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()

    def restart(self) -> None:
        """End it and start it again, with what its files say now."""
        self.stop()
        self.start()

    def run(self, program: str, *words: str) -> None:
        """Run one of its programs to the end, as the account of the server."""
        command = [str(self.binaries / program), *words]
        code = conftest._start(command, self.folder, self.log).wait()
        assert code == 0, self.log.read_text("utf-8")

    def configure(self) -> None:
        """Put the shipped files where they belong; only this test's own account is another."""
        me, server = _name(os.geteuid()), _name((self.folder / "data").stat().st_uid)
        files = {
            "postgresql.conf": {},
            "pg_hba.conf": {"postgres  peer": f"{server}  peer"},
            "pg_ident.conf": {"   root  ": f"   {me}  "},
        }
        for name, changes in files.items():
            text = substitute((SHIPPED / name).read_text("utf-8"), changes)
            path = self.folder / "data" / name
            if name == "postgresql.conf":  # Debian includes what is in conf.d; so does this
                text = path.read_text("utf-8") + text
            path.write_text(text, encoding="utf-8")

    def _is_ready(self) -> bool:
        command = [str(self.binaries / "pg_isready"), "-q", "-h", str(self.folder)]
        return conftest._start(command, self.folder, self.log).wait() == 0


@contextlib.contextmanager
def open_cluster() -> Iterator[Cluster]:
    """Run PostgreSQL with the shipped configuration and an empty database of the office."""
    binaries = conftest.find_postgres()
    if binaries is None:
        pytest.fail(conftest.NO_POSTGRES)
    folder = Path(tempfile.mkdtemp(prefix="dengwen-postgres-"))  # short: it holds a socket
    cluster = Cluster(folder, binaries)
    try:
        _make(cluster)
        cluster.configure()
        cluster.start()
        owner = ("-h", str(folder))
        cluster.run("createuser", *owner, "dengwen")
        cluster.run("psql", *owner, "-q", "-c", "GRANT pg_monitor TO dengwen", "postgres")
        cluster.run("createdb", *owner, "-O", "dengwen", "dengwen")
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def _make(cluster: Cluster) -> None:
    account = conftest._server_account()
    if account:
        os.chown(cluster.folder, account.pw_uid, account.pw_gid)
    # Whoever is not of the server's account passes through to the socket, as at /run/postgresql.
    cluster.folder.chmod(0o755)
    data = ("-D", str(cluster.folder / "data"), "--auth", "peer", "--no-sync")
    cluster.run("initdb", *data, "--encoding", "UTF8", "--locale", "C")


def _name(account: int) -> str:
    return pwd.getpwuid(account).pw_name
