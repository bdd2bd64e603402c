"""
Reads the log's files from a folder or over HTTP, and believes none of them by itself.

Whatever is read is checked against a checkpoint that the caller has verified: `VerifiedLog` hands
out a proof or a record only after it led to that checkpoint's root, and `walk` derives every tile
again and compares. So files may come from anyone: the operator, a mirror, a cache, a USB stick.

Source: C2SP tlog-tiles.md v0.1.0; docs/formats/log.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import requests

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.errors import AuditError, ProofError
from dengwen_audit.merkle import (
    Hash,
    Read,
    check_consistency,
    check_inclusion,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    read_joined,
    read_leaves,
)
from dengwen_audit.note import Note
from dengwen_audit.tile_paths import (
    CHECKPOINT_PATH,
    MAX_FILE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    check_tile,
    entries_path,
    parse_bundle,
    parse_tile,
    tile_path,
)
from dengwen_audit.tile_tree import Tile, TileTree

CACHED_BUNDLES = 128
CACHED_TILES = 4096  # of 16 KiB each with the nodes above: those of a million records
MAX_TILE_LEVELS = 8
TIMEOUT = 30  # seconds
_OK, _NOT_FOUND, _GONE = 200, 404, 410


class TileError(AuditError):
    """A file of the log cannot be had from this source: try again later, or ask another source."""


class MissingTileError(TileError):
    """The source says that it has no such file."""


class TileReader(Protocol):
    """Where the log's files come from."""

    def read(self, path: str) -> bytes:
        """
        Return the file at *path*, below the log's prefix.

        Raises:
            MissingTileError: If there is none.
            TileError: If it cannot be had.
        """


@dataclass(frozen=True)
class FolderTiles:
    """The log's files in a folder."""

    folder: Path

    def read(self, path: str) -> bytes:
        """Return the file at *path* (see `TileReader`)."""
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            raise MissingTileError(f"the folder has no {path}") from None
        except OSError as error:
            raise TileError(f"the folder does not give {path}: {error.strerror}") from error


