"""
`make bench`: every figure that the project promises, beside what it is compared with, in one run.

Each module of this folder measures one subject and returns medians by name; the table here says
which of them are promised, and how much. Absolute times are of this machine and this hour: the
ratios, taken in the same run, are what to compare between machines.
"""

from __future__ import annotations

import json
import operator
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.apart import measure_apart

RESULTS = Path(__file__).parent / "results" / "latest.json"
SUBJECTS = ("seal", "age", "receipt", "verify_log", "opening")


@dataclass(frozen=True)
class Promise:
    """One promised figure; *of* computes it from everything that was measured."""

    text: str
    of: Callable[[Mapping[str, float]], float]
    holds: Callable[[float, float], bool]
    limit: float
    unit: str


PROMISES = (
    Promise("seal a 4 kB petition", lambda m: m["seal 4 kB ms"], operator.le, 40, "ms"),
    Promise("sealed size of a 4 kB petition", lambda m: m["sealed bytes"], operator.le, 40e3, "B"),
    Promise(
        "seal 100 MB, of raw ChaCha20-Poly1305 in one call",
        lambda m: m["encrypt_stream MB/s"] / m["raw, one call MB/s"],
        operator.ge,
        0.5,
        "x",
    ),
    Promise(
        "seal 100 MB, of raw ChaCha20-Poly1305 in 64 KiB calls",
        lambda m: m["encrypt_stream MB/s"] / m["raw, 64 KiB calls MB/s"],
        operator.ge,
        0.5,
        "x",
    ),
    Promise("check one receipt", lambda m: m["receipt check ms"], operator.le, 5, "ms"),
    Promise(
        "verify a million epoch records from files",
        lambda m: m["verify 1,000,000 records s"],
        operator.le,
        20,
        "s",
    ),
    Promise(
        "open, request to plaintext, beyond two ticks",
        lambda m: m["open beyond two ticks s"],
        operator.le,
        2,
        "s",
    ),
)


def main() -> int:
    """Measure all subjects, or those named; print and keep the figures; 1 if one is missed."""
    subjects = sys.argv[1:] or SUBJECTS
    measured: dict[str, float] = {}
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for subject in subjects:
        print(f"\n{subject}")
        figures = measure_apart(subject)
        for name, value in figures.items():
            print(f"  {value:>14,.3f}  {name}")
        measured |= figures
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return _judge(measured)


def _judge(measured: Mapping[str, float]) -> int:
    print("\npromised")
    missed = 0
    for promise in PROMISES:
        try:
            value = promise.of(measured)
        except KeyError:
            continue  # its subject was not asked for
        held = promise.holds(value, promise.limit)
        missed += not held
        sign = "<=" if promise.holds is operator.le else ">="
        verdict = "held  " if held else "MISSED"
        limit = f"{sign} {promise.limit:,g} {promise.unit}"
        print(f"  {verdict} {value:>12,.3f} {promise.unit:<2} ({limit})  {promise.text}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
