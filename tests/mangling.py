"""
Mangled twins: bytes that are almost a good text, as damage or a forger would leave it.

A parser may refuse a twin or accept it as another value, but then it must be the one spelling of
that value; `refuses_or_respells` says so in one line. A check must refuse the twin altogether.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from hypothesis import strategies as st

from dengwen_audit.errors import FormatError


class Spelt(Protocol):
    """A value with one spelling."""

    def to_bytes(self) -> bytes:
        """Spell the value."""


def byte_flips(data: bytes) -> Iterator[bytes]:
    """Yield every twin with one byte changed, by its lowest bit and by the bit of letter case."""
    for index, byte in enumerate(data):
        for bit in (0x01, 0x20):
            yield data[:index] + bytes([byte ^ bit]) + data[index + 1 :]


def mangled(data: bytes) -> st.SearchStrategy[bytes]:
    """Draw a twin of *data* that differs from it."""
    places = st.integers(0, len(data))
    lines = data.split(b"\n")
    rows = st.integers(0, len(lines) - 1)
    return st.one_of(
        st.builds(_replace, st.just(data), places, st.binary(min_size=1, max_size=2)),
        st.builds(
            _insert, st.just(data), places, st.sampled_from([b"\n", b" ", b"0", b"\r", b"a"])
        ),
        st.builds(_insert, st.just(data), places, st.binary(min_size=1, max_size=3)),
        st.builds(_cut, st.just(data), places, st.integers(1, 70)),
        st.builds(_double, st.just(lines), rows),
        st.builds(_swap, st.just(lines), rows, rows),
    ).filter(lambda twin: twin != data)


def refuses_or_respells(parse: Callable[[bytes], Spelt], twin: bytes) -> bool:
    """Tell whether *parse* refuses *twin*, or reads it as what is spelt exactly so."""
    try:
        return parse(twin).to_bytes() == twin
    except FormatError:
        return True


def _replace(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place + len(new) :]


def _insert(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place:]


def _cut(data: bytes, place: int, count: int) -> bytes:
    return data[:place] + data[place + count :]


def _double(lines: list[bytes], row: int) -> bytes:
    return b"\n".join([*lines[: row + 1], *lines[row:]])


def _swap(lines: list[bytes], row: int, other: int) -> bytes:
    swapped = list(lines)
    swapped[row], swapped[other] = lines[other], lines[row]
    return b"\n".join(swapped)
