"""
Workers: processes that check and store petitions, beside the one that holds the connections.

Python runs one thread of a process at a time, so checks in the process of the sockets would make
everybody wait who only wants to read, or to be told when to come back. A worker has a vault of its
own and one pipe; the database keeps their writing apart. They yield to the sockets (`NICE`), so
what is saturated is intake and not the page.

A worker that dies takes no promise with it: its group was not answered, and goes to the next one,
since the same petition again is the same petition. A group of which two have died is asked to come
back. A worker ends when its pipe does, however the door ended.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from dengwen_submit.connection import Answer
from dengwen_submit.intake_group import accept_group
from dengwen_vault.admission import Arrival
from dengwen_vault.logs import configure_logging
from dengwen_vault.vault import Vault

NICE = 5
STOP_SECONDS = 60.0  # for the group it has
PAUSE_SECONDS = 1.0  # between two starts

_logger = logging.getLogger(__name__)


class WorkerLostError(Exception):
    """Two workers died with a group that was not answered; it may be on disk or not."""


@dataclass
class Worker:
    """
    One worker, seen from the door; used by one thread.

    Attributes:
        command: Starts it; the number of its end of the pipe is added.
    """

    command: Sequence[str]
    _process: subprocess.Popen[bytes] | None = None
    _pipe: Connection | None = None
    _started: float = field(default=-PAUSE_SECONDS)

    def __call__(self, arrivals: Sequence[Arrival]) -> list[Answer]:
        """
        Have a group accepted; if the worker dies of it or before it, by the next one.

        Raises:
            WorkerLostError: If that one died, too.
        """
        for _ in range(2):
            pipe = self._pipe or self.start()
            try:
                pipe.send(arrivals)
                answers: list[Answer] = pipe.recv()
            except (EOFError, OSError):
                _logger.error("a worker was lost; another one is started")  # noqa: TRY400  # no trace
                self.stop()
            else:
                return answers
        raise WorkerLostError

    def start(self) -> Connection:
        """Start the process, but not twice in a moment, and return its pipe."""
        time.sleep(max(0.0, self._started + PAUSE_SECONDS - time.monotonic()))
        self._started = time.monotonic()
        self._pipe, theirs = multiprocessing.Pipe()
        command = [*self.command, str(theirs.fileno())]
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command, pass_fds=[theirs.fileno()]
        )
        theirs.close()
        return self._pipe

    def stop(self) -> None:
        """End the process and wait for it."""
        if self._pipe:
            self._pipe.close()
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None


def worker_command(folder: Path) -> list[str]:
    """Return what starts a worker for the office in *folder*."""
    return [sys.executable, "-m", __name__, str(folder)]


def run_worker(vault: Vault, pipe: int) -> None:
    """Serve groups that come through *pipe* (a file descriptor) until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the door tells when to end
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICE)
    door = Connection(pipe)
    with suppress(EOFError, OSError):
        while True:
            door.send(accept_group(vault, door.recv()))


def main() -> None:
    """Be a worker: ``python -m dengwen_submit.workers FOLDER PIPE``."""
    folder, pipe = sys.argv[1:]
    configure_logging()
    run_worker(Vault(Path(folder), time.time), int(pipe))


if __name__ == "__main__":
    main()
