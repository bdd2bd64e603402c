"""
How fast age files are sealed and opened, beside the bare primitives that they are made of.

The references are `cryptography`'s own: ChaCha20-Poly1305 over the same bytes, once in one call
and once in calls of 64 KiB, and HPKE over a file key.
"""

from __future__ import annotations

import io
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from dengwen_keys.age import bech32, filekey, header, recipients
from dengwen_keys.age.identities import Identity, decrypt, decrypt_stream
from dengwen_keys.age.recipients import Recipient, encrypt, encrypt_stream
from dengwen_keys.age.sizes import CHUNK_SIZE, RECIPIENT_SIZE

LARGE_SIZE = 100_000_000  # bytes
SMALL_SIZE = 1024  # bytes
ROUNDS = 5  # of the large file
CALLS = 300  # of the small things
MEGABYTE = 1e6  # bytes


class Nowhere(io.RawIOBase):
    """Takes bytes and forgets them, so that only the sealing is measured."""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: object) -> int:
        """Take *data*."""
        return memoryview(data).nbytes  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Setting:
    plaintext: bytes
    identity: Identity
    recipient: Recipient
    sealed: bytes


def measure() -> dict[str, float]:
    """Return rates in MB/s (10^6 bytes) and times in ms: medians of interleaved rounds."""
    identity = Identity.generate()
    plaintext = os.urandom(LARGE_SIZE)
    sealed = encrypt([identity.recipient], plaintext)
    setting = _Setting(plaintext, identity, identity.recipient, sealed)
    return _rates(setting) | _times(setting)


def _rates(setting: _Setting) -> dict[str, float]:
    cipher = ChaCha20Poly1305(os.urandom(32))
    nonce = bytes(12)
    view = memoryview(setting.plaintext)

    def raw_in_chunks() -> None:
        for start in range(0, LARGE_SIZE, CHUNK_SIZE):
            cipher.encrypt(nonce, view[start : start + CHUNK_SIZE], None)

    tasks: dict[str, Callable[[], object]] = {
        "raw, one call MB/s": lambda: cipher.encrypt(nonce, setting.plaintext, None),
        "raw, 64 KiB calls MB/s": raw_in_chunks,
        "encrypt_stream MB/s": lambda: encrypt_stream(
            [setting.recipient], io.BytesIO(setting.plaintext), _nowhere()
        ),
        "encrypt MB/s": lambda: encrypt([setting.recipient], setting.plaintext),
        "decrypt_stream MB/s": lambda: decrypt_stream(
            [setting.identity], io.BytesIO(setting.sealed), _nowhere()
        ),
        "decrypt MB/s": lambda: decrypt([setting.identity], setting.sealed),
    }
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            seconds[name].append(_seconds(task))
    return {
        name: LARGE_SIZE / MEGABYTE / statistics.median(found) for name, found in seconds.items()
    }


def _times(setting: _Setting) -> dict[str, float]:
    small = setting.plaintext[:SMALL_SIZE]
    file = encrypt([setting.recipient], small)
    text = setting.recipient.to_text()
    file_key = filekey.FileKey(os.urandom(16))
    tasks: dict[str, Callable[[], object]] = {
        "HPKE seal alone ms": lambda: setting.recipient.wrap(file_key),
        "seal 1 KiB ms": lambda: encrypt([setting.recipient], small),
        "open 1 KiB ms": lambda: decrypt([setting.identity], file),
        "check_shape ms": lambda: header.check_shape(file),
        "read a recipient's bech32 ms": lambda: bech32.decode(
            recipients.PREFIX, text, RECIPIENT_SIZE
        ),
        "parse a recipient seen before ms": lambda: Recipient.parse(text),
    }
    return {
        name: 1000 * statistics.median(_seconds(task) for _ in range(CALLS))
        for name, task in tasks.items()
    }


def _nowhere() -> BinaryIO:
    return io.BufferedWriter(Nowhere(), 1 << 16)


def _seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start
