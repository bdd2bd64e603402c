"""Tests of tile_paths.py: names and contents of the log's files, as the standard has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.errors import FormatError
from dengwen_audit.merkle import Hash
from dengwen_audit.tile_paths import (
    MAX_ENTRY_BYTES,
    entries_path,
    parse_bundle,
    parse_tile,
    tile_path,
    to_bundle,
    to_tile,
)
from tests.mangling import mangled

ENTRIES = [b"", b"one", b"a longer entry" * 40, b"\x00" * 300]


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 999, 256, "tile/0/999"),
        (0, 1000, 256, "tile/0/x001/000"),
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        (1, 0, 17, "tile/1/000.p/17"),
        (0, 273, 112, "tile/0/273.p/112"),
        (7, 1234067, 1, "tile/7/x001/x234/067.p/1"),
    ],
)
def test_a_tile_lies_where_the_standard_says(
    level: int, number: int, width: int, path: str
) -> None:
    """Groups of three digits, all but the last marked; a partial tile by its width."""
    assert tile_path(level, number, width) == path
    assert entries_path(number, width) == path.replace(f"tile/{level}", "tile/entries", 1)


def test_an_impossible_tile_is_a_mistake_of_the_caller() -> None:
    """No width, too much of it, no such number or level."""
    for level, number, width in ((0, 0, 0), (0, 0, 257), (0, -1, 1), (-1, 0, 1), (8, 0, 1)):
        with pytest.raises(AssertionError, match="internal error"):
            tile_path(level, number, width)


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_a_bundle_is_written_and_read(entries: list[bytes]) -> None:
    """Any entries, empty ones too."""
    assert parse_bundle(to_bundle(entries), len(entries)) == entries


def test_the_longest_entry_fits() -> None:
    """65,535 bytes."""
    longest = bytes(MAX_ENTRY_BYTES)
    assert parse_bundle(to_bundle([longest]), 1) == [longest]


@given(mangled(to_bundle(ENTRIES)))
def test_a_bundle_is_read_only_in_its_one_spelling(twin: bytes) -> None:
    """Whatever is accepted is spelt exactly so."""
    try:
        assert to_bundle(parse_bundle(twin, len(ENTRIES))) == twin
    except FormatError:
        return


def test_a_bundle_of_another_number_of_entries_is_refused() -> None:
    """One more, one less, the last cut, a byte after it."""
    data = to_bundle(ENTRIES)
    for twin, width in ((data, 3), (data, 5), (data[:-1], 4), (data + b"\x00", 4), (b"", 1)):
        with pytest.raises(FormatError):
            parse_bundle(twin, width)


def test_a_tile_has_the_width_of_its_name() -> None:
    """Whole hashes, and as many as said."""
    hashes = [Hash(bytes([n]) * 32) for n in range(3)]
    assert parse_tile(to_tile(hashes), 3) == hashes
    for width in (2, 4):
        with pytest.raises(FormatError):
            parse_tile(to_tile(hashes), width)
    with pytest.raises(FormatError):
        parse_tile(to_tile(hashes)[:-1], 3)
