"""Tests of tiles.py: files may come from anyone, and nothing wrong comes of them."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.epoch import RECORD_SIZE, Record
from dengwen_audit.errors import AuditError, ProofError
from dengwen_audit.merkle import (
    EMPTY_ROOT,
    Hash,
    check_consistency,
    check_inclusion,
    leaf_hash,
    prove_consistency,
    root,
)
from dengwen_audit.tile_paths import MAX_FILE_BYTES, entries_path, tile_path
from dengwen_audit.tile_writer import TileWriter
from dengwen_audit.tiles import (
    FolderTiles,
    HttpTiles,
    MissingTileError,
    TileError,
    TileReader,
    VerifiedLog,
    iter_bundles,
    read_checkpoint,
    walk,
)
from tests.small_log import ORIGIN, SmallLog, seed
from tests.wsgi_adapter import WsgiAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SIZE = 70_000
URL = "https://dengwen.example/log"


def entry(number: int) -> bytes:
    """Return the record with this number."""
    return Record(Hash(leaf_hash(str(number).encode())), seed("roster")).to_bytes()


ENTRIES = [entry(number) for number in range(SIZE)]
LEAVES = [leaf_hash(data) for data in ENTRIES]


def checkpoint(size: int) -> Checkpoint:
    """Return the checkpoint of the first *size* entries."""
    return Checkpoint(ORIGIN, size, root(LEAVES[:size]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a log of 70,000 records: three levels of tiles."""
    folder = tmp_path_factory.mktemp("log")
    TileWriter(folder).append(0, ENTRIES)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Write a log of 300 records, to be bent."""
    TileWriter(tmp_path).append(0, ENTRIES[:300])
    return tmp_path


@dataclass
class Server:
    """
    A web server for one folder.

    Attributes:
        status: If set, it answers every request so.
        asked: The paths that were asked for.
    """

    folder: Path
    status: str = ""
    body: bytes | None = None
    asked: list[str] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterator[bytes]:
        """Answer one request."""
        name = str(environ["PATH_INFO"]).removeprefix("/log/")
        self.asked.append(name)
        path = self.folder / name
        status = self.status or ("200 OK" if path.is_file() else "404 Not Found")
        body = self.body
        if body is None:
            body = path.read_bytes() if path.is_file() else b""
        start(status, [("Content-Length", str(len(body))), ("Location", "https://elsewhere/")])
        yield body


def over_http(server: Server) -> HttpTiles:
    """Return a reader that asks *server*."""
    session = requests.Session()
    session.mount("https://dengwen.example", WsgiAdapter(server))
    return HttpTiles(session, URL)


@pytest.mark.parametrize("index", [0, 255, 256, 65_535, 65_536, 69_887, 69_888, SIZE - 1])
def test_an_entry_is_read_with_its_proof(folder: Path, index: int) -> None:
    """From whole and from partial tiles, at every level."""
    log = VerifiedLog(FolderTiles(folder), checkpoint(SIZE))
    assert log.record(index) == ENTRIES[index]
    proof = log.prove_inclusion(index, ENTRIES[index])
    check_inclusion(proof, LEAVES[index], index, SIZE, log.checkpoint.root)
    with pytest.raises(ProofError):
        log.prove_inclusion(index, ENTRIES[index - 1])


@pytest.mark.parametrize("old", [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 69_999, SIZE])
def test_the_log_is_proved_to_begin_with_an_older_one(folder: Path, old: int) -> None:
    """At the borders of tiles; and not with another of that size."""
    log = VerifiedLog(FolderTiles(folder), checkpoint(SIZE))
    before = root(LEAVES[:old])
    proof = log.prove_consistency(old, before)
    check_consistency(proof, old, before, SIZE, log.checkpoint.root)
    with pytest.raises(ProofError):
        log.prove_consistency(old, Hash(seed("another root")))


def test_what_the_checkpoint_does_not_hold_is_refused(folder: Path) -> None:
    """An entry after the last, one before the first, an older log that is larger."""
    log = VerifiedLog(FolderTiles(folder), checkpoint(SIZE))
    for index in (-1, SIZE):
        with pytest.raises(ProofError, match="no such entry"):
            log.record(index)
        with pytest.raises(ProofError, match="no such entry"):
            log.prove_inclusion(index, b"")
    for old in (-1, SIZE + 1):
        with pytest.raises(ProofError):
            log.prove_consistency(old, EMPTY_ROOT)


def test_a_range_of_records_is_read_one_checked_by_one(folder: Path) -> None:
    """Across the border of two bundles."""
    log = VerifiedLog(FolderTiles(folder), checkpoint(SIZE))
    assert list(log.records(250, 260)) == ENTRIES[250:260]


def test_an_older_checkpoint_is_served_by_newer_files(folder: Path) -> None:
    """Its partial tiles are gone; the full ones that replaced them serve as well."""
    for size in (1, 100, 300, 65_500, 65_536):
        log = VerifiedLog(FolderTiles(folder), checkpoint(size))
        assert log.record(size - 1) == ENTRIES[size - 1]
        assert log.prove_consistency(size // 2, root(LEAVES[: size // 2])) is not None
        assert not (folder / entries_path(0, 100)).exists()


def test_a_log_proves_any_size_to_its_owner(folder: Path) -> None:
    """For a witness that saw an older one: the hashes are read as they are."""
    log = VerifiedLog(FolderTiles(folder), checkpoint(SIZE))
    proof = prove_consistency(log.read, 300, 65_537)
    check_consistency(proof, 300, root(LEAVES[:300]), 65_537, root(LEAVES[:65_537]))


def test_every_changed_file_is_found_or_makes_no_difference(small: Path) -> None:
    """A bit in any file: a record is refused or right, a proof leads where it should."""
    source, now = FolderTiles(small), checkpoint(300)
    for path in [path for path in small.rglob("*") if path.is_file()]:
        good = path.read_bytes()
        for place in range(0, len(good), 211):
            bad = bytearray(good)
            bad[place] ^= 1
            path.write_bytes(bad)
            log = VerifiedLog(source, now)
            for index in (0, 200, 255, 256, 299):
                try:
                    assert log.record(index) == ENTRIES[index]
                except AuditError:
                    continue
            try:
                proof = log.prove_consistency(257, root(LEAVES[:257]))
                check_consistency(proof, 257, root(LEAVES[:257]), 300, now.root)
            except AuditError:
                pass
            with pytest.raises(AuditError):
                list(walk(source, now))
        path.write_bytes(good)
    assert len(list(walk(source, now))) == 2


@given(st.data())
def test_a_source_that_answers_anything_convinces_nobody(data: st.DataObject) -> None:
    """Arbitrary files of the right length lead to no record and no proof."""

    class Anything:
        def read(self, path: str) -> bytes:
            width = int(path.rpartition("/")[2]) if ".p/" in path else 256
            size = 32 if "entries" not in path else 2 + RECORD_SIZE
            return data.draw(st.binary(min_size=1, max_size=4)) * (size * width)

    log = VerifiedLog(Anything(), checkpoint(300))
    for attempt in (
        lambda: log.record(7),
        lambda: log.prove_inclusion(7, ENTRIES[7]),
        lambda: log.prove_consistency(5, root(LEAVES[:5])),
        lambda: list(walk(Anything(), checkpoint(300))),
    ):
        with pytest.raises(AuditError):
            attempt()


def test_all_entries_are_walked_and_every_tile_compared(folder: Path) -> None:
    """In order, each once; at the end the root is the checkpoint's."""
    walked = list(walk(FolderTiles(folder), checkpoint(SIZE)))
    assert [first for first, _ in walked] == list(range(0, SIZE, 256))
    assert [record for _, records in walked for record in records] == ENTRIES
    assert list(walk(FolderTiles(folder), checkpoint(0))) == []


