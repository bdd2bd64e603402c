"""
The door as it is served, in the office of the pool, whose clock stands still.

    python -m bench.crowd.serve FOLDER PORT door   all of it
    python -m bench.crowd.serve FOLDER PORT bare   the same server, which only answers each petition
"""

from __future__ import annotations

import sys
from pathlib import Path

from dengwen_submit.connection import Answer, Connection, Request
from dengwen_submit.door_server import serve_door
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
    folder, port, mode = sys.argv[1:]
    vault = Vault(Path(folder), lambda: NOON)
    door = create_door(vault, lambda: NOON)
    line = BareLine if mode == "bare" else IntakeLine
    serve_door(door, vault, "127.0.0.1", int(port), _tell, make_line=line)


def _tell(port: int) -> None:
    print(port, flush=True)


if __name__ == "__main__":
    main()
