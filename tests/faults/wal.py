"""
SQLite's write-ahead log as bytes: where its frames and its commits end.

::

    32 bytes    header; the salts stand at 16
    then frames of 24 bytes and a page; a frame whose "size of the database" is not zero is a commit

A frame counts only if the checksum over everything before it and itself is right: frames of a
process that was killed before it could tell of them are written over, and what is left of them
behind the end bears the right salts still.

Source: SQLite's file format, section 4.
"""

from __future__ import annotations

import functools
import sqlite3
import struct
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

from tests.patience import PATIENCE

_HEADER = 32  # bytes
_FRAME_HEADER = 24  # bytes
_PAGE_SIZE_AT, _SALTS_AT, _CHECKSUM_AT = 8, 16, 24
_BIG_ENDIAN_CHECKSUMS = 0x377F0683  # the magic number of a log that sums big-endian words
_WORD = 0xFFFFFFFF


@functools.lru_cache(maxsize=4)
def commits(wal: bytes) -> tuple[int, ...]:
    """Return the lengths at which a commit ends, ascending; the last is the end of what counts."""
    return tuple(end for end, is_commit in _frames(wal) if is_commit)


def _frames(wal: bytes) -> Iterator[tuple[int, bool]]:
    (page_size,) = struct.unpack_from(">I", wal, _PAGE_SIZE_AT)
    salts = wal[_SALTS_AT : _SALTS_AT + 8]
    big_endian = struct.unpack_from(">I", wal)[0] == _BIG_ENDIAN_CHECKSUMS
    checksum = struct.unpack_from(">II", wal, _CHECKSUM_AT)
    size = _FRAME_HEADER + page_size
    for start in range(_HEADER, len(wal) - size + 1, size):
        _, pages = struct.unpack_from(">II", wal, start)
        summed = wal[start : start + 8] + wal[start + _FRAME_HEADER : start + size]
        checksum = _sum(summed, checksum, big_endian=big_endian)
        told = struct.unpack_from(">II", wal, start + 16)
        if wal[start + 8 : start + 16] != salts or told != checksum:
            return
        yield start + size, pages != 0


def _sum(data: bytes, checksum: tuple[int, int], *, big_endian: bool) -> tuple[int, int]:
    words = array("I", data)
    if big_endian != (sys.byteorder == "big"):
        words.byteswap()
    first, second = checksum
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _WORD
        second = (second + odd + first) & _WORD
    return first, second


def put_torn(database: Path, wal: bytes, length: int, folder: Path) -> Path:
    """Write a copy of *database* into *folder* whose log ends after *length* bytes."""
    target = folder / database.name
    target.write_bytes(database.read_bytes())
    Path(f"{target}-wal").write_bytes(wal[:length])
    Path(f"{target}-shm").unlink(missing_ok=True)  # memory, which is gone with the power
    return target


def ask(path: Path, query: str) -> list[object]:
    """Return the first column of what a database answers."""
    database = sqlite3.connect(path, timeout=PATIENCE)
    try:
        return [row[0] for row in database.execute(query)]
    finally:
        database.close()
