"""
Real sealed petitions, made beforehand by the petitioner's own client, no two alike.

Sealing one takes some milliseconds, a hundred times what the generator may spend on sending it. So
they are sealed once, on all cores, and kept in ``build/``; a run takes each of them at most once. A
run that needs more has them under other case keys (`bench.crowd.rekey`). They are for the small
office of the tests, whose roster and clock stand still.

    python -m bench.crowd.pool 40000

Two files: the sealed petitions, and beside them the heads: of each petition all that comes before
its sealed parts, spelt as the generator sends it, the first of them those that were sealed so.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.crowd.rekey import head_of, rekey
from dengwen_keys.sealing import seal
from dengwen_keys.words import Words
from dengwen_submit.ticket import case_hash
from tests.small_office import make_roster
from tests.vault.office import DRAFT

BODY = "x" * 4096
POOL = Path(__file__).parents[2] / "build" / "crowd-pool"
SEALED = 40_000  # for `make bench-crowd`
BATCH = 250
_HEADS = "-heads-"
_LENGTH = struct.Struct(">I")


def fill(count: int, path: Path = POOL, different: int = 0) -> None:
    """
    Let the pool at *path* hold at least *count* sealed petitions; those that are there stay.

    Args:
        different: How many different petitions are needed in all; those beyond *count* have the
            sealed parts of others.
    """
    path.parent.mkdir(exist_ok=True)
    _grow(path, count, _seal_some)
    sealed = len(_Records(path))
    _grow(_heads(path, sealed), max(sealed, different), partial(_heads_of, path, sealed))


def shrink(path: Path = POOL) -> None:
    """Give back the space of all heads."""
    for heads in path.parent.glob(f"{path.name}{_HEADS}*"):
        heads.unlink()


class Pool:
    """
    The petitions of a pool by number, read from the page cache.

    A petition is sent in two pieces, so that nothing is copied or computed for it at that time.
    """

    def __init__(self, path: Path = POOL) -> None:
        """Open the pool."""
        self.path = path
        self._sealed = _Records(path)
        self._heads = _Records(_heads(path, len(self._sealed)))
        self._begin = len(head_of(bytes(self._sealed[0])).data)  # `_heads_of` saw that all agree

    def __len__(self) -> int:
        return len(self._heads)

    @property
    def sealed(self) -> int:
        """How many of them were sealed as they are."""
        return len(self._sealed)

    def pieces(self, number: int) -> tuple[memoryview, memoryview]:
        """Return the request without its first line, up to the parts; and the parts."""
        return self._heads[number], self._sealed[number % len(self._sealed)][self._begin :]

    def announced(self, number: int) -> bytes:
        """Return the hash of the case id, as the header announces it."""
        head = bytes(self._heads[number])
        return case_hash(head_of(head.partition(b"\r\n\r\n")[2]).case)

    def petition(self, number: int) -> bytes:
        """Return one petition whole."""
        head, parts = self.pieces(number)
        return bytes(head).partition(b"\r\n\r\n")[2] + bytes(parts)


class _Records:
    """A file of byte strings with their lengths before them; one that was cut off is left out."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self._starts = array("Q", _starts(self._data))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, number: int) -> memoryview:
        return self._data[self._starts[number] + _LENGTH.size : self._starts[number + 1]]


def _starts(data: memoryview) -> Iterator[int]:
    start, end = 0, len(data)
    yield start
    while start + _LENGTH.size <= end:
        start += _LENGTH.size + _LENGTH.unpack_from(data, start)[0]
        if start <= end:
            yield start


def _grow(path: Path, count: int, make: Callable[[int, int], bytes]) -> None:
    """Append to a file of records until it holds *count*, made by *make* from number to number."""
    here = len(_Records(path)) if path.exists() and path.stat().st_size else 0
    if here >= count:
        return
    begins = range(here, count, BATCH)
    with path.open("ab") as file, ProcessPoolExecutor(os.cpu_count()) as workers:
        for batch in workers.map(make, begins, [min(b + BATCH, count) for b in begins]):
            file.write(batch)


def _seal_some(begin: int, end: int) -> bytes:
    draft, roster = replace(DRAFT, body=BODY), make_roster()
    sealed = (seal(draft, Words.generate(), roster).to_bytes() for _ in range(begin, end))
    return b"".join(_LENGTH.pack(len(data)) + data for data in sealed)


def _heads_of(path: Path, sealed: int, begin: int, end: int) -> bytes:
    petitions = _Records(path)
    length = len(head_of(bytes(petitions[0])).data)
    records = []
    for number in range(begin, end):
        head = head_of(bytes(petitions[number % sealed]))
        if number >= sealed:
            head = rekey(head, f"petition {number} of a crowd")
        if len(head.data) != length:
            raise AssertionError("internal error: the petitions of a pool are not alike")
        records.append(head.to_record())
    return b"".join(_LENGTH.pack(len(record)) + record for record in records)


def _heads(path: Path, sealed: int) -> Path:
    """Name the file of heads; which parts belong to one depends on how many there are."""
    return path.with_name(f"{path.name}{_HEADS}{sealed}")


if __name__ == "__main__":
    fill(int(sys.argv[1]))
