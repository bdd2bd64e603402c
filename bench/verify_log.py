"""
How long an auditor needs to verify the log: `dengwen-audit verify` of a folder, all of it.

A tick of a minute gives 525,600 records a year, so a million are about two years. The reference is
the least that any verification must do: hash each record once, and each node of the tree once.
"""

from __future__ import annotations

import datetime
import hashlib
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import requests

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.epoch import RECORD_SIZE, Record
from dengwen_audit.merkle import Hash, leaf_hash
from dengwen_audit.monitor import Monitor
from dengwen_audit.note import Note, sign_note
from dengwen_audit.tile_paths import CHECKPOINT_PATH, TILE_WIDTH, entries_path, to_bundle
from dengwen_audit.tile_tree import Tile, TileTree
from dengwen_audit.trust import Trust, open_office, read_cards
from tests.small_office import (
    OFFICE,
    TODAY,
    WITNESSES,
    make_card,
    make_cosigning_key,
    make_key,
    make_roster,
    sign_by_roots,
)

RECORDS = 1_000_000
NOW = datetime.datetime.combine(TODAY, datetime.time(12), datetime.UTC).timestamp()
CARD = "card"


def measure(records: int = RECORDS) -> dict[str, float]:
    """Return seconds and memory for a log of so many *records*, and what they compare with."""
    with tempfile.TemporaryDirectory(prefix="dengwen-bench-") as folder:
        write_office(Path(folder), records)
        with multiprocessing.get_context("spawn").Pool(1) as fresh:  # its own peak of memory
            seconds, megabytes = fresh.apply(verify, (folder, records))
    return {
        f"verify {records:,} records s": seconds,
        f"verify {records:,} records, peak MB": megabytes,
        f"hash {records:,} records and nodes s": _hash_only(records),
    }


def write_office(folder: Path, records: int) -> None:
    """Write the public files of an office whose log has so many records."""
    roster = make_roster()
    _put(folder / CARD, sign_by_roots(make_card().to_bytes()).to_bytes())
    _put(folder / "rosters" / roster.hash.hex(), sign_by_roots(roster.to_bytes()).to_bytes())
    root = _write_log(folder / "log", records, roster.hash)
    note = sign_note(Checkpoint(OFFICE, records, root).to_bytes(), make_key(OFFICE))
    cosigners = [Cosigner(make_cosigning_key(name)) for name in WITNESSES]
    note = note.signed_by(*(cosigner.cosign(note.text, int(NOW)) for cosigner in cosigners))
    _put(folder / "log" / CHECKPOINT_PATH, note.to_bytes())


def verify(folder: str, records: int) -> tuple[float, float]:
    """Verify the folder as the command does; return seconds, and the process's peak in MB."""
    begun = time.perf_counter()
    office = open_office(folder, requests.Session())
    cards = read_cards(Note.parse((Path(folder) / CARD).read_bytes()), office.files)
    report = Monitor(office, Trust(cards[-1].policy, cards), None, NOW).visit()
    seconds = time.perf_counter() - begun
    if report.breaches or report.cosigned is None or report.cosigned.checkpoint.size != records:
        raise AssertionError(f"internal error: {report.breaches}")
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _write_log(folder: Path, records: int, roster: bytes) -> Hash:
    """Write bundles and tiles without flushing each, and return the root."""
    tree = TileTree()
    for start in range(0, records, TILE_WIDTH):
        numbers = range(start, min(start + TILE_WIDTH, records))
        entries = [_record(number, roster) for number in numbers]
        _put(folder / entries_path(start // TILE_WIDTH, len(entries)), to_bundle(entries))
        _put_tiles(folder, tree.extend(map(leaf_hash, entries)))
    _put_tiles(folder, tree.edge())
    return tree.root()


def _record(number: int, roster: bytes) -> bytes:
    events_root = Hash(hashlib.sha256(number.to_bytes(8, "big")).digest())
    return Record(events_root, roster).to_bytes()


def _put_tiles(folder: Path, tiles: Iterable[Tile]) -> None:
    for tile in tiles:
        _put(folder / tile.path, tile.to_bytes())


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _hash_only(records: int) -> float:
    """Return the seconds that the hashing alone takes: one leaf and one node for each record."""
    leaf, node = bytes(1 + RECORD_SIZE), bytes(65)
    begun = time.perf_counter()
    for _ in range(records):
        hashlib.sha256(leaf).digest()
        hashlib.sha256(node).digest()
    return time.perf_counter() - begun


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{value:>10,.2f}  {name}")
