"""What a machine can do beside the door: its disk's syncs and bytes, one core's hashes."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dengwen_audit.note import SigningKey

PAGE = os.urandom(4096)
SECONDS = 1.0
CHUNK = os.urandom(1 << 20)
WRITE_CHUNKS = 512
PETITION = os.urandom(37_648)
MANIFEST = os.urandom(6_000)

SYNCS = "fdatasync of 4 KiB, a second"
WRITES = "written in a row, MB a second"
HASHES = "SHA-256 of 37 kB, one core, a second"
SIGNATURES = "Ed25519 of 6 kB verified, one core, a second"
LOAD = "load before"


def measure(folder: Path) -> dict[str, float]:
    """Return what the disk of *folder* and one core do; MB are 10^6 bytes."""
    folder.mkdir(exist_ok=True)
    load = os.getloadavg()[0]
    with tempfile.TemporaryFile(dir=folder) as file:
        disk = file.fileno()
        syncs = _a_second(lambda: _write(disk, PAGE))
        began = time.perf_counter()
        for _ in range(WRITE_CHUNKS):
            os.write(disk, CHUNK)
        os.fdatasync(disk)
        passed = time.perf_counter() - began
    key = SigningKey("bench", os.urandom(32))
    signature = key.sign_bytes(MANIFEST)
    return {
        LOAD: load,
        SYNCS: syncs,
        WRITES: WRITE_CHUNKS * len(CHUNK) / 1e6 / passed,
        HASHES: _a_second(lambda: hashlib.sha256(PETITION).digest()),
        SIGNATURES: _a_second(lambda: key.verification_key.is_signature(signature, MANIFEST)),
    }


def _write(disk: int, data: bytes) -> None:
    os.write(disk, data)
    os.fdatasync(disk)


def _a_second(task: Callable[[], object]) -> float:
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < SECONDS:
        task()
        count += 1
    return count / passed
