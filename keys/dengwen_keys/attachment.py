"""
Attached files: sealed and opened as a stream, so that a long film needs no more memory than a page.

An attachment is an age file to the one-time recipient of the petition's compartment, of the same
layout as everything padded: the length in eight bytes, the content, zeros up to the bucket. Its
name, type and true length stand in the petition alone.

Source: docs/formats/sealed-petition.md, "Attachments".
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO, cast

from dengwen_keys.age.recipients import Recipient, encrypt_stream
from dengwen_keys.errors import DamagedError, SealError
from dengwen_keys.padding import LENGTH_SIZE, attachment_bucket

_ZEROS = bytes(1 << 16)


class PaddedSource:
    """
    Reads as the length of a file, the file, and zeros up to its bucket.

    Args:
        source: The file, at its beginning.
        length: Its bytes, known beforehand since the bucket follows from them.

    Raises:
        SealError: While reading, if the file turns out to be shorter or longer.
    """

    def __init__(self, source: BinaryIO, length: int) -> None:
        """Begin with the length."""
        self._source = source
        self._prefix = length.to_bytes(LENGTH_SIZE, "big")
        self._content = length
        self._zeros = attachment_bucket(length) - LENGTH_SIZE - length

    def read(self, size: int) -> bytes:
        """Return between 1 and *size* bytes, or none at the end."""
        if self._prefix:
            data, self._prefix = self._prefix[:size], self._prefix[size:]
            return data
        if self._content:
            data = self._source.read(min(size, self._content))
            if not data:
                raise SealError("attachment: shorter than it was when sealing began")
            self._content -= len(data)
            return data
        if self._source.read(1):
            raise SealError("attachment: longer than it was when sealing began")
        data = _ZEROS[: min(size, self._zeros)]
        self._zeros -= len(data)
        return data


class ContentSink:
    """
    Takes padded bytes and writes only the content on; `end` says whether all of it came.

    Args:
        destination: Where the file goes.
        length: The length that the petition tells; the padded bytes must tell the same.

    Raises:
        DamagedError: While writing, if the padding is not that of a file of this length.
    """

    def __init__(self, destination: BinaryIO, length: int) -> None:
        """Expect the length first."""
        self._destination = destination
        self._expected = length.to_bytes(LENGTH_SIZE, "big")
        self._prefix = b""
        self._content = length
        self._zeros = attachment_bucket(length) - LENGTH_SIZE - length

    def write(self, data: bytes) -> int:
        """Take the next bytes of the padded file."""
        rest = memoryview(data)
        rest = self._take_prefix(rest)
        content, zeros = rest[: self._content], rest[self._content :]
        self._destination.write(content)
        self._content -= len(content)
        self._zeros -= len(zeros)
        if self._zeros < 0 or any(zeros):
            raise DamagedError("attachment: not padded with zeros up to its bucket")
        return len(data)

    def _take_prefix(self, data: memoryview) -> memoryview:
        missing = LENGTH_SIZE - len(self._prefix)
        self._prefix += bytes(data[:missing])
        if not self._expected.startswith(self._prefix):
            raise DamagedError("attachment: not of the length that the petition tells")
        return data[missing:]

    def end(self) -> None:
        """Check that nothing is missing; raise `DamagedError` if something is."""
        if len(self._prefix) < LENGTH_SIZE or self._content or self._zeros:
            raise DamagedError("attachment: it ends before its bucket is full")


class _HashingDestination:
    """Writes on, and hashes and counts what goes by."""

    def __init__(self, destination: BinaryIO) -> None:
        """Begin at nothing."""
        self._destination = destination
        self.digest = hashlib.sha256()
        self.length = 0

    def write(self, data: bytes) -> int:
        """Write *data*."""
        self.digest.update(data)
        self.length += len(data)
        return self._destination.write(data)


def seal_attachment(
    recipient: Recipient, source: BinaryIO, length: int, destination: BinaryIO
) -> tuple[bytes, int]:
    """
    Seal one file; return SHA-256 and length of the age file that was written.

    Args:
        recipient: The one-time recipient of the petition's compartment.
        source: The file, at its beginning.
        length: Its bytes.

    Raises:
        SealError: If the file is longer than the largest bucket holds, or changes while it is read.
    """
    hashing = _HashingDestination(destination)
    # The two stand-ins have the only method that the stream uses.
    padded = cast("BinaryIO", PaddedSource(source, length))
    encrypt_stream([recipient], padded, cast("BinaryIO", hashing))
    return hashing.digest.digest(), hashing.length