@dataclass(frozen=True)
class HttpTiles:
    """
    The log's files on a web server.

    Attributes:
        session: Asks for them.
        url: The log's prefix, without a slash at its end.
    """

    session: requests.Session
    url: str

    def read(self, path: str) -> bytes:
        """Return the file at *path* (see `TileReader`)."""
        try:
            with self.session.get(
                f"{self.url}/{path}", stream=True, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                if response.status_code in (_NOT_FOUND, _GONE):
                    raise MissingTileError(f"the server has no {path}")
                if response.status_code != _OK:
                    raise TileError(f"the server answers {response.status_code} for {path}")
                return _read_body(response)
        except requests.RequestException as error:
            raise TileError(f"the server does not give {path}") from error


def _read_body(response: requests.Response) -> bytes:
    """Return the body, but stop reading when it is longer than any file of a log."""
    data = bytearray()
    for chunk in response.iter_content(64 * 1024):
        data += chunk
        if len(data) > MAX_FILE_BYTES:
            raise TileError("the file is longer than any file of a log")
    return bytes(data)


def read_checkpoint(source: TileReader) -> Note:
    """
    Return the newest checkpoint of a *source*, parsed and not verified.

    Raises:
        TextError: If it is not a note.
    """
    return Note.parse(source.read(CHECKPOINT_PATH))


def read_tile(source: TileReader, level: int, number: int, size: int) -> list[Hash]:
    """Return the hashes that a log of *size* entries has in a tile; a full tile serves as well."""
    width = _width(size >> TILE_HEIGHT * level, number)
    data, found = _read_file(source, (tile_path(level, number, width), tile_path(level, number)))
    return parse_tile(data, TILE_WIDTH if found else width)[:width]


def read_bundle(source: TileReader, number: int, size: int) -> list[bytes]:
    """Return the entries that a log of *size* entries has in a bundle, by a full one as well."""
    width = _width(size, number)
    data, found = _read_file(source, (entries_path(number, width), entries_path(number)))
    return parse_bundle(data, TILE_WIDTH if found else width)[:width]


def iter_bundles(source: TileReader, start: int, stop: int) -> Iterator[tuple[int, list[bytes]]]:
    """
    Yield the entries from *start* to before *stop* by bundles, each with its first entry's number.

    Nothing is verified. Holds one bundle at a time.
    """
    for number in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
        first = number * TILE_WIDTH
        entries = read_bundle(source, number, stop)
        yield max(first, start), entries[max(start - first, 0) :]


def walk(source: TileReader, checkpoint: Checkpoint) -> Iterator[tuple[int, list[bytes]]]:
    """
    Yield all entries by bundles, as `iter_bundles` does, while every tile is derived and compared.

    Believe none of them before the last has come and no error with it. Holds one bundle and the
    tree's right edge; about three seconds for a million records in a folder.

    Raises:
        TileError: If a file cannot be had.
        FormatError: If a bundle is not whole.
        ProofError: If a tile is not what the entries give, or the root is another.
    """
    tree = TileTree()
    for first, entries in iter_bundles(source, 0, checkpoint.size):
        for tile in tree.extend(map(leaf_hash, entries)):
            _compare(source, tile, checkpoint.size)
        yield first, entries
    for tile in tree.edge():
        _compare(source, tile, checkpoint.size)
    if tree.root() != checkpoint.root:
        raise ProofError("the entries do not give the checkpoint's root")


class VerifiedLog:
    """
    A log as one checkpoint describes it: what it returns has been led to that checkpoint's root.

    Args:
        source: Whence the files come; it need not be trusted.
        checkpoint: Verified by the caller.
        before: The same log from the same source under an older checkpoint: what it has read of
            full tiles serves here as well.
    """

    def __init__(
        self, source: TileReader, checkpoint: Checkpoint, before: VerifiedLog | None = None
    ) -> None:
        """Read nothing yet."""
        self.checkpoint = checkpoint
        size = checkpoint.size
        # Files of one checkpoint do not change, so keeping them does not tell old from new. A tile
        # is kept with all nodes above it: hashing them once costs as much as a proof through it.
        self._full_tile = lru_cache(CACHED_TILES)(lambda *tile: _read_full(source, *tile))
        if before is not None:
            self._full_tile = before._full_tile  # noqa: SLF001  # of its own class
        self._edge_tile = lru_cache(MAX_TILE_LEVELS)(
            lambda level, number: read_leaves(read_tile(source, level, number, size))
        )
        self._bundle = lru_cache(CACHED_BUNDLES)(lambda number: read_bundle(source, number, size))

    def record(self, index: int) -> bytes:
        """
        Return the entry number *index*.

        Raises:
            TileError: If a file cannot be had.
            ProofError: If the files do not lead from the entry to the checkpoint's root.
        """
        entry = self._entry(index)
        self.prove_inclusion(index, entry)
        return entry

    def records(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries from *start* to before *stop*, each checked like `record`."""
        return map(self.record, range(start, stop))

    def prove_inclusion(self, index: int, entry: bytes) -> list[Hash]:
        """
        Prove that *entry* is number *index* of the log; the proof has been checked.

        Raises:
            TileError: If a file cannot be had.
            ProofError: If the files do not lead from the entry to the checkpoint's root.
        """
        size = self._check_index(index)
        proof = prove_inclusion(self.read, index, size)
        with self._or_forget():
            check_inclusion(proof, leaf_hash(entry), index, size, self.checkpoint.root)
        return proof

    def prove_consistency(self, old_size: int, old_root: Hash) -> list[Hash]:
        """
        Prove that the log begins with an older tree; the proof has been checked.

        Raises:
            TileError: If a file cannot be had.
            ProofError: If the older tree is larger, or the files do not lead to both roots.
        """
        size, new_root = self.checkpoint.size, self.checkpoint.root
        proof: list[Hash] = []
        if 0 < old_size < size:
            proof = prove_consistency(self.read, old_size, size)
        with self._or_forget():
            check_consistency(proof, old_size, old_root, size, new_root)
        return proof

    def read(self, level: int, number: int) -> Hash:
        """
        Return the hash of a subtree as the source has it, unchecked: a reader for `merkle`.

        Whoever makes a proof with it has to check where the proof leads, or knows the source.
        """
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile, start = divmod(number << height, TILE_WIDTH)
        is_full = (tile + 1) * TILE_WIDTH <= self.checkpoint.size >> TILE_HEIGHT * tile_level
        nodes = (self._full_tile if is_full else self._edge_tile)(tile_level, tile)
        return nodes(height, start >> height)

    @contextmanager
    def _or_forget(self) -> Iterator[None]:
        """Forget what was read if it leads nowhere: somebody may mend the file."""
        try:
            yield
        except ProofError:
            self._full_tile.cache_clear()
            raise

    def _check_index(self, index: int) -> int:
        """Return the log's size, if it has an entry number *index*."""
        if not 0 <= index < self.checkpoint.size:
            raise ProofError("the checkpoint's log has no such entry")
        return self.checkpoint.size

    def _entry(self, index: int) -> bytes:
        """Return an entry as the source has it."""
        self._check_index(index)
        return self._bundle(index // TILE_WIDTH)[index % TILE_WIDTH]


def _read_full(source: TileReader, level: int, number: int) -> Read:
    """Return a reader of the nodes in a full tile; it costs 255 hashes, once."""
    data = source.read(tile_path(level, number))
    check_tile(data, TILE_WIDTH)
    return read_joined(data)


def _width(count: int, number: int) -> int:
    """Return how many of *count* hashes or entries are in file number *number*."""
    width = min(count - number * TILE_WIDTH, TILE_WIDTH)
    if width <= 0:
        raise AssertionError("internal error: the checkpoint does not imply such a file")
    return width


def _read_file(source: TileReader, paths: tuple[str, str]) -> tuple[bytes, bool]:
    """Return the first of two files that is there, and whether it is the second."""
    exact, full = paths
    try:
        return source.read(exact), False
    except MissingTileError:
        if exact == full:
            raise
    return source.read(full), True


def _compare(source: TileReader, tile: Tile, size: int) -> None:
    """Check that the source has this *tile*."""
    if read_tile(source, tile.level, tile.number, size) != list(tile.hashes):
        raise ProofError(f"the tile {tile.path} is not what the entries give")
