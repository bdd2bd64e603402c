"""Tests of tile_tree.py: the tree cut into tiles is the same tree."""

from __future__ import annotations

import hashlib

import pytest

from dengwen_audit.merkle import Frontier, Hash, leaf_hash, root
from dengwen_audit.tile_tree import Tile, TileTree, perfect_root

LEAVES = [leaf_hash(str(number).encode()) for number in range(70_000)]


def grown(size: int) -> tuple[TileTree, list[Tile]]:
    """Return a tree of *size* leaves and its full tiles."""
    tree = TileTree()
    return tree, list(tree.extend(LEAVES[:size]))


@pytest.mark.parametrize(
    ("size", "full", "edge"),
    [
        (0, {}, {}),
        (1, {}, {0: (0, 1)}),
        (255, {}, {0: (0, 255)}),
        (256, {0: 1}, {1: (0, 1)}),
        (257, {0: 1}, {0: (1, 1), 1: (0, 1)}),
        (65_535, {0: 255}, {0: (255, 255), 1: (0, 255)}),
        (65_536, {0: 256, 1: 1}, {2: (0, 1)}),
        (70_000, {0: 273, 1: 1}, {0: (273, 112), 1: (1, 17), 2: (0, 1)}),
    ],
)
def test_a_size_has_the_tiles_of_the_standard(
    size: int, full: dict[int, int], edge: dict[int, tuple[int, int]]
) -> None:
    """Full tiles are counted per level; at the edge stand number and width."""
    tree, tiles = grown(size)
    counts = {level: sum(tile.level == level for tile in tiles) for level in full}
    assert counts == full
    assert len(tiles) == sum(full.values())
    assert {t.level: (t.number, len(t.hashes)) for t in tree.edge()} == edge


def test_each_hash_of_a_tile_is_the_root_over_its_entries() -> None:
    """At every level: hash i of tile n covers 256**level entries from (256n + i) * 256**level."""
    tree, tiles = grown(70_000)
    for tile in [*tiles[:3], *tiles[-20:], *tree.edge()]:
        span = 256**tile.level
        for index in {0, len(tile.hashes) // 2, len(tile.hashes) - 1}:
            start = (256 * tile.number + index) * span
            assert tile.hashes[index] == root(LEAVES[start : start + span])


def test_frontier_and_root_are_those_of_the_tree() -> None:
    """At every size up to 600, and beyond the second level."""
    tree, frontier = TileTree(), Frontier()
    for leaf in LEAVES[:600]:
        assert tree.root() == frontier.root()
        assert tree.frontier().to_bytes() == frontier.to_bytes()
        list(tree.extend([leaf]))
        frontier.append(leaf)
    assert grown(70_000)[0].root() == root(LEAVES)


def test_a_perfect_root_is_the_standards() -> None:
    """For the powers of two that a tile can hold."""
    for level in range(9):
        assert perfect_root(LEAVES[: 1 << level]) == root(LEAVES[: 1 << level])


def test_paths_and_bytes_of_a_tile() -> None:
    """The file is its hashes one after the other."""
    hashes = (Hash(hashlib.sha256(b"a").digest()), Hash(hashlib.sha256(b"b").digest()))
    tile = Tile(1, 5, hashes)
    assert (tile.path, tile.to_bytes()) == ("tile/1/005.p/2", hashes[0] + hashes[1])
