"""
Blobs: sealed attachments, each under the SHA-256 of its bytes, in a folder or in an object store.

The name follows from the bytes, so that a blob never changes: putting it twice is putting it once,
and whoever reads it can tell from its name whether it is whole. Nothing else is known of a blob
here; which attachment it is, the database tells.

Source: docs/decisions/0011-blobs.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

from dengwen_audit.text import HASH_SIZE
from dengwen_vault.errors import WrongBlobError

READ_SIZE = 8 << 20  # bytes
FAN_OUT = 2  # letters of a name that name its folder, too


class Blobs(Protocol):
    """
    A place for blobs; safe to share between threads and processes.

    Every method raises `UnavailableError` if the place cannot do it now.
    """

    def put(self, data: bytes) -> bytes:
        """Store *data*, return its SHA-256; when this returns, loss of power takes it no more."""

    def read(self, sha256: bytes, start: int, length: int) -> bytes:
        """
        Return *length* bytes from *start*, unchecked; fewer where the blob ends.

        Raises:
            MissingBlobError: If there is no such blob.
        """

    def has(self, sha256: bytes) -> bool:
        """Tell whether there is a blob of this name, whole or not."""

    def names(self) -> Iterator[bytes]:
        """Go through the SHA-256 of every blob, in no order that means anything."""


def fetch(blobs: Blobs, sha256: bytes, length: int) -> bytes:
    """
    Return a whole blob, checked.

    Raises:
        MissingBlobError: If it is not there.
        WrongBlobError: If it is not what was put.
    """
    data = blobs.read(sha256, 0, length + 1)  # a byte more, which there must not be
    if hashlib.sha256(data).digest() != sha256:
        raise WrongBlobError
    return data


def check_blob(blobs: Blobs, sha256: bytes, length: int) -> None:
    """Do as `fetch`, in memory for one piece."""
    digest, start = hashlib.sha256(), 0
    while piece := blobs.read(sha256, start, READ_SIZE):
        digest.update(piece)
        start += len(piece)
        if start > length:
            break
    if start != length or digest.digest() != sha256:
        raise WrongBlobError


def path_of(sha256: bytes) -> str:
    """Return where a blob lies: its name below the folder of its first letters."""
    name = sha256.hex()
    return f"{name[:FAN_OUT]}/{name}"


def name_of(path: str) -> bytes | None:
    """Return the SHA-256 of the blob at *path*, or None if no blob lies there."""
    try:
        sha256 = bytes.fromhex(path[FAN_OUT + 1 :])
    except ValueError:
        return None
    return sha256 if len(sha256) == HASH_SIZE and path_of(sha256) == path else None
