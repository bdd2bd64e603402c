"""
Runs one of the project's commands as its own process, with a fault in it.

The commands themselves know nothing of faults: what is changed here is changed from outside, in a
process that only tests start. A process can be made to die by SIGKILL at a named step, to see
another time than the machine's, and to be refused any file beyond a length.

`Nursery` starts commands by forking from a process that has imported everything: a restart then
takes a tenth of a second instead of one or two, so that ten times as many kills fit into a run.
Every process ends with the one that started it, however that ends.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

COMMANDS = {
    "dengwen-audit": "dengwen_audit.cli.main",
    "dengwen-keys": "dengwen_keys.cli.main",
    "dengwen-submit": "dengwen_submit.cli.main",
    "dengwen-vault": "dengwen_vault.cli.main",
}
SEQUENCER_STEPS = ("commit", "tiles", "sign", "cosign", "checkpoint", "latest", "done")
# Where else a process can be made to die: module, name in it, and whether before or after.
STEPS = {
    "door.before-deposit": ("dengwen_vault.admission", "deposit_all", "before"),
    "door.in-transaction": ("dengwen_vault.admission", "deposit_all", "after"),
    "door.after-deposit": ("dengwen_vault.vault", "Vault.accept_all", "after"),
    "door.before-segment-folder-sync": ("dengwen_vault.segments", "sync_folder", "before"),
    "door.after-slots": ("dengwen_vault.segments", "Segments.put", "after"),
    "door.before-blob-folder-sync": ("dengwen_vault.blobs.local", "sync_folder", "before"),
    "door.after-blob": ("dengwen_vault.blobs.local", "LocalBlobs.put", "after"),
    "door.after-attachment": ("dengwen_vault.vault", "Vault.put_attachment", "after"),
    "desk.after-request": ("dengwen_vault.vault", "Vault.post_request", "after"),
    "desk.after-answer": ("dengwen_vault.vault", "Vault.answer", "after"),
    "tick.after-laying-down": ("dengwen_vault.attempt", "Attempt.lay_down", "after"),
    "tick.in-transaction": ("dengwen_vault.epoch_store", "_write", "after"),
    "tick.before-leaving": ("dengwen_vault.epoch_store", "leave_line", "before"),
    "tick.while-leaving": ("dengwen_vault.epoch_store", "leave_line", "after"),
    "tick.after-commit": ("dengwen_vault.epoch_store", "VaultEpochStore.commit_tick", "after"),
    "tiles.before-folder-sync": ("dengwen_audit.tile_writer", "sync_folder", "before"),
    "tiles.before-file": ("dengwen_audit.tile_writer", "write_durably", "before"),
    "witness.before-record": ("dengwen_audit.witness", "Witness._cosign", "before"),
    "witness.after-record": ("dengwen_audit.witness", "Witness._cosign", "after"),
    "gatekeeper.before-keep": ("dengwen_keys.gatekeeper.store", "Store.keep_answer", "before"),
    "gatekeeper.after-keep": ("dengwen_keys.gatekeeper.store", "Store.keep_answer", "after"),
    "gatekeeper.after-post": ("dengwen_keys.gatekeeper.store", "Store.mark_posted", "before"),
    "mirror.after-stage": ("dengwen_audit.mirror_store", "MirrorStore.stage", "after"),
    "mirror.after-hold": ("dengwen_audit.mirror_store", "MirrorStore.hold", "after"),
}
_PRELOADED = (
    *COMMANDS.values(),
    "dengwen_audit.cli.mirror",
    "dengwen_audit.mirror_web",
    "dengwen_keys.cli.gatekeeper",
    "dengwen_submit.web",
    "dengwen_vault.publication",
    "dengwen_vault.schema",
    "dengwen_vault.web",
    "dengwen_vault.cli.follow",
    "dengwen_vault.cli.sequence",
    "dengwen_vault.follower",
    "dengwen_vault.place",
    "dengwen_vault.cli.serve",
    "dengwen_submit.cli.serve",
)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Faults:
    """
    What is wrong in one process.

    Attributes:
        die_at: A name of `SEQUENCER_STEPS` or `STEPS`; the process kills itself there.
        die_count: At the how-manieth time.
        clock: A file that holds seconds by which the process's clock is off.
        file_limit: No file may grow beyond so many bytes.
        careless: It commits without waiting for the disk: a fault that tests must find.
        hurried: A sequencer ticks again as soon as a tick is done, so that an hour is over soon.
        unelected: It makes records although another sequencer has the place.
    """

    die_at: str = ""
    die_count: int = 1
    clock: str = ""
    file_limit: int = 0
    careless: bool = False
    hurried: bool = False
    unelected: bool = False

    def put_in(self) -> None:
        """Put the faults into this process."""
        if self.die_at in SEQUENCER_STEPS:
            _die_in_sequencer(self.die_at, self.die_count)
        elif self.die_at:
            _die_in(*STEPS[self.die_at], self.die_count)
        if self.clock:
            _shift_clock(Path(self.clock))
        if self.careless:
            _wait_for_no_disk()
        if self.hurried:
            _tick_at_once()
        if self.unelected:
            _take_any_place()
        if self.file_limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_limit, resource.RLIM_INFINITY))


NO_FAULTS = Faults()


def run(command: Sequence[str], faults: Faults) -> None:
    """Run a command of the project in this process, which ends with it."""
    die_with_parent()
    faults.put_in()
    sys.argv = list(command)
    importlib.import_module(COMMANDS[command[0]]).main()


def die_with_parent() -> None:
    """Let the kernel kill this process when the one that started it is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A process of the nursery, or one of its own interpreter; the same to whoever watches it."""

    def __init__(self, pid: int, poll: Callable[[], int | None]) -> None:
        """Know the process number *pid*; *poll* tells its exit code once it has ended."""
        self.pid = pid
        self.poll = poll

    def kill(self) -> None:
        """Kill it by SIGKILL, if it is there, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        while self.poll() is None:
            time.sleep(0.002)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there."""
        if self.poll() is None:
            os.kill(self.pid, number)


@dataclass
class Nursery:
    """A process with everything imported, from which commands are forked."""

    _ended: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Start it."""
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.launch"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent,  # noqa: PLW1509  # one system call
        )

    def start(self, command: Sequence[str], folder: Path, log: Path, faults: Faults) -> Process:
        """Fork a process that runs *command* in *folder* and adds what it says to *log*."""
        order = {"command": list(command), "folder": str(folder), "log": str(log)}
        pid = self._ask(order | {"faults": asdict(faults)})
        return Process(pid, functools.partial(self._poll, pid))

    def close(self) -> None:
        """End the nursery, and with it everything that it started."""
        self._server.kill()
        self._server.wait()
        for pipe in (self._server.stdin, self._server.stdout):
            if pipe:
                pipe.close()

    def _poll(self, pid: int) -> int | None:
        if pid not in self._ended:
            code: int | None = self._ask({"poll": pid})
            if code is None:
                return None
            self._ended[pid] = code
        return self._ended[pid]

    def _ask(self, order: dict[str, Any]) -> Any:  # noqa: ANN401  # a number or None
        if self._server.stdin is None or self._server.stdout is None:
            raise AssertionError("internal error: no pipes")
        with self._lock:
            self._server.stdin.write(json.dumps(order).encode() + b"\n")
            self._server.stdin.flush()
            return json.loads(self._server.stdout.readline())


