"""
Real sealed petitions, made beforehand by the petitioner's own client, no two alike.

Sealing one takes some milliseconds, a hundred times what the generator may spend on sending it. So
they are sealed once, on all cores, and kept in ``build/``; a run takes each of them at most once.
They are for the small office of the tests, whose roster and clock stand still.

    python -m bench.crowd.pool 40000
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from dengwen_keys.sealing import seal
from dengwen_keys.words import Words
from tests.small_office import make_roster
from tests.vault.office import DRAFT

BODY = "x" * 4096
POOL = Path(__file__).parents[2] / "build" / "crowd-pool"
BATCH = 250
_LENGTH = struct.Struct(">I")


def fill(count: int, path: Path = POOL) -> None:
    """Let the pool at *path* hold at least *count* petitions; those that are there stay."""
    path.parent.mkdir(exist_ok=True)
    missing = count - sum(1 for _ in _spans(path.read_bytes() if path.exists() else b""))
    batches = [BATCH] * -(-missing // BATCH)
    with path.open("ab") as file, ProcessPoolExecutor(os.cpu_count()) as workers:
        for batch in workers.map(_seal_some, batches):
            file.write(batch)


class Pool:
    """The petitions of a pool by number, read from the page cache."""

    def __init__(self, path: Path = POOL) -> None:
        """Open the pool."""
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._spans = list(_spans(self._data))

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, number: int) -> bytes:
        start, stop = self._spans[number]
        return self._data[start:stop]


def _spans(data: bytes | mmap.mmap) -> Iterator[tuple[int, int]]:
    start, end = 0, len(data)
    while start + _LENGTH.size <= end:
        (length,) = _LENGTH.unpack_from(data, start)
        start += _LENGTH.size
        if start + length > end:
            return  # a run that was cut off
        yield start, start + length
        start += length


def _seal_some(count: int) -> bytes:
    draft, roster = replace(DRAFT, body=BODY), make_roster()
    sealed = (seal(draft, Words.generate(), roster).to_bytes() for _ in range(count))
    return b"".join(_LENGTH.pack(len(data)) + data for data in sealed)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
