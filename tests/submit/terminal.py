"""A person at a terminal: types commands, reads what is printed, looks into her folder."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import requests
from click.testing import CliRunner

from dengwen_submit.cli import main as command
from dengwen_submit.cli.options import Surroundings


@dataclass(frozen=True)
class Shown:
    """
    What one command did.

    Attributes:
        code: Its exit code.
        out: Standard output.
        err: Standard error.
    """

    code: int
    out: str
    err: str


class Terminal:
    """
    A terminal in a folder.

    Attributes:
        folder: Where commands run.
        surroundings: The clock, and the network, if there is one.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.surroundings = Surroundings(open_session=_no_network)
        self._patch = monkeypatch

    def run(self, *args: str, typed: str = "", charset: str = "utf-8") -> Shown:
        """
        Run the command as the shell would, whatever it refuses included.

        Args:
            typed: What is typed while it runs.
            charset: Of the terminal.
        """
        with self._patch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["dengwen-submit", *args])
            patch.setattr(command.group, "context_settings", {"obj": self.surroundings})
            done = CliRunner(charset=charset).invoke(_program, input=typed)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Shown(done.exit_code, done.stdout, done.stderr)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def files(self) -> list[str]:
        """List every file, by its path in the folder."""
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.folder)) for path in paths)

    def everything(self, *shown: Shown) -> bytes:
        """Return all bytes in the folder, and all that was *shown*."""
        stored = b"".join((self.folder / name).read_bytes() for name in self.files())
        return stored + "".join(one.out + one.err for one in shown).encode()


@click.command()
def _program() -> None:
    """Call what the shell calls."""
    command.main()


def _no_network(_: str | None) -> requests.Session:
    raise AssertionError("a command that works offline asked for the network")
