"""
What one petition of 4 kB costs: sealing it, its size part by part, and checking it at intake.

The office is the default one: a panel of 3, gatekeepers 2 of 3, trustees 3 of 5. The recipients of
members were parsed before, as in a client that has checked its roster; words are new each time.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from dengwen_keys.compartment import open_share
from dengwen_keys.opening import open_left, open_petition, rebuild
from dengwen_keys.petition_file import SealedPetition, first_bytes
from dengwen_keys.sealing import Attachment, seal, seal_to
from dengwen_keys.words import Words
from tests.keys.office import DRAFT, Case, identity_of, small_roster

BODY = "x" * 4096
CALLS = 60
LARGE_SIZE = 32_000_000  # bytes: an attachment


def measure() -> dict[str, float]:
    """Return times in ms (medians), sizes in bytes, and a rate in MB/s (10^6 bytes)."""
    draft, roster = replace(DRAFT, body=BODY), small_roster()
    words = Words.generate()
    case = Case(seal(draft, words, roster), words)
    data = case.sealed.to_bytes()
    return {
        "seal 4 kB ms": _milliseconds(lambda: seal(draft, Words.generate(), roster)),
        "intake check ms": _milliseconds(lambda: SealedPetition.parse(data)),
        "open share ms": _milliseconds(lambda: _open_share(case)),
        "open petition ms": _milliseconds(lambda: _open_petition(case)),
        "attachment MB/s": _attachment_rate(),
        **_sizes(case.sealed),
    }


def _milliseconds(task: Callable[[], object]) -> float:
    task()
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def _open_share(case: Case) -> None:
    part = case.sealed.parts["share/petition/1"]
    open_share(part, identity_of("gate-1"), case.manifest, "petition", 1)


def _open_petition(case: Case) -> None:
    """Do what a reviewer's client does once two shares have come."""
    reader, parts = case.panel[-1], case.sealed.parts
    left = open_left(case.sealed.note, parts["left"], identity_of(reader), reader)
    shares = case.release("petition", (1, 3))
    key = rebuild(case.manifest, left, "petition", shares)
    open_petition(case.manifest, parts["compartment/petition"], key)


def _attachment_rate() -> float:
    """Return how fast a large file is sealed into a petition on a disk, or what plays one."""
    source = io.BytesIO(bytes(LARGE_SIZE))
    file = Attachment("film.mp4", "video/mp4", LARGE_SIZE, source)
    draft = replace(DRAFT, attachments=(file,))
    start = time.perf_counter()
    seal_to(io.BytesIO(), draft, Words.generate(), small_roster())
    return LARGE_SIZE / 1e6 / (time.perf_counter() - start)


def _sizes(sealed: SealedPetition) -> dict[str, float]:
    """Return the size of the whole, and of each kind of part: shares of a kind are equal."""
    manifest = len(first_bytes(sealed.note))
    sizes = {"sealed bytes": len(sealed.to_bytes()), "manifest bytes": manifest}
    for name, part in sealed.parts.items():
        label = name if not name.startswith("share/") else f"{name.rpartition('/')[0]}, each"
        sizes[f"{label} bytes"] = len(part)
    return {name: float(size) for name, size in sizes.items()}


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:36} {value:12.2f}")
