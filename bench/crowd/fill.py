"""
Fills a pool: petitions are sealed by the petitioner's own client, on all cores, and kept.

Sealing one takes some milliseconds, a hundred times what the generator may spend on sending it.
They are for the small office of the tests, whose roster and clock stand still. A run that needs
more of them than were sealed has them under other case keys (`bench.crowd.rekey`).

    python -m bench.crowd.fill 40000
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from bench.crowd.pool import HEADS, LENGTH, POOL, Records, heads_of
from bench.crowd.rekey import head_of, rekey
from dengwen_keys.sealing import seal
from dengwen_keys.words import Words
from tests.small_office import make_roster
from tests.vault.office import DRAFT

BODY = "x" * 4096
BATCH = 250


def fill(count: int, path: Path = POOL, different: int = 0) -> None:
    """
    Let the pool at *path* hold at least *count* sealed petitions; those that are there stay.

    Args:
        different: How many different petitions are needed in all; those beyond *count* have the
            sealed parts of others.
    """
    path.parent.mkdir(exist_ok=True)
    _grow(path, count, _seal_some)
    sealed = len(Records(path))
    _grow(heads_of(path, sealed), max(sealed, different), partial(_make_heads, path, sealed))


def shrink(path: Path = POOL) -> None:
    """Give back the space of all heads."""
    for heads in path.parent.glob(f"{path.name}{HEADS}*"):
        heads.unlink()


def _grow(path: Path, count: int, make: Callable[[int, int], bytes]) -> None:
    """Append to a file of records until it holds *count*, made by *make* from number to number."""
    path.touch()
    records = Records(path) if path.stat().st_size else None
    here = len(records) if records else 0
    if here >= count:
        return
    os.truncate(path, records.end if records else 0)  # what was cut off goes
    begins = range(here, count, BATCH)
    with path.open("ab") as file, ProcessPoolExecutor(os.cpu_count()) as workers:
        for batch in workers.map(make, begins, [min(b + BATCH, count) for b in begins]):
            file.write(batch)


def _seal_some(begin: int, end: int) -> bytes:
    draft, roster = replace(DRAFT, body=BODY), make_roster()
    sealed = (seal(draft, Words.generate(), roster).to_bytes() for _ in range(begin, end))
    return b"".join(LENGTH.pack(len(data)) + data for data in sealed)


def _make_heads(path: Path, sealed: int, begin: int, end: int) -> bytes:
    petitions = _open(path)
    length = len(head_of(bytes(petitions[0])).data)
    records = []
    for number in range(begin, end):
        head = head_of(bytes(petitions[number % sealed]))
        if number >= sealed:
            head = rekey(head, f"petition {number} of a crowd")
        if len(head.data) != length:
            raise AssertionError("internal error: the petitions of a pool are not alike")
        records.append(head.to_record())
    return b"".join(LENGTH.pack(len(record)) + record for record in records)


@lru_cache(1)
def _open(path: Path) -> Records:
    return Records(path)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
