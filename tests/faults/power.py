"""
Loss of power: what was written and not flushed is gone.

Processes run with a library that copies every file and every folder's names at the moment they are
flushed (`forgetful_disk.c`). When the power goes, a folder is made of these copies alone: a name
that was never flushed is not there, a file that was never flushed is empty, and everything else is
as it was at its last flush. That is the most that a disk which keeps its word may take.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ForgetfulDisk:
    """
    What is kept of a *folder*; the copies lie in *kept*.

    The folder must be at rest when this is made: all that it holds then counts as flushed.
    """

    folder: Path
    kept: Path

    def begin(self) -> None:
        """Take everything in the folder as flushed."""
        shutil.rmtree(self.kept, ignore_errors=True)
        self.kept.mkdir()
        for path in [self.folder, *self.folder.rglob("*")]:
            inode = path.stat().st_ino
            if path.is_dir():
                lines = [
                    f"{'d' if entry.is_dir() else 'f'} {entry.stat().st_ino} {entry.name}\n"
                    for entry in path.iterdir()
                ]
                (self.kept / f"folder-{inode}").write_text("".join(lines), encoding="utf-8")
            else:
                shutil.copyfile(path, self.kept / f"file-{inode}")

    def lose_power(self) -> None:
        """Put into the folder's place what a loss of power leaves of it."""
        left = self.folder.with_name(f"{self.folder.name}-left")
        self._restore(self.folder.stat().st_ino, left)
        shutil.rmtree(self.folder)
        left.rename(self.folder)
        self.begin()

    def _restore(self, inode: int, target: Path) -> None:
        target.mkdir(mode=0o700)
        names = self.kept / f"folder-{inode}"
        lines = names.read_text("utf-8").splitlines() if names.exists() else []
        for line in lines:
            kind, number, name = line.split(" ", 2)
            if kind == "d":
                self._restore(int(number), target / name)
            elif not name.endswith("-shm"):  # memory that several processes share
                (target / name).touch(mode=0o600)
                if (self.kept / f"file-{number}").exists():
                    shutil.copyfile(self.kept / f"file-{number}", target / name)
