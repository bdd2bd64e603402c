"""
SQLite's write-ahead log as bytes: where its frames and its commits end.

::

    32 bytes    header; the salts stand at 16
    then frames of 24 bytes and a page; a frame whose "size of the database" is not zero is a commit

Source: SQLite's file format, section 4.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER = 32  # bytes
_FRAME_HEADER = 24  # bytes
_PAGE_SIZE_AT, _SALTS_AT = 8, 16


def commits(wal: bytes) -> list[int]:
    """Return the lengths at which a commit ends, ascending; the last is the end of what counts."""
    return [end for end, is_commit in _frames(wal) if is_commit]


def _frames(wal: bytes) -> Iterator[tuple[int, bool]]:
    (page_size,) = struct.unpack_from(">I", wal, _PAGE_SIZE_AT)
    salts = wal[_SALTS_AT : _SALTS_AT + 8]
    size = _FRAME_HEADER + page_size
    for start in range(_HEADER, len(wal) - size + 1, size):
        _, pages = struct.unpack_from(">II", wal, start)
        if wal[start + 8 : start + 16] != salts:
            return
        yield start + size, pages != 0


def put_torn(database: Path, wal: bytes, length: int, folder: Path) -> Path:
    """Write a copy of *database* into *folder* whose log ends after *length* bytes."""
    target = folder / database.name
    target.write_bytes(database.read_bytes())
    Path(f"{target}-wal").write_bytes(wal[:length])
    Path(f"{target}-shm").unlink(missing_ok=True)  # memory, which is gone with the power
    return target


def ask(path: Path, query: str) -> list[object]:
    """Return the first column of what a database answers."""
    database = sqlite3.connect(path)
    try:
        return [row[0] for row in database.execute(query)]
    finally:
        database.close()
