"""A file that tells how far it has been read."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

Progress = Callable[[int], None]


class Watched:
    """
    Reads a file, and calls *progress* with the number of bytes of each piece.

    Args:
        file: The file, at its beginning.
    """

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        """Return at most *size* bytes, or none at the end."""
        piece = self._file.read(size)
        self._progress(len(piece))
        return piece
