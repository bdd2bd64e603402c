"""
The tree cut into tiles, as it grows: which tiles are finished, and which are at its edge.

Pure: whoever writes the log puts these tiles into files, whoever audits it compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dengwen_audit.merkle import Frontier, Hash, node_hash
from dengwen_audit.tile_paths import TILE_WIDTH, tile_path, to_tile


class Tile(NamedTuple):
    """One file of hashes."""

    level: int
    number: int
    hashes: tuple[Hash, ...]

    @property
    def path(self) -> str:
        """Where it lies, below the log's prefix."""
        return tile_path(self.level, self.number, len(self.hashes))

    def to_bytes(self) -> bytes:
        """Spell the file."""
        return to_tile(self.hashes)


class TileTree:
    """
    A growing tree; it holds its right edge only, at most 255 hashes a level.

    Attributes:
        size: How many leaves it has.
    """

    def __init__(self) -> None:
        """Begin the empty tree."""
        self.size = 0
        self._edge: list[list[Hash]] = [[]]

    def extend(self, leaves: Iterable[Hash]) -> Iterator[Tile]:
        """Append *leaves* and yield each tile that this fills, lower levels first; run it out."""
        for leaf in leaves:
            self.size += 1
            self._edge[0].append(leaf)
            if len(self._edge[0]) == TILE_WIDTH:
                yield from self._carry()

    def edge(self) -> list[Tile]:
        """Return the tiles that a checkpoint of this size needs and that are not full."""
        return [
            Tile(level, self._count(level) // TILE_WIDTH, tuple(hashes))
            for level, hashes in enumerate(self._edge)
            if hashes
        ]

    def frontier(self) -> Frontier:
        """Return the frontier of the tree."""
        hashes: list[Hash] = []
        for level in reversed(self._edge):
            start = 0
            while start < len(level):
                width = 1 << (len(level) - start).bit_length() - 1
                hashes.append(perfect_root(level[start : start + width]))
                start += width
        return Frontier(self.size, hashes)

    def root(self) -> Hash:
        """Return the root of the tree."""
        return self.frontier().root()

    def _count(self, level: int) -> int:
        """Return how many hashes the tree has at this level of tiles."""
        return self.size >> 8 * level

    def _carry(self) -> Iterator[Tile]:
        """Take full tiles from the edge, each as one hash to the level above."""
        for level, hashes in enumerate(self._edge):
            if len(hashes) < TILE_WIDTH:
                return
            yield Tile(level, self._count(level) // TILE_WIDTH - 1, tuple(hashes))
            if level + 1 == len(self._edge):
                self._edge.append([])
            self._edge[level + 1].append(perfect_root(hashes))
            self._edge[level] = []


def perfect_root(hashes: list[Hash]) -> Hash:
    """Return the root over *hashes*, whose number is a power of two."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [node_hash(left, right) for left, right in pairs]
    return hashes[0]