def test_a_walk_under_another_root_fails_at_its_end(folder: Path) -> None:
    """All files agree with each other; they are another log's all the same."""
    other = Checkpoint(ORIGIN, SIZE, Hash(seed("another root")))
    walked = walk(FolderTiles(folder), other)
    with pytest.raises(ProofError, match="the checkpoint's root"):
        list(walked)


def test_a_walk_takes_memory_for_one_bundle_only(folder: Path) -> None:
    """70,000 records are 11 MB; the walk holds less than a tenth of it."""
    tracemalloc.start()
    for _, records in walk(FolderTiles(folder), checkpoint(SIZE)):
        assert records
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (5, 5), (5, 256), (255, 700)])
def test_a_range_of_entries_is_read_by_bundles(folder: Path, start: int, stop: int) -> None:
    """From the first asked for to before the last, cut where bundles are cut."""
    parts = list(iter_bundles(FolderTiles(folder), start, stop))
    assert [record for _, records in parts for record in records] == ENTRIES[start:stop]
    position = start
    for first, records in parts:
        assert first == position
        position += len(records)


def test_the_log_is_the_same_over_http(folder: Path) -> None:
    """And a file that is needed often is asked for once."""
    server = Server(folder)
    log = VerifiedLog(over_http(server), checkpoint(SIZE))
    assert [log.record(index) for index in range(60_000, 60_020)] == ENTRIES[60_000:60_020]
    assert len(server.asked) == len(set(server.asked)) < 10


def test_a_checkpoint_is_read_and_not_believed(small: Path) -> None:
    """What is read is a note; whose, the policy says."""
    note = SmallLog(ENTRIES[:300]).note()
    (small / "checkpoint").write_bytes(note.to_bytes())
    for source in (FolderTiles(small), over_http(Server(small))):
        assert read_checkpoint(source) == note


def test_a_missing_file_is_said_to_be_missing(small: Path) -> None:
    """So that the full tile is tried, or another source."""
    for source in (FolderTiles(small), over_http(Server(small))):
        with pytest.raises(MissingTileError):
            source.read(tile_path(0, 7))
    shutil.rmtree(small / "tile/entries")
    with pytest.raises(MissingTileError):
        VerifiedLog(FolderTiles(small), checkpoint(300)).record(5)


def _readers(small: Path) -> Iterator[tuple[str, TileReader]]:
    yield "the folder", FolderTiles(small)
    yield "redirected", over_http(Server(small, status="302 Found"))
    yield "overloaded", over_http(Server(small, status="503 Service Unavailable"))
    yield "too long", over_http(Server(small, "200 OK", bytes(MAX_FILE_BYTES + 1)))
    adapter = WsgiAdapter(Server(small))
    adapter.down = True
    session = requests.Session()
    session.mount("https://dengwen.example", adapter)
    yield "nobody there", HttpTiles(session, URL)


def test_a_file_that_cannot_be_had_is_an_error_of_ours(small: Path) -> None:
    """No redirect is followed, no answer is read without end, no foreign exception escapes."""
    (small / "tile/0/000").unlink()
    (small / "tile/0/000").mkdir()
    for claim, source in _readers(small):
        with pytest.raises(TileError) as refusal:
            source.read("tile/0/000")
        assert not isinstance(refusal.value, MissingTileError), claim
