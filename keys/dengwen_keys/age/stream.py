"""
The payload of an age file: chunks of 64 KiB, each sealed by itself, the last one marked.

::

    nonce of chunk i = i as 11 bytes, big-endian ‖ 01 if it is the last, else 00

So chunks cannot be left out, repeated or reordered, and a file that was cut does not end. The last
chunk may be full, but is empty only if the whole plaintext is. Memory stays at a few chunks.

A chunk reaches the destination only after its own tag was checked; the end of the file only shows
with the last one. Whoever streams must therefore throw away what was written if this raises.

Source: C2SP age.md v1.1.0, "Payload"; Hoang, Reyhanitabar, Rogaway, Vizár, 2015 (STREAM).
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from dengwen_keys.age.sizes import CHUNK_SIZE, SEALED_CHUNK_SIZE, TAG_SIZE
from dengwen_keys.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dengwen_keys.age.filekey import PayloadKey

_COUNTER_SIZE = 11  # bytes


def encrypt(key: PayloadKey, plaintext: bytes) -> bytes:
    """Return the chunks of *plaintext*."""
    destination = io.BytesIO()
    encrypt_stream(key, io.BytesIO(plaintext), destination)
    return destination.getvalue()


def decrypt(key: PayloadKey, payload: bytes) -> bytes:
    """
    Return the plaintext of *payload*, or nothing of it.

    Raises:
        DamagedError: If a chunk was changed, is missing, or follows the last one.
    """
    destination = io.BytesIO()
    decrypt_stream(key, io.BytesIO(payload), destination)
    return destination.getvalue()


def encrypt_stream(key: PayloadKey, source: BinaryIO, destination: BinaryIO) -> None:
    """Write the chunks of all that *source* still holds."""
    cipher = ChaCha20Poly1305(key)
    buffer = memoryview(bytearray(SEALED_CHUNK_SIZE))
    for number, chunk, is_last in _chunks(source, CHUNK_SIZE):
        sealed = buffer[: len(chunk) + TAG_SIZE]
        cipher.encrypt_into(_nonce(number, is_last=is_last), chunk, None, sealed)
        destination.write(sealed)


def decrypt_stream(key: PayloadKey, source: BinaryIO, destination: BinaryIO) -> None:
    """
    Write the plaintext of the chunks in *source*, each as soon as its tag was checked.

    Raises:
        DamagedError: If a chunk was changed, is missing, or follows the last one.
    """
    cipher = ChaCha20Poly1305(key)
    for number, chunk, is_last in _chunks(source, SEALED_CHUNK_SIZE):
        try:
            plaintext = cipher.decrypt(_nonce(number, is_last=is_last), chunk, None)
        except InvalidTag:
            destination.write(_open_misplaced(cipher, number, chunk, is_last=is_last))
            fault = "the last chunk is missing" if is_last else "data after the last chunk"
            raise DamagedError(f"age: {fault}") from None
        if not plaintext and number > 0:
            raise DamagedError("age: an empty chunk after others")
        destination.write(plaintext)


def _open_misplaced(
    cipher: ChaCha20Poly1305, number: int, chunk: memoryview, *, is_last: bool
) -> bytes:
    """
    Open a whole chunk that is intact, but last where it should not be, or the other way round.

    Raises:
        DamagedError: If the chunk itself was changed.
    """
    if len(chunk) == SEALED_CHUNK_SIZE:
        with contextlib.suppress(InvalidTag):
            return cipher.decrypt(_nonce(number, is_last=not is_last), chunk, None)
    raise DamagedError("age: a chunk was changed or cut")


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_COUNTER_SIZE, "big") + (b"\x01" if is_last else b"\x00")


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[int, memoryview, bool]]:
    """Cut *source* into numbered chunks; all but the last have *size* bytes. At least one comes."""
    number = 0
    chunk = read_up_to(source, size)
    while following := read_up_to(source, size) if len(chunk) == size else b"":
        yield number, memoryview(chunk), False
        number, chunk = number + 1, following
    yield number, memoryview(chunk), True


def read_up_to(source: BinaryIO, size: int) -> bytes:
    """Read *size* bytes, or all that is left; one `read` of a pipe may give less than there is."""
    data = source.read(size)
    if len(data) in (0, size):
        return data
    pieces = [data]
    missing = size - len(data)
    while missing and (data := source.read(missing)):
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)