def start_alone(
    command: Sequence[str], folder: Path, log: Path, faults: Faults, preload: str = ""
) -> Process:
    """Start a process with an interpreter of its own, and perhaps with a library loaded first."""
    environment = os.environ | ({"LD_PRELOAD": preload} if preload else {})
    order = {"command": list(command), "faults": asdict(faults)}
    with log.open("ab") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.launch", json.dumps(order)],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(_ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Process(server.pid, server.poll)


_ROOT = Path(__file__).parents[2]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_in_sequencer(step: str, count: int) -> None:
    """Let every sequencer of this process die before the *count*-th step of this name."""
    log = importlib.import_module("dengwen_audit.log")
    left = count

    def steps(name: str) -> None:
        nonlocal left
        left -= name == step
        if not left:
            _die()

    log.Sequencer.__init__ = functools.partialmethod(log.Sequencer.__init__, steps=steps)


def _die_in(module: str, path: str, when: str, count: int) -> None:
    """Let this process die before or after the *count*-th call of a function."""
    *names, last = path.split(".")
    owner = functools.reduce(getattr, names, importlib.import_module(module))
    original: Callable[..., Any] = getattr(owner, last)
    calls = itertools.count(1)

    @functools.wraps(original)
    def deadly(*args: Any, **options: Any) -> Any:  # noqa: ANN401  # any function
        is_last = next(calls) == count  # of this call: others may begin before it ends
        if when == "before" and is_last:
            _die()
        result = original(*args, **options)
        if is_last:
            _die()
        return result

    setattr(owner, last, deadly)


def _wait_for_no_disk() -> None:
    """Let this process's commits to the vault's SQLite be flushed whenever the kernel likes."""
    database = importlib.import_module("dengwen_vault.database")
    database._BEGIN["write"] = ("PRAGMA synchronous = OFF", "BEGIN IMMEDIATE")


def _tick_at_once() -> None:
    """Let every sequencer of this process wait for no beat."""
    log = importlib.import_module("dengwen_audit.log")
    run = log.Sequencer.run
    log.Sequencer.run = lambda self, stop, _: run(self, stop, 0.0)


def _take_any_place() -> None:
    """Let this process's sequencer believe that nobody else is at work."""
    place = importlib.import_module("dengwen_vault.place").Place
    place.take = lambda _: True


def _shift_clock(file: Path) -> None:
    """Let this process see the time of the machine, shifted by what *file* says at the moment."""
    true_time = time.time
    time.time = lambda: true_time() + float(file.read_text(encoding="ascii"))


def _serve() -> None:
    """Be the nursery: fork commands as told on standard input, and tell when they ended."""
    die_with_parent()
    for name in _PRELOADED:
        importlib.import_module(name)
    ended: dict[int, int] = {}
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        if "poll" in order:
            while (found := _reap()) is not None:
                ended[found[0]] = found[1]
            answer: int | None = ended.get(order["poll"])
        else:
            answer = _fork(order)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _reap() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None


def _fork(order: dict[str, Any]) -> int:
    """Fork one command; the child never returns."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        os.chdir(order["folder"])
        _redirect(order["log"])
        run(order["command"], Faults(**order["faults"]))
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # as the interpreter does at its end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        told = json.loads(sys.argv[1])
        run(told["command"], Faults(**told["faults"]))
    else:
        _serve()
