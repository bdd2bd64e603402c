"""
`make bench-crowd`: what the door stands, beside what this machine stands, in one run.

    python -m bench.crowd            minutes: the table of docs/scaling.md
    python -m bench.crowd --short    seconds: whether it still holds

The generator and the door share the machine. What the machine itself can do is measured in the same
run, before and after, since other work on it moves every figure: the ratios are what to compare.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

from bench.crowd import limits
from bench.crowd.generator import Phase
from bench.crowd.pool import Pool, fill
from bench.crowd.run import Figures, Run, measure, reads

RESULTS = Path(__file__).parents[1] / "results" / "crowd.json"
POOL = 40_000
SHORT_POOL = 3_000


def main() -> int:
    """Measure, print, keep; 1 if an acknowledged petition is lost or an error came."""
    short = "--short" in sys.argv
    fill(SHORT_POOL if short else POOL)
    pool = Pool()
    seconds = 2.0 if short else 10.0
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    figures: dict[str, object] = {"machine": limits.measure(), "load": os.getloadavg()[0]}
    _show(figures["machine"])

    bare = measure(Run("bare, all that it takes", "bare", _flood(seconds, short)), pool)
    _show(bare)
    full = measure(Run("durable, all that it takes", "door", _flood(seconds, short)), pool)
    _show(full)
    calm_rate = 0.8 * full.capacity
    calm = measure(Run("durable, at 80 %", "door", [Phase("calm", seconds, calm_rate)]), pool)
    _show(calm)
    storm = measure(Run("ten-fold and back", "door", _storm(seconds, calm_rate, short)), pool)
    _show(storm)
    static = {"idle reads/s": reads(pool, 0.0), "reads/s, intake full": reads(pool, calm_rate * 2)}
    _show(static)

    figures |= {run.name: run.to_json() for run in (bare, full, calm, storm)}
    ratios = {
        "durable/bare": full.capacity / bare.capacity,
        "goodput in the storm/capacity": storm.goodput / full.capacity,
        "p99 at 80 %, s": calm.p99,
        "seconds until calm again": storm.recovery,
    }
    _show(ratios)
    figures |= {"reads": static, "ratios": ratios, "machine after": limits.measure()}
    if not short:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    runs = (full, calm, storm)
    return 1 if any(run.lost or run.errors for run in runs) else 0


def _flood(seconds: float, short: bool) -> list[Phase]:  # noqa: FBT001  # a length
    """Return more than can be taken, so that the door is never without work."""
    return [Phase("all", seconds, 700.0 if short else 3_500.0)]


def _storm(seconds: float, calm: float, short: bool) -> list[Phase]:  # noqa: FBT001  # a length
    """Return calm, a ramp, ten times as many as can be taken, and calm again."""
    peak = seconds if short else 60.0
    times = 3 if short else 10
    ramp = [Phase("ramp", 1.0, calm * share) for share in (1.5, 3.0)]
    storm = Phase("storm", peak, times * calm / 0.8)
    return [Phase("before", seconds / 2, calm / 2), *ramp, storm, Phase("after", seconds, calm / 2)]


def _show(figures: object) -> None:
    if isinstance(figures, Figures):
        print(f"\n{figures.name}")
        figures = figures.to_json()
    if isinstance(figures, dict):
        for name, value in figures.items():
            shown = f"{value:>14,.3f}" if isinstance(value, float) else f"{value!s:>14}"
            print(f"  {shown}  {name}", flush=True)


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"\n{time.monotonic() - began:.0f} s")
    sys.exit(code)
