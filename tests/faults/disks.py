"""
Small disks for tests: each a file system of its own in memory, which can be filled and emptied.

It is mounted in the mount namespace of one process, which holds it, and is reached through that
process's root; when the process ends, nothing of it is left. Where no namespace may be made, there
is `limit_files`, by which the kernel refuses every file of a process beyond a length.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOLD = """
import sys; sys.path.insert(0, sys.argv[2])
from tests.faults.launch import die_with_parent
die_with_parent()
print(flush=True)
sys.stdin.read()
"""
_FILLER = "filler"


class NoDiskError(Exception):
    """This machine lets nobody here mount a file system."""


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """
    Mount a file system of *size* (such as 8m) for a while; return its folder.

    Raises:
        NoDiskError: If that is not allowed here.
    """
    here = str(Path(__file__).parents[2])
    mount = f'mount -t tmpfs -o size={size} none /mnt && exec "$0" -c "$1" hold "$2"'
    command = ["unshare", *_options(), "sh", "-c", mount, sys.executable, _HOLD, here]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as holder:
        try:
            if not holder.stdout or not holder.stdout.readline():
                raise NoDiskError("no file system can be mounted here")
            yield Path(f"/proc/{holder.pid}/root/mnt")
        finally:
            holder.kill()


def fill(disk: Path) -> None:
    """Leave no free byte on a disk."""
    with (disk / _FILLER).open("ab") as filler:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    filler.write(bytes(size))
                    filler.flush()
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def free(disk: Path) -> None:
    """Give the space back."""
    (disk / _FILLER).unlink()


def limit_files(pid: int, size: int) -> None:
    """Let a running process write no file beyond *size* bytes; -1 for any."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _options() -> tuple[str, ...]:
    return ("-m",) if os.geteuid() == 0 else ("-m", "-r")
