"""
What an office takes on disk: by table and index, a tick's part of the log, and what follows of it.

What is measured is one office; what it would be after a year, or at a hundred million cases, is
calculated from its bytes a case, and is called so.

Of segments a case has the slots that rows name. Those that are free, and those that belong to
nobody, are told only with the whole: a small office has more of them than of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from dengwen_audit.epoch import RECORD_SIZE
from dengwen_audit.tile_paths import TILE_WIDTH
from dengwen_vault.settings import SEALED_FOLDER

TICKS_A_YEAR = 365 * 24 * 60
HASH_SIZE, LENGTH_SIZE = 32, 2
WALKED = 5_000_000_000  # bytes: a larger database is not read through
DATABASE = "vault.sqlite3"
SEGMENTS = "segments"
BLOCK = 512  # bytes: in these the system tells what a file takes on disk


def space_of(folder: Path) -> dict[str, dict[str, float]]:
    """Return the bytes of an office whose folder this is: on disk, and a case of it by table."""
    path, log = folder / "office" / DATABASE, folder / "office" / "public" / "log"
    if not path.exists():
        return {}
    files = [file for file in log.rglob("*") if file.is_file()]
    segments = list((folder / "office" / SEALED_FOLDER).glob("*"))
    whole = {
        "database": float(path.stat().st_size),
        "log files": float(len(files)),
        "log": float(sum(file.stat().st_size for file in files)),
        "segment files": float(len(segments)),
        SEGMENTS: float(allocated(segments)),
    }
    if whole["database"] > WALKED:
        return {"bytes": whole}
    with sqlite3.connect(path) as connection:
        # With one row a tree `pageno` counts its pages; `pgsize` has only 32 bits.
        tables = connection.execute(
            "SELECT name, pageno * page_size FROM dbstat('main', 1), pragma_page_size"
            " ORDER BY 2 DESC"
        ).fetchall()
        named = connection.execute(
            "SELECT segment, count(*) FROM petition GROUP BY segment"
        ).fetchall()
    connection.close()
    cases = sum(count for _, count in named)
    slots = sum(_slot_size(segment) * count for segment, count in named)
    sizes = [(SEGMENTS, slots), *tables]
    return {"bytes": whole, "bytes a case": {name: size / cases for name, size in sizes if size}}


def _slot_size(segment: str) -> int:
    """Return the size of a segment's slots: its name begins with it."""
    return int(segment.partition("-")[0])


def allocated(files: Iterable[Path]) -> int:
    """Return how many bytes *files* really take on disk, be they longer or shorter."""
    return sum(file.stat().st_blocks * BLOCK for file in files)


def yearly() -> dict[str, float]:
    """Return what a year of empty ticks adds to the log, calculated."""
    bundle = TILE_WIDTH * (LENGTH_SIZE + RECORD_SIZE)
    tiles = TILE_WIDTH * HASH_SIZE * TILE_WIDTH / (TILE_WIDTH - 1)
    bundles = TICKS_A_YEAR / TILE_WIDTH
    return {
        "log, bytes a tick": (bundle + tiles) / TILE_WIDTH,
        "log, bytes a year": (bundle + tiles) * bundles,
        "log, files a year": bundles * (1 + TILE_WIDTH / (TILE_WIDTH - 1)),
    }
