"""
SQLite's write-ahead log on the disk: how much of it is not in the main file yet, and a flush.

How long the log is, SQLite tells no program but its own library; it stands in the index beside the
log, which every process maps, in the order of bytes of the machine::

    path-shm   14  u16  bytes of a page (1 for 65,536)
               16  u32  pages in the log
               96  u32  of these, pages that are in the main file

Source: https://sqlite.org/walformat.html, sections 2.1 and 2.2.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
from pathlib import Path

_HEADER = struct.Struct("=14xHI76xI")


_indexes: dict[str, int] = {}  # by its path: a descriptor of an index
_lock = threading.Lock()


def bytes_to_copy(path: str) -> int:
    """Return how many bytes of the log of the database at *path* are not in its main file."""
    with _lock:
        index = _open_index(f"{path}-shm")
        header = b"" if index is None else os.pread(index, _HEADER.size, 0)
    if len(header) < _HEADER.size:
        return 0
    page, pages, copied = map(int, _HEADER.unpack(header))
    return max(0, pages - copied) * (1 << 16 if page == 1 else page)


def _open_index(path: str) -> int | None:
    """
    Return a descriptor of the index, which stays open.

    SQLite locks this file, and whoever closes any descriptor of a file loses all locks that the
    process has on it. So one is closed only when SQLite itself has removed the file.
    """
    known = _indexes.get(path)
    try:
        found = Path(path).stat()
    except FileNotFoundError:  # nobody has the database open
        found = None
    if known is not None and (found is None or not os.path.samestat(found, os.fstat(known))):
        os.close(_indexes.pop(path))
    if path not in _indexes and found is not None:
        _indexes[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return _indexes.get(path)


def flush_log(path: str) -> None:
    """
    Flush what a process wrote to SQLite's log and did not live to flush: it counts as committed.

    Else whoever finds it there, and changes nothing, would acknowledge what the disk may not have.
    """
    try:
        log = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(log)
    except OSError as error:
        raise sqlite3.OperationalError("the log cannot be flushed") from error
    finally:
        os.close(log)
