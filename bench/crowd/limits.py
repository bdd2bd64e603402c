"""What this machine's disk can do, measured beside the door: syncs a second, bytes in a row."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

BUILD = Path(__file__).parents[2] / "build"
PAGE = os.urandom(4096)
SYNC_SECONDS = 1.0
WRITE_BYTES = 256 << 20
CHUNK = os.urandom(1 << 20)


def measure() -> dict[str, float]:
    """Return how many small writes the disk syncs a second, and MB/s (10^6) in one long write."""
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryFile(dir=BUILD) as file:
        descriptor, count, began = file.fileno(), 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < SYNC_SECONDS:
            os.write(descriptor, PAGE)
            os.fdatasync(descriptor)
            count += 1
        syncs = count / passed
        began = time.perf_counter()
        for _ in range(WRITE_BYTES // len(CHUNK)):
            os.write(descriptor, CHUNK)
        os.fdatasync(descriptor)
        rate = WRITE_BYTES / 1e6 / (time.perf_counter() - began)
    return {"fdatasync of 4 KiB, a second": syncs, "MB/s in a row": rate}
