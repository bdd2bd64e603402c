"""
Small disks for tests: each a file system of its own in memory, which can be filled and emptied.

They are mounted in a mount namespace that this process makes for itself, so that nobody else sees
them and nothing is left of them when it ends; making it takes root. Where that is not allowed,
there is `limit_files`, by which the kernel refuses to a process every file beyond a length.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNS = 0x20000
_MS_REC_PRIVATE = 0x4000 | 0x40000
_FILLER = "filler"


class NoDiskError(Exception):
    """This machine lets nobody here mount a file system."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """
    Mount a file system of *size* (such as 8m) at *folder* for a while.

    Raises:
        NoDiskError: If that is not allowed here.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) or libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None):
        raise NoDiskError(f"no disk can be mounted here: {os.strerror(ctypes.get_errno())}")
    folder.mkdir(parents=True)
    options = f"size={size}".encode()
    if libc.mount(b"none", bytes(folder), b"tmpfs", 0, options):
        raise NoDiskError(f"no disk can be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> None:
    """Leave no free byte on a disk."""
    with (disk / _FILLER).open("ab", buffering=0) as filler:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    filler.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def free(disk: Path) -> None:
    """Give the space back."""
    (disk / _FILLER).unlink()


def limit_files(pid: int, size: int) -> None:
    """Let a running process write no file beyond *size* bytes; -1 for any."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
