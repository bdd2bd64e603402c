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
SHORT_POOL = 8_000
PROCESSES = os.cpu_count() or 1
MOST_ARRIVALS = 7_000.0  # a second: more, and the generator would be what is measured
PATIENCE = 0.02  # of the storm come back: the pool is not large enough for more


def main() -> int:
    """Measure, print, keep; 1 if an acknowledged petition is lost or an error came."""
    short = "--short" in sys.argv
    fill(SHORT_POOL if short else POOL)
    pool, seconds = Pool(), 2.0 if short else 10.0
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    figures: dict[str, object] = {"machine before": limits.measure(), "load": os.getloadavg()[0]}
    _show(figures["machine before"])
    flood = [Phase("all", seconds, 1_000.0 if short else MOST_ARRIVALS / 2)]
    runs = {}
    for processes in (1, PROCESSES):
        for mode in ("bare", "door"):
            run = Run(f"{mode}, all that it takes, {processes} processes", mode, flood, processes)
            runs[mode] = _keep(figures, measure(run, pool))
    full = runs["door"]
    calm = [Phase("calm", seconds, 0.8 * full.capacity)]
    at_80 = _keep(figures, measure(Run("at 80 %", "door", calm, PROCESSES), pool))
    rate = min(MOST_ARRIVALS, 10 * full.capacity)
    storm = Run("storm and back", "door", _storm(seconds, full.capacity, rate), PROCESSES)
    stormy = _keep(figures, measure(storm, pool))
    figures["ratios"] = {
        "durable/bare": full.capacity / runs["bare"].capacity,
        "offered in the storm/capacity": rate / full.capacity,
        "goodput in the storm/capacity": stormy.goodput / full.capacity,
        "p99 at 80 %, s": at_80.p99,
        "seconds until calm again": stormy.recovery,
        "reads/s, idle": reads(pool, 0.0),
        "reads/s, intake full": reads(pool, 2 * full.capacity),
    }
    _show(figures["ratios"])
    figures["machine after"] = limits.measure()
    _show(figures["machine after"])
    if not short:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 1 if any(run.lost or run.errors for run in (full, at_80, stormy)) else 0


def _keep(figures: dict[str, object], run: Figures) -> Figures:
    figures[run.name] = run.to_json()
    _show(run)
    return run


def _storm(seconds: float, capacity: float, rate: float) -> list[Phase]:
    """Return calm, a ramp, far more than can be taken, and calm again."""
    half = capacity / 2
    storm = Phase("storm", 2 * seconds, rate, PATIENCE)
    ramp = [Phase("ramp", 1.0, share * capacity, PATIENCE) for share in (1.5, 3.0)]
    return [Phase("before", seconds / 2, half), *ramp, storm, Phase("after", seconds, half)]


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
