"""
Writes the log's files so that no crash, power loss or full disk leaves a wrong one.

- A file is written beside its place, flushed to the disk, moved into place, and the folder flushed.
- A file in place is never changed: writing the same bytes again does nothing, others are an error.
- Bundles are durable before the tiles over them; the checkpoint, not written here, comes last.
- When flushing fails, nobody knows what the disk holds: the writer refuses all further work and the
  process should end. At the next start the folder is read anew.

So the entries' bundles are the truth, and whatever is missing above them is derived again at start.
Only one writer may work in a folder.

Source: C2SP tlog-tiles.md v0.1.0; docs/formats/log.md.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from dengwen_audit.errors import AuditError
from dengwen_audit.merkle import Frontier, Hash, leaf_hash
from dengwen_audit.tile_paths import (
    MAX_ENTRY_BYTES,
    TILE_WIDTH,
    entries_path,
    parse_bundle,
    tile_path,
    to_bundle,
)
from dengwen_audit.tile_tree import Tile, TileTree

_TEMPORARY = ".new-"


class ConflictError(AuditError):
    """A file of the log is there with other bytes: stop, since two histories claim this place."""


def write_durably(path: Path, data: bytes) -> None:
    """
    Put *data* at *path*, whole or not at all, and return once the disk has it.

    Raises:
        OSError: If the disk refused; the file at *path* is then the old or the new one.
    """
    make_folder(path.parent)
    temporary = path.with_name(f"{_TEMPORARY}{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make *folder* and those above it, each durable in the one above it."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Return once the disk has the names in *folder*."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class TileWriter:
    """
    The log's folder, open for appending.

    Attributes:
        folder: What a web server serves as the log's prefix.
    """

    def __init__(self, folder: Path) -> None:
        """
        Open *folder*, derive its tiles again and write those that a crash left out.

        Costs about two seconds for each million entries: every file of the log is read, so that
        a changed bit is found before anything is built on it.

        Raises:
            ConflictError: If a tile is not what the bundles say.
            FormatError: If a bundle is not whole.
        """
        self.folder = folder
        self._tree = TileTree()
        self._last: list[bytes] = []  # the entries of the last bundle, unless it is full
        self._failed = False
        make_folder(folder)
        self._recover()

    @property
    def size(self) -> int:
        """How many entries are durable, with all their tiles."""
        return self._tree.size

    def root(self) -> Hash:
        """Return the root over all entries."""
        return self._tree.root()

    def frontier(self) -> Frontier:
        """Return the frontier over all entries."""
        return self._tree.frontier()

    def append(self, start: int, entries: Sequence[bytes]) -> None:
        """
        Make *entries* number *start* and following durable; those already there must agree.

        Afterwards the folder holds every file that a checkpoint of the new size needs.

        Raises:
            ConflictError: If an entry is there with other bytes.
            OSError: If the disk refused. The writer is then of no further use: end the process.
        """
        if self._failed:
            raise AssertionError("internal error: the writer failed before; end the process")
        if start > self.size or any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
            raise AssertionError("internal error: a gap before the entries, or one is too long")
        known = self.size - start
        self._compare(start, entries[:known])
        if len(entries) > known:
            self._failed = True  # until the last of the new files is durable
            self._append(entries[known:])
            self._failed = False

    def _append(self, entries: Sequence[bytes]) -> None:
        """Write the bundles of new *entries*, then their tiles, then drop what these replace."""
        first = self.size // TILE_WIDTH
        pending = [*self._last, *entries]
        bundles = [
            pending[index : index + TILE_WIDTH] for index in range(0, len(pending), TILE_WIDTH)
        ]
        for number, bundle in enumerate(bundles, start=first):
            self._put(entries_path(number, len(bundle)), to_bundle(bundle))
        full = list(self._tree.extend(map(leaf_hash, entries)))
        self._put_tiles([*full, *self._tree.edge()])
        self._last = bundles[-1] if len(bundles[-1]) < TILE_WIDTH else []
        self._drop_partials(full)

    def _put_tiles(self, tiles: Iterable[Tile]) -> None:
        """Write these tiles."""
        for tile in tiles:
            self._put(tile.path, tile.to_bytes())

    def _put(self, name: str, data: bytes) -> None:
        """Write one file; if it is there, compare."""
        path = self.folder / name
        try:
            present = path.read_bytes()
        except FileNotFoundError:
            write_durably(path, data)
            return
        if present != data:
            raise ConflictError(f"the log's folder holds another {name}")

    def _compare(self, start: int, entries: Sequence[bytes]) -> None:
        """Check that *entries* number *start* and following are those in the folder."""
        number, bundle = -1, []
        for index, entry in enumerate(entries, start):
            if index // TILE_WIDTH != number:
                number = index // TILE_WIDTH
                bundle = self._bundle(number)
            if bundle[index % TILE_WIDTH] != entry:
                raise ConflictError(f"the log's folder holds another entry number {index}")

    def _bundle(self, number: int) -> list[bytes]:
        """Read back a bundle that is durable."""
        if number == self.size // TILE_WIDTH:
            return self._last
        return parse_bundle((self.folder / entries_path(number)).read_bytes(), TILE_WIDTH)

    def _recover(self) -> None:
        """Derive the tree from the bundles, write what is missing, flush what a crash left open."""
        number = 0
        while (path := self.folder / entries_path(number)).exists():
            bundle = parse_bundle(path.read_bytes(), TILE_WIDTH)
            full = list(self._tree.extend(map(leaf_hash, bundle)))
            self._put_tiles(full)
            self._drop_partials(full)
            number += 1
        self._last = self._longest_partial(number)
        list(self._tree.extend(map(leaf_hash, self._last)))  # never fills a tile
        self._put_tiles(self._tree.edge())
        self._settle()

    def _longest_partial(self, number: int) -> list[bytes]:
        """Return the entries of the longest partial bundle with this *number*, if there is any."""
        for width in range(TILE_WIDTH - 1, 0, -1):
            path = self.folder / entries_path(number, width)
            if path.exists():
                return parse_bundle(path.read_bytes(), width)
        return []

    def _settle(self) -> None:
        """Make durable every name that an earlier process wrote; drop files it did not finish."""
        for path in self.folder.rglob(f"{_TEMPORARY}*"):
            path.unlink()
        for path in [self.folder, *self.folder.rglob("*")]:
            if path.is_dir():
                sync_folder(path)

    def _drop_partials(self, full: Iterable[Tile]) -> None:
        """Remove the partial files that *full* tiles, and the bundles under them, replace."""
        for tile in full:
            names = [tile_path(tile.level, tile.number, 1)]
            if tile.level == 0:
                names.append(entries_path(tile.number, 1))
            for name in names:
                shutil.rmtree((self.folder / name).parent, ignore_errors=True)
