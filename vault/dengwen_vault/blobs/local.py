"""
Blobs in a folder of this machine.

::

    DIR/blobs/3a/3af0…            a blob, 0600, of the first moment of 1970
    DIR/blobs/.new/…              what is being written, locked by whoever writes it

A blob is written beside its place, flushed, moved into place, and the folder flushed. It is never
changed in place: the same blob again is moved over the one before, with the same bytes; so it takes
as long as the first time, and mends one that the disk has spoilt.

Files and folders get one fixed time, and reading leaves none: what else a file system notes is told
in docs/limitations.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from dengwen_audit.tile_writer import sync_folder
from dengwen_vault.blobs.store import name_of, path_of
from dengwen_vault.errors import MissingBlobError, UnavailableError

NEW = ".new"
FILE_MODE = 0o600
FOLDER_MODE = 0o700
NO_TIME = (0, 0)  # last read, last changed: seconds since 1970

_NO_ATIME: int = getattr(os, "O_NOATIME", 0)  # Linux has it


class LocalBlobs:
    """
    Blobs in a folder.

    Args:
        folder: Made with the first blob.
    """

    def __init__(self, folder: Path) -> None:
        """Touch nothing yet."""
        self._folder = folder
        self._durable: set[Path] = set()  # folders whose names this process has flushed
        self._is_swept = False

    def put(self, data: bytes) -> bytes:
        """Store a blob; see `Blobs.put`."""
        sha256 = hashlib.sha256(data).digest()
        place = self._folder / path_of(sha256)
        with _unavailable():
            for folder in (self._folder / NEW, place.parent):
                self._make_folder(folder)
            if not self._is_swept:
                self._sweep()
            self._write(place, data)
        return sha256

    def read(self, sha256: bytes, start: int, length: int) -> bytes:
        """Return a piece of a blob; see `Blobs.read`."""
        with _unavailable():
            try:
                descriptor = os.open(self._folder / path_of(sha256), os.O_RDONLY | _NO_ATIME)
            except FileNotFoundError:
                raise MissingBlobError from None
            with os.fdopen(descriptor, "rb") as file:
                file.seek(start)
                return file.read(length)

    def has(self, sha256: bytes) -> bool:
        """Tell whether there is a blob of this name."""
        with _unavailable():
            return (self._folder / path_of(sha256)).exists()

    def names(self) -> Iterator[bytes]:
        """Go through the names of all blobs."""
        with _unavailable():
            for path in self._folder.glob("*/*"):
                if sha256 := name_of(str(path.relative_to(self._folder))):
                    yield sha256

    def _make_folder(self, folder: Path) -> None:
        """
        Make a folder that only its owner can read, durable in the one above it.

        One that is there may be of a process that died before it flushed its name, or of one that
        is about to: so every process flushes it once.
        """
        if folder in self._durable:
            return
        if folder != self._folder:
            self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=FOLDER_MODE)
        if folder != self._folder:
            os.utime(folder.parent, NO_TIME)
        sync_folder(folder.parent)
        self._durable.add(folder)

    def _write(self, place: Path, data: bytes) -> None:
        temporary = self._folder / NEW / secrets.token_hex(16)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, FILE_MODE), "wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # whoever sweeps sees that it is being written
                file.write(data)
                file.flush()
                os.utime(file.fileno(), NO_TIME)
                os.fsync(file.fileno())
                temporary.replace(place)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        for folder in (temporary.parent, place.parent):
            os.utime(folder, NO_TIME)
        sync_folder(place.parent)

    def _sweep(self) -> None:
        """Remove what processes that were killed had begun to write."""
        for path in (self._folder / NEW).iterdir():
            with contextlib.suppress(OSError), path.open("rb") as file:  # another may sweep, too
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        self._is_swept = True


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """Say that the folder cannot do something now; the system's own words hold a name."""
    try:
        yield
    except OSError as error:
        raise UnavailableError("the folder of attachments cannot do this now") from error
