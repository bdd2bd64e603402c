"""
The files of the log: how they are called and what is in them.

::

    checkpoint                      the newest signed checkpoint
    tile/0/x001/067                 256 leaf hashes: tile number 1067 at level 0
    tile/1/004.p/17                 the first 17 hashes of a tile that is not full yet
    tile/entries/x001/067           the 256 entries under tile/0/x001/067

Hash i of tile n at level l is the root over the entries [(256n + i) * 256**l, … + 256**l).
A bundle is, for each entry, its length as uint16, big-endian, and its bytes.

Source: C2SP tlog-tiles.md v0.1.0; docs/formats/log.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dengwen_audit.errors import FormatError
from dengwen_audit.merkle import HASH_SIZE, Hash

TILE_HEIGHT = 8  # levels of the tree in one tile
TILE_WIDTH = 1 << TILE_HEIGHT  # hashes in a full tile
MAX_LEVEL = 7  # of tiles: 256**7 entries are more than any size that is accepted
MAX_ENTRY_BYTES = (1 << 16) - 1
MAX_FILE_BYTES = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)
CHECKPOINT_PATH = "checkpoint"


def tile_path(level: int, number: int, width: int = TILE_WIDTH) -> str:
    """Return the path of the tile with this *number* at this *level*, below the log's prefix."""
    if not 0 <= level <= MAX_LEVEL:
        raise AssertionError("internal error: no such level")
    return f"tile/{level}/{_number_path(number, width)}"


def entries_path(number: int, width: int = TILE_WIDTH) -> str:
    """Return the path of the bundle with this *number*, below the log's prefix."""
    return f"tile/entries/{_number_path(number, width)}"


def _number_path(number: int, width: int) -> str:
    """Spell a number in groups of three digits, and the width unless it is that of a full tile."""
    if number < 0 or not 0 < width <= TILE_WIDTH:
        raise AssertionError("internal error: no such tile")
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03}")
    return "/".join(groups) + ("" if width == TILE_WIDTH else f".p/{width}")


def parse_tile(data: bytes, width: int) -> list[Hash]:
    """
    Return the hashes of a tile.

    Raises:
        FormatError: If they are not *width* many.
    """
    check_tile(data, width)
    return [Hash(data[start : start + HASH_SIZE]) for start in range(0, len(data), HASH_SIZE)]


def check_tile(data: bytes, width: int) -> None:
    """
    Check that a tile has *width* hashes.

    Raises:
        FormatError: If it has not.
    """
    if len(data) != width * HASH_SIZE:
        raise FormatError("tile: not the number of hashes that its name says")


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """
    Return the entries of a bundle.

    Raises:
        FormatError: If they are not *width* many, or the last is cut.
    """
    entries: list[bytes] = []
    position, end = 0, len(data)
    while position + 2 <= end and len(entries) < width:
        start = position + 2
        position = start + (data[position] << 8 | data[position + 1])
        entries.append(data[start:position])
    if position != end or len(entries) != width:
        raise FormatError("bundle: not the number of whole entries that its name says")
    return entries


def to_bundle(entries: Sequence[bytes]) -> bytes:
    """Spell the bundle of these *entries*, each at most 65,535 bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def to_tile(hashes: Iterable[Hash]) -> bytes:
    """Spell the tile of these *hashes*."""
    return b"".join(hashes)
