"""
The door as it is served, in the office of the pool, whose clock stands still.

    python -m bench.crowd.serve FOLDER WORKERS door  all of it
    python -m bench.crowd.serve FOLDER WORKERS bare  the same server, which only answers
    python -m bench.crowd.serve FOLDER WORKERS at-once  all of it, and nobody asks for a delay

With a delay as many enter the log at each record, but only when its time has passed once.

The door itself counts nothing for anybody to see. Here its line is made to write down, for the
bench alone, how many wait in it and how many are committed at a time, into ``FOLDER/gauge``::

    queue 12345.678 137        at this time so many waited inside
    group 12345.701 64         so many went to a worker together
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dengwen_submit.connection import Answer, Connection, Request
from dengwen_submit.door_server import Opening, serve_door
from dengwen_submit.intake_line import IntakeLine
from dengwen_submit.web import create_door
from dengwen_submit.workers import Worker, run_worker
from dengwen_vault.admission import Arrival
from dengwen_vault.vault import Vault
from tests.vault.office import NOON

GAUGE = "gauge"
AT_ONCE = "at-once"
BARE = Answer(200, [("Content-Type", "text/plain; charset=utf-8")], b"x" * 400)
_gauge: list[str] = []  # what was not written down yet


class BareLine(IntakeLine):
    """Answers every petition once it has come in whole, and does nothing else."""

    def handle(self, _request: Request, connection: Connection) -> None:
        """Answer."""
        connection.answer(BARE)


class GaugedLine(IntakeLine):
    """The line as it is served, which writes down how long it is."""

    def tick(self) -> None:
        """Write down how many wait, and what the workers got since."""
        super().tick()
        _note("queue", len(self._throttle))
        path = self.vault.settings.folder / GAUGE
        with path.open("a", encoding="ascii") as file:
            while _gauge:
                file.write(_gauge.pop(0))


class GaugedWorker(Worker):
    """A worker as it is served, whose groups are counted."""

    at_once = False

    def __call__(self, arrivals: Sequence[Arrival]) -> list[Answer]:
        """Have a group accepted."""
        _note("group", len(arrivals))
        if self.at_once:
            arrivals = [replace(arrival, at_once=True) for arrival in arrivals]
        return super().__call__(arrivals)


def _note(what: str, count: int) -> None:
    _gauge.append(f"{what} {time.perf_counter():.3f} {count}\n")


def main() -> None:
    """Serve until told to stop."""
    folder, count, mode = sys.argv[1:]
    vault = Vault(Path(folder), lambda: NOON)
    if mode.isdigit():  # a worker, told the number of its pipe
        run_worker(vault, int(mode))
        return
    command = [sys.executable, "-m", "bench.crowd.serve", folder, count]
    workers = [GaugedWorker(command) for _ in range(int(count) if mode != "bare" else 0)]
    GaugedWorker.at_once = mode == AT_ONCE
    line = BareLine if mode == "bare" else GaugedLine
    app = create_door(vault, lambda: NOON)
    opening = Opening(app, vault, workers=workers, make_line=line)
    serve_door(opening, "127.0.0.1", 0, lambda port: print(port, flush=True))


if __name__ == "__main__":
    main()
