"""
The house of an office: its seven processes, which are killed and come back by themselves.

Whoever tests faults brings the processes down; a supervisor starts each again as soon as it is
gone, as an init system does, and keeps what nobody asked for: a process that ended by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from dengwen_vault.settings import NONE
from dengwen_vault.setup import SQLITE_URL
from tests.faults.launch import NO_FAULTS, Faults, Nursery, Process, start_alone
from tests.faults.office import HOLDERS, Ports, make_office
from tests.faults.tap import Balancer, Tap
from tests.patience import PATIENCE
from tests.ports import free_ports

NAMES = (*HOLDERS, "desk", "door", "sequencer")
_PAUSE = 0.02
_BACKOFF = 0.5  # seconds before a process that ended by itself is started again


class House:
    """
    One office and its processes, of which none outlives it.

    Attributes:
        office: Its files and addresses.
        tap: Everything that members sent to the desk.
        ended: By name, the exit codes of processes that ended by themselves.
        kills: How often each was killed.
        planned: Faults for the next start of a process, by name.
        clocks: By name, the file that says by how much a process's clock is off.
        preload: A library to load first into each process that has an interpreter of its own.
    """

    def __init__(
        self,
        folder: Path,
        database: str = SQLITE_URL,
        replication: str = NONE,
        machines: int = 1,
        *,
        spares_mirror: bool = False,
    ) -> None:
        """Make the office, whose operator has so many machines; start nothing yet."""
        door, desk, hall, *ports = free_ports(3 + len(HOLDERS) + machines)
        self.tap = Tap(hall, desk)
        holders = dict(zip(HOLDERS, ports, strict=False))
        doors = tuple(ports[len(HOLDERS) :]) if machines > 1 else ()
        self.balancer = Balancer(door, doors) if doors else None
        where = Ports(door, desk, hall, holders, doors)
        self.office = make_office(folder, where, database, replication, spares_mirror=spares_mirror)
        self.names = self.office.names
        self._nursery = Nursery()
        self.ended: list[tuple[str, int]] = []
        self.kills: Counter[str] = Counter()
        self.planned: dict[str, Faults] = {}
        self.preload = ""
        self.clocks: dict[str, str] = {}
        self._processes: dict[str, Process] = {}
        self._doomed: dict[str, Faults] = {}
        self._down: set[str] = set(self.names)
        self._not_before: dict[str, float] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()

    # What an operator does.

    def up(self, *names: str) -> None:
        """Let these processes run, all by default."""
        with self._lock:
            self._down -= set(names or self.names)

    def down(self, *names: str) -> None:
        """Kill these processes, all by default, and do not start them again."""
        with self._lock:
            self._down |= set(names or self.names)
            for name in names or self.names:
                if name in self._processes:
                    self._processes.pop(name).kill()

    @contextlib.contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Let these processes be away for a while."""
        self.down(*names)
        try:
            yield
        finally:
            self.up(*names)

    def wait(self) -> None:
        """Return when everything that should run listens."""
        ports = {"desk": self.office.ports.hall, **self.office.ports.holders}
        doors = [name for name in self.names if name.partition("@")[0] == "door"]
        at = self.office.ports.doors or (self.office.ports.door,)
        ports |= dict(zip(doors, at, strict=True))
        deadline = time.monotonic() + PATIENCE
        for name in ports.keys() - self._down:
            while not _listens(ports[name]):
                assert time.monotonic() < deadline, f"{name} does not come up:\n{self.log(name)}"
                time.sleep(_PAUSE)

    # What befalls it.

    def kill(self, name: str, then: Faults = NO_FAULTS) -> bool:
        """Kill a process by SIGKILL; tell whether it was alive. It starts again with *then*."""
        with self._lock:
            process = self._processes.get(name)
            if then is not NO_FAULTS:
                self.planned[name] = then
            if process is None or process.poll() is not None:
                return False
            process.kill()
            self.kills[name] += 1
            del self._processes[name]
            self._doomed.pop(name, None)
            return True

    def pid(self, name: str) -> int:
        """Return the process id of a process that runs."""
        with self._lock:
            return self._processes[name].pid

    def is_doomed(self, name: str) -> bool:
        """Tell whether a process has yet to die at a named step."""
        with self._lock:
            return name in self.planned or (name in self._doomed and name in self._processes)

    def is_alive(self, name: str) -> bool:
        """Tell whether a process runs."""
        with self._lock:
            return name in self._processes and self._processes[name].poll() is None

    def now(self) -> float:
        """Return the time by the clock of its door, for whoever signs a request to it."""
        clock = self.clocks.get("door", "")
        return time.time() + (float(Path(clock).read_text(encoding="ascii")) if clock else 0.0)

    def log(self, name: str) -> str:
        """Return the last of what a process has said."""
        return self.said(name)[-3000:]

    def said(self, name: str) -> str:
        """Return everything that a process has said."""
        path = self.office.folder / f"{name}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def start_beside(self, folder: Path, *command: str) -> tuple[Process, Path]:
        """Start a command that nobody looks after; return it and where it says something."""
        log = folder / f"beside-{next(_numbers)}.out"
        return self._nursery.start(command, folder, log, NO_FAULTS), log

    def run(self, folder: Path, *command: str) -> tuple[int, str]:
        """Run a command in *folder* to its end; return its exit code and what it said."""
        process, log = self.start_beside(folder, *command)
        deadline = time.monotonic() + PATIENCE
        while (code := process.poll()) is None:
            if time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"{command} does not end:\n{log.read_text('utf-8')}")
            time.sleep(_PAUSE)
        return code, log.read_text("utf-8", "replace")

    def sequence(self, folder: Path) -> tuple[int, str]:
        """Run a second sequencer on the `vault` in *folder*, which must end by itself."""
        return self.run(folder, *self.office.command("sequencer"))

    def _supervise(self) -> None:
        while not self._stop.wait(_PAUSE):
            for name in self.names:
                with self._lock:
                    if not self._stop.is_set():
                        self._look_after(name)

    def _look_after(self, name: str) -> None:
        process = self._processes.get(name)
        code = process.poll() if process else None
        if process and code is not None:
            del self._processes[name]
            if code == -9 and name in self._doomed:
                self.kills[f"{name} at {self._doomed[name].die_at}"] += 1
            else:
                self.ended.append((name, code))
                self._not_before[name] = time.monotonic() + _BACKOFF
        is_due = time.monotonic() >= self._not_before.get(name, 0)
        if name not in self._processes and name not in self._down and is_due:
            self._processes[name] = self._start(name)

    def _start(self, name: str) -> Process:
        faults = self.planned.pop(name, Faults(clock=self.clocks.get(name, "")))
        self._doomed.pop(name, None)
        if faults.die_at:
            self._doomed[name] = faults
        folder = self.office.folder
        order = (self.office.command(name), folder, folder / f"{name}.log", faults)
        return start_alone(*order, self.preload) if self.preload else self._nursery.start(*order)

    def close(self) -> None:
        """End everything."""
        self._stop.set()
        self._supervisor.join()
        for process in self._processes.values():
            process.kill()
        self._nursery.close()
        self.tap.close()
        if self.balancer:
            self.balancer.close()

    def __enter__(self) -> Self:
        """Live here for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self.close()


_numbers = itertools.count(1)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a data folder as it lies on the disk, in the place of what was there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
