"""
The door as it is served, in the office of the pool, whose clock stands still.

    python -m bench.crowd.serve FOLDER PROCESSES door  all of it
    python -m bench.crowd.serve FOLDER PROCESSES bare  the same server, which only answers
"""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

from dengwen_submit.connection import Answer, Connection, Request
from dengwen_submit.crew import run_crew
from dengwen_submit.door_server import Opening, serve_door, serve_listener
from dengwen_submit.intake_line import IntakeLine
from dengwen_submit.web import create_door
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

    def opening() -> Opening:
        vault = Vault(Path(folder), lambda: NOON)
        line = BareLine if mode == "bare" else IntakeLine
        return Opening(create_door(vault, lambda: NOON), vault, make_line=line)

    if int(processes) == 1:
        serve_door(opening(), "127.0.0.1", 0, _tell)
        return

    def serve(listener: socket.socket, stop: threading.Event) -> None:
        serve_listener(opening(), listener, stop)

    sys.exit(run_crew(int(processes), ("127.0.0.1", 0), serve, _tell))


def _tell(port: int) -> None:
    print(port, flush=True)


if __name__ == "__main__":
    main()
