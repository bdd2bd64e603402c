"""
PostgreSQL servers of our own that crash, are cut off, follow one another and are promoted.

Each is a real server with `fsync` as a server has it, in a folder below a temporary one. A standby
is copied from its primary and follows it over a wire that a test can cut.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests import conftest
from tests.patience import PATIENCE, wait_until
from tests.ports import free_port

_EVERYBODY = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_PIECE = 1 << 16


@dataclass
class Server:
    """
    A PostgreSQL server that can crash and come back.

    Attributes:
        name: How it calls itself where it follows another.
        folder: Where its data and its words lie.
        port: Where it listens, at the loopback address.
    """

    binaries: Path
    name: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Where it says something."""
        return self.folder / "log"

    @property
    def address(self) -> str:
        """Where clients find the database."""
        return f"//{conftest.OWNER}@127.0.0.1:{self.port}/postgres"

    def settings(self, **values: str) -> None:
        """Add to its settings, which it reads when it starts."""
        with (self.data / "postgresql.conf").open("a", encoding="ascii") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in values.items())

    def start(self) -> None:
        """Start it, and wait until it answers; after a crash it recovers first."""
        place = ("-D", str(self.data), "-k", str(self.folder), "-h", "127.0.0.1")
        command = [str(self.binaries / "postgres"), *place, "-p", str(self.port)]
        self.process = conftest._start(command, self.folder, self.log)
        assert conftest._is_up(self.process, self.port), self.log.read_text("utf-8")

    def stop(self, how: signal.Signals) -> None:
        """End it: SIGINT in order, SIGQUIT as a crash of the server, SIGKILL of all of it."""
        process, self.process = self.process, None
        if process is None:
            return
        children = _children(process.pid) if how == signal.SIGKILL else []
        process.send_signal(how)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, how)
        process.wait()

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Open a connection of a test's own."""
        return psycopg.connect(f"postgresql:{self.address}", autocommit=True)

    def ask(self, statement: str) -> object:
        """Carry out a statement; return the first value that it gives, if it gives any."""
        with self.connect() as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def wait_for(self, statement: str) -> None:
        """Wait until a statement gives something true."""
        wait_until(lambda: self.ask(statement), f"never: {statement}")

    def cut(self) -> int:
        """Cut every connection; return how many there were."""
        count = self.ask(_EVERYBODY)
        return count if isinstance(count, int) else 0

    def promote(self) -> None:
        """Make a standby the primary, and return when it is."""
        assert self.ask(f"SELECT pg_promote(true, {PATIENCE:.0f})")


@dataclass
class Wire:
    """Passes on what is sent to its port; when it is cut, nothing arrives, and nobody is told."""

    port: int
    target: int
    _whole: threading.Event = field(default_factory=threading.Event)
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self) -> None:
        """Let nothing through."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything through again."""
        self._whole.set()

    def close(self) -> None:
        """End it."""
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._whole.set()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._whole.wait()
                try:
                    server = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    client.close()
                    continue
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                self._whole.wait()
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@dataclass
class Servers:
    """Servers that follow one another, and the wires between them; nothing outlives them."""

    binaries: Path
    folder: Path
    all: list[Server] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    def primary(self, name: str, **settings: str) -> Server:
        """Make and start a server with an empty database."""
        server = self._place(name)
        conftest._make_cluster(self.binaries, server.folder, server.log)
        server.settings(cluster_name=name, **settings)
        server.start()
        return server

    def standby(self, name: str, of: Server) -> Server:
        """Make a server that follows another; return when it does."""
        server = self._place(name)
        self.renew(server, of)
        return server

    def renew(self, server: Server, of: Server) -> None:
        """Put a copy of another in the place of a server that is down, and let it follow."""
        shutil.rmtree(server.data, ignore_errors=True)
        wire = Wire(free_port(), of.port)
        self.wires.append(wire)
        self._run(server, "pg_basebackup", "-D", server.data, "-h", "127.0.0.1", *_AS, of.port)
        follow = f"host=127.0.0.1 port={wire.port} user={conftest.OWNER}"
        own = f"{follow} application_name={server.name}"
        server.settings(cluster_name=server.name, primary_conninfo=own)
        (server.data / "standby.signal").touch()
        server.start()
        name = f"application_name = '{server.name}' AND state = 'streaming'"
        of.wait_for(f"SELECT count(*) FROM pg_stat_replication WHERE {name}")  # noqa: S608  # our own name

    def url(self, *servers: Server) -> str:
        """Return the URL by which an office finds whichever of *servers* accepts writing."""
        hosts = "".join(f"host=127.0.0.1:{server.port}&" for server in servers)
        return f"postgresql://{conftest.OWNER}@/postgres?{hosts}target_session_attrs=read-write"

    def close(self) -> None:
        """End everything."""
        for server in self.all:
            server.stop(signal.SIGKILL)
        for wire in self.wires:
            wire.close()
        shutil.rmtree(self.folder)

    def _place(self, name: str) -> Server:
        folder = self.folder / name
        folder.mkdir()
        _give_to_server(folder)
        server = Server(self.binaries, name, folder, free_port())
        self.all.append(server)
        return server

    def _run(self, server: Server, program: str, *words: object) -> None:
        command = [str(self.binaries / program), *map(str, words)]
        process = conftest._start(command, server.folder, server.log)
        assert process.wait() == 0, server.log.read_text("utf-8")


_AS = ("-U", conftest.OWNER, "-c", "fast", "-X", "stream", "--no-sync", "-p")


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """Give a place for servers, or skip the test where PostgreSQL is missing."""
    binaries = conftest.find_postgres()
    if binaries is None:
        pytest.skip(conftest.NO_POSTGRES)
    folder = Path(tempfile.mkdtemp(prefix="dengwen-postgres-"))
    _give_to_server(folder)
    found = Servers(binaries, folder)
    try:
        yield found
    finally:
        found.close()


def _give_to_server(folder: Path) -> None:
    account = conftest._server_account()
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)


def _children(pid: int) -> Sequence[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
