"""
The stage of the demo: runs the project's own commands, as people would, and its servers.

Every server is a process of its own, which ends with the demo whatever happens to it: when it is
done, when it fails, at Ctrl-C, and (on Linux) even when it is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
READY_SECONDS = 120.0  # on a machine that does much else
STOP_SECONDS = 60.0
PR_SET_PDEATHSIG = 1


class DemoError(Exception):
    """A step did not go as told."""


@dataclass
class Stage:
    """
    Where the demo plays.

    Attributes:
        folder: Holds everything that the demo makes; each person's things in a folder of their own.
        begun: When it began.
        servers: Those that run, by name.
    """

    folder: Path
    begun: float = field(default_factory=time.monotonic)
    servers: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print a line of the story with the seconds since its beginning."""
        print(f"{time.monotonic() - self.begun:6.1f} s  {text}", flush=True)

    def tell(self, text: str) -> None:
        """Print a line that belongs to the one before it."""
        for line in text.rstrip("\n").splitlines():
            print(f"          {line}", flush=True)

    def run(self, *command: str | Path, refused: bool = False) -> str:
        """
        Run one of the project's commands in the demo's folder; return what it printed.

        Args:
            refused: Whether the command must refuse, that is: exit with another code than 0.

        Raises:
            DemoError: If it did not end as it must.
        """
        code, output = self.attempt(*command)
        if (code != 0) != refused:
            how = "was not refused" if refused else f"ended with {code}"
            raise DemoError(f"`{' '.join(map(str, command[:3]))}` {how}:\n{output}")
        return output

    def attempt(self, *command: str | Path) -> tuple[int, str]:
        """Run one of the project's commands; return its exit code and what it printed."""
        name, *arguments = map(str, command)
        done = subprocess.run(
            [BIN / name, *arguments],
            cwd=self.folder,
            env=os.environ | {"LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def until(self, seconds: float, *command: str | Path, code: int = 0) -> str:
        """Run a command again and again until it ends with *code*; return what it then printed."""
        deadline = time.monotonic() + seconds
        while True:
            found, output = self.attempt(*command)
            if found == code:
                return output
            self.check_alive()
            if time.monotonic() > deadline:
                raise DemoError(f"`{' '.join(map(str, command[:3]))}` still says:\n{output}")
            time.sleep(0.2)

    def run_all(self, commands: Sequence[Sequence[str | Path]]) -> list[str]:
        """Run independent commands, as many at a time as there are cores; keep their order."""
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return list(pool.map(lambda command: self.run(*command), commands))

    def start(self, name: str, port: int | None, *command: str | Path) -> None:
        """Start a server; wait until its *port* accepts connections."""
        program, *arguments = map(str, command)
        with (self.folder / f"{name}.log").open("wb") as log:
            server = subprocess.Popen(
                [BIN / program, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the demo, and the demo stops its servers
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # one system call, before any thread
            )
        self.servers.append((name, server))
        if port is not None:
            self._wait_for(name, port)

    def _wait_for(self, name: str, port: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.check_alive()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise DemoError(f"{name} did not open port {port}")

    def check_alive(self) -> None:
        """Raise `DemoError` if a server has ended by itself."""
        for name, server in self.servers:
            if server.poll() is not None:
                said = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
                raise DemoError(f"{name} ended by itself:\n{said[-2000:]}")

    def stop(self) -> None:
        """Stop every server, gently first."""
        for _, server in self.servers:
            server.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for _, server in self.servers:
            try:
                server.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        self.servers.clear()


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Play in *folder*; whatever happens, no server is left behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_interrupt)
    playing = Stage(folder)
    try:
        yield playing
    finally:
        playing.stop()


def free_ports(count: int) -> list[int]:
    """Return *count* ports of the loopback address that nobody uses."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _die_with_parent() -> None:
    """Ask Linux to end this process when the demo is gone, however it went."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _raise_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
