"""Files go through sealing as a stream, padded, and come back as they were or not at all."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_keys.age.identities import decrypt
from dengwen_keys.attachment import ContentSink, PaddedSource, seal_attachment
from dengwen_keys.errors import DamagedError, SealError
from dengwen_keys.padding import ATTACHMENT_BUCKETS, pad, unpad
from tests.keys.office import identity_of

SMALLEST = ATTACHMENT_BUCKETS[0]


def read_all(source: PaddedSource, size: int) -> bytes:
    """Read to the end, *size* bytes at a time."""
    return b"".join(iter(lambda: source.read(size), b""))


@given(st.binary(max_size=300), st.integers(1, 100_000))
def test_padding_a_stream_is_padding(data: bytes, size: int) -> None:
    """In whatever pieces it is read."""
    size = max(size, 50)
    assert read_all(PaddedSource(io.BytesIO(data), len(data)), size) == pad(data, SMALLEST)


@pytest.mark.parametrize("length", [0, 1, 65_527, 65_528, 65_529, 81_912, 81_913])
def test_a_sealed_file_fills_its_bucket(length: int) -> None:
    """At every edge, the age file holds exactly the padded content."""
    data = bytes(i % 251 for i in range(length))
    destination = io.BytesIO()
    recipient = identity_of("petition").recipient
    sha256, sealed = seal_attachment(recipient, io.BytesIO(data), length, destination)
    assert sha256 == hashlib.sha256(destination.getvalue()).digest()
    assert sealed == len(destination.getvalue())
    padded = decrypt([identity_of("petition")], destination.getvalue())
    assert len(padded) in ATTACHMENT_BUCKETS
    assert unpad(padded) == data


@pytest.mark.parametrize("told", [0, 2, 4, 100])
def test_a_source_of_another_length_is_refused(told: int) -> None:
    """Shorter or longer than was told when sealing began."""
    with pytest.raises(SealError):
        read_all(PaddedSource(io.BytesIO(b"abc"), told), 1000)


def test_a_file_over_the_largest_bucket_is_refused_at_once() -> None:
    """Not after an hour of sealing."""
    with pytest.raises(SealError):
        PaddedSource(io.BytesIO(), ATTACHMENT_BUCKETS[-1] - 7)


@given(st.binary(max_size=300), st.integers(1, 500))
def test_the_content_comes_out_of_a_stream(data: bytes, size: int) -> None:
    """In whatever pieces it arrives."""
    destination = io.BytesIO()
    sink = ContentSink(destination, len(data))
    padded = pad(data, SMALLEST)
    for start in range(0, 400, size):
        sink.write(padded[start : min(start + size, 400)])
    sink.write(padded[400:])
    sink.end()
    assert destination.getvalue() == data


def write(padded: bytes, length: int) -> None:
    """Send *padded* through a sink that expects *length*."""
    sink = ContentSink(io.BytesIO(), length)
    sink.write(padded)
    sink.end()


def test_wrong_padding_is_refused() -> None:
    """Another length, something after the content, a bucket cut or overfull."""
    padded = pad(b"abc", SMALLEST)
    write(padded, 3)
    wrong = [padded[:-1] + b"\x01", padded[:-1], padded + b"\x00", padded[:11], padded[:5], b""]
    for data in wrong:
        with pytest.raises(DamagedError):
            write(data, 3)
    for length in (0, 2, 4, 70_000):
        with pytest.raises(DamagedError):
            write(padded, length)
