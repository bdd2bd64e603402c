"""
Real sealed petitions, made beforehand by the petitioner's own client (`bench.crowd.fill`).

Two files in ``build/``: the sealed petitions, and beside them the heads: of each petition all that
comes before its sealed parts, spelt as the generator sends it. The first heads are those that were
sealed so; the others are under other case keys and have the sealed parts of the first, in turn.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path

from bench.crowd.rekey import head_of
from dengwen_submit.ticket import case_hash

POOL = Path(__file__).parents[2] / "build" / "crowd-pool"
SEALED = 40_000  # for `make bench-crowd`
HEADS = "-heads-"
LENGTH = struct.Struct(">I")

_CASE, _NOTHING = b"Dengwen-Case: ", b"Host: door\r\nContent-Length: 0\r\n"


class Pool:
    """
    The petitions of a pool by number, read from the page cache.

    A petition is sent in two pieces, so that nothing is copied or computed for it at that time.
    """

    def __init__(self, path: Path = POOL) -> None:
        """Open the pool."""
        self.path = path
        self._sealed = Records(path)
        self._heads = Records(heads_of(path, len(self._sealed)))
        self._begin = len(head_of(bytes(self._sealed[0])).data)  # `fill` saw that all agree

    def __len__(self) -> int:
        return len(self._heads)

    @property
    def sealed(self) -> int:
        """How many of them were sealed as they are."""
        return len(self._sealed)

    def pieces(self, number: int) -> tuple[memoryview, memoryview]:
        """Return the request without its first line, up to the parts; and the parts."""
        return self._heads[number], self._sealed[number % len(self._sealed)][self._begin :]

    def place(self, number: int) -> bytes:
        """Return the lines of a request that asks for a place, without its first."""
        fields, _, _ = bytes(self._heads[number]).partition(b"\r\n\r\n")
        return _NOTHING + fields[fields.index(_CASE) :] + b"\r\n\r\n"

    def announced(self, number: int) -> bytes:
        """Return the hash of the case id, as the header announces it."""
        head = bytes(self._heads[number])
        return case_hash(head_of(head.partition(b"\r\n\r\n")[2]).case)

    def petition(self, number: int) -> bytes:
        """Return one petition whole."""
        head, parts = self.pieces(number)
        return bytes(head).partition(b"\r\n\r\n")[2] + bytes(parts)


class Records:
    """A file of byte strings with their lengths before them; one that was cut off is left out."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self._starts = array("Q", _starts(self._data))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @property
    def end(self) -> int:
        """Where the last whole one ends."""
        return self._starts[-1]

    def __getitem__(self, number: int) -> memoryview:
        return self._data[self._starts[number] + LENGTH.size : self._starts[number + 1]]


def _starts(data: memoryview) -> Iterator[int]:
    start, end = 0, len(data)
    yield start
    while start + LENGTH.size <= end:
        start += LENGTH.size + LENGTH.unpack_from(data, start)[0]
        if start <= end:
            yield start


def heads_of(path: Path, sealed: int) -> Path:
    """Name the file of heads; which parts belong to one depends on how many there are."""
    return path.with_name(f"{path.name}{HEADS}{sealed}")
