"""
The door as it is served, in the office of the pool, whose clock stands still.

    python -m bench.crowd.serve FOLDER WORKERS door  all of it
    python -m bench.crowd.serve FOLDER WORKERS bare  the same server, which only answers
"""

from __future__ import annotations

import sys
from pathlib import Path

from dengwen_submit.connection import Answer, Connection, Request
from dengwen_submit.door_server import Opening, serve_door
from dengwen_submit.intake_line import IntakeLine
from dengwen_submit.web import create_door
from dengwen_submit.workers import Worker, run_worker
from dengwen_vault.vault import Vault
from tests.vault.office import NOON

BARE = Answer(200, [("Content-Type", "text/plain; charset=utf-8")], b"x" * 400)


class BareLine(IntakeLine):
    """Answers every petition once it has come in whole, and does nothing else."""

    def handle(self, _request: Request, connection: Connection) -> None:
        """Answer."""
        connection.answer(BARE)


def main() -> None:
    """Serve until told to stop."""
    folder, processes, mode = sys.argv[1:]
    vault = Vault(Path(folder), lambda: NOON)
    if mode.isdigit():  # a worker, told the number of its pipe
        run_worker(vault, int(mode))
        return
    command = [sys.executable, "-m", "bench.crowd.serve", folder, processes]
    workers = [Worker(command) for _ in range(int(processes) if mode == "door" else 0)]
    line = BareLine if mode == "bare" else IntakeLine
    app = create_door(vault, lambda: NOON)
    opening = Opening(app, vault, workers=workers, make_line=line)
    serve_door(opening, "127.0.0.1", 0, lambda port: print(port, flush=True))


if __name__ == "__main__":
    main()
