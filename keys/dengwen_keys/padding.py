"""
Padding: what is sealed comes in few sizes, its *buckets*, so that its length tells little about it.

::

    length of the content, 8 bytes, big-endian ‖ content ‖ zeros

| what | buckets in bytes |
|---|---|
| left | 256 |
| identity | 1,024, always |
| petition | 5,120 × 2^k, from 5,120 to 655,360 |
| attachment | {4, 5, 6, 7} × 2^j, from 65,536 to 7 × 2^29 |

Source: docs/formats/padding.md.
"""

from __future__ import annotations

import bisect

from dengwen_keys.errors import FormatError, SealError

LENGTH_SIZE = 8  # bytes
LEFT_BUCKET = 256  # bytes
IDENTITY_BUCKET = 1024  # bytes
PETITION_BUCKETS = tuple(5 * 1024 << k for k in range(8))
ATTACHMENT_BUCKETS = tuple(quarters << j for j in range(14, 30) for quarters in (4, 5, 6, 7))


def pad(content: bytes, size: int) -> bytes:
    """
    Return *content* padded to *size* bytes.

    Raises:
        SealError: If it does not fit.
    """
    zeros = size - LENGTH_SIZE - len(content)
    if zeros < 0:
        raise SealError(f"padding: more than {max(0, size - LENGTH_SIZE)} bytes")
    return len(content).to_bytes(LENGTH_SIZE, "big") + content + bytes(zeros)


def unpad(padded: bytes) -> bytes:
    """
    Return the content of what was padded. Whether its size is one of the buckets, ask beside it.

    Raises:
        FormatError: If the length does not fit, or anything but zeros follows the content.
    """
    end = LENGTH_SIZE + int.from_bytes(padded[:LENGTH_SIZE], "big")
    if len(padded) < LENGTH_SIZE or end > len(padded):
        raise FormatError("padding: shorter than the length says")
    if padded.count(0, end) != len(padded) - end:
        raise FormatError("padding: not zeros after the content")
    return padded[LENGTH_SIZE:end]


def petition_bucket(length: int) -> int:
    """
    Return the padded size of a petition of *length* bytes.

    Raises:
        SealError: If no bucket is large enough.
    """
    return _smallest(PETITION_BUCKETS, length, "petition")


def attachment_bucket(length: int) -> int:
    """
    Return the padded size of an attachment of *length* bytes: at most a quarter more, from 64 KiB.

    Raises:
        SealError: If no bucket is large enough.
    """
    return _smallest(ATTACHMENT_BUCKETS, length, "attachment")


def _smallest(buckets: tuple[int, ...], length: int, what: str) -> int:
    index = bisect.bisect_left(buckets, length + LENGTH_SIZE)
    if index == len(buckets):
        raise SealError(f"padding: {what} of more than {buckets[-1] - LENGTH_SIZE} bytes")
    return buckets[index]
