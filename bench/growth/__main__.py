"""
`make bench-growth`: whether an office that is a thousand times as old is as quick.

    python -m bench.growth                          1 thousand, 100 thousand, 1 million cases
    python -m bench.growth --sizes 1000,100000      minutes instead of an hour
    python -m bench.growth --keep                   leave the databases below build/ for next time

The offices are made first: a million cases take 45 GB of disk and a quarter of an hour. Every
question is put to all of them in turn, and the medians are compared with those of the smallest.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.crowd import limits
from bench.growth.measure import Times, Town
from bench.growth.petitions import Petitions
from bench.growth.space import space_of, yearly

BUILD = Path(__file__).parents[2] / "build" / "growth"
RESULTS = Path(__file__).parents[1] / "results" / "growth.json"
SIZES = (1_000, 100_000, 1_000_000)
ORIGINALS = 4_000  # petitions that are really sealed
BYTES_A_CASE = 48_000
MOST = 1.2  # times the smallest office's median
ROUNDS, COLD_ROUNDS, COUNTED_ROUNDS = 36, 12, 3
# The questions that are promised; the others are told beside them.
PROMISED = ("intake", "desk", "status", "open", "tick")


def main() -> int:
    """Make, measure, print and keep; 1 if a promised median is missed."""
    options = _options()
    sizes = sorted(options.sizes)
    free = shutil.disk_usage(BUILD.parent if BUILD.parent.exists() else BUILD.parents[1]).free
    missing = [cases for cases in sizes if not (BUILD / str(cases)).exists()]
    if free < sum(missing) * BYTES_A_CASE:
        print(f"this takes {sum(missing) * BYTES_A_CASE >> 30} GiB of disk, and less is free")
        return 2
    town = Town(BUILD, options.database, Petitions(ORIGINALS), sizes)
    made = {str(cases): town.make(cases) for cases in sizes}
    _show("made, s", made)
    warm = town.measure(options.rounds)
    cold = town.measure_cold(options.cold_rounds) if "sqlite" in options.database else {}
    counted = town.count(COUNTED_ROUNDS) if "sqlite" in options.database else {}
    space = {str(cases): space_of(town.folder(cases)) for cases in sizes}
    figures = {
        "machine": _machine() | limits.measure(BUILD),
        "made, s": made,
        "rounds": options.rounds,
        "warm": {name: times.to_json() for name, times in warm.items()},
        "cold": {name: times.to_json() for name, times in cold.items()},
        "counted": {
            name: {cases: cost._asdict() for cases, cost in costs.items()}
            for name, costs in counted.items()
        },
        "space": space,
        "calculated, a tick a minute": yearly(),
    }
    _show_times("warm", warm)
    _show_times("cold", cold)
    for name, costs in counted.items():
        print(f"counted  {name:<40}", *(tuple(cost) for cost in costs.values()), flush=True)
    missed = _judge(warm)
    if not options.keep:
        shutil.rmtree(BUILD)
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__.splitlines()[1])
    parser.add_argument("--sizes", type=_numbers, default=SIZES, help="cases, by commas")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--cold-rounds", type=int, default=COLD_ROUNDS)
    parser.add_argument("--keep", action="store_true", help="leave the databases below build/")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--database",
        default="sqlite:///vault.sqlite3",
        help="or postgresql+psycopg://user@host/growth_{cases}: empty databases of these names",
    )
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _machine() -> dict[str, object]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory, GB": round(pages / 1e9, 1),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }


def _show(title: str, figures: Mapping[str, float]) -> None:
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {value:>14,.3f}  {name}", flush=True)


def _show_times(title: str, found: Mapping[str, Times]) -> None:
    for name, times in found.items():
        json_ = times.to_json()
        columns = (("ms", "9.3f"), ("ms, ratio", "5.2f"), ("cpu ms, ratio", "5.2f"))
        shown = ["  ".join(format(v, f) for v in json_[kind].values()) for kind, f in columns]
        print(f"{title}  {name:<40} {' | '.join(shown)}", flush=True)


def _judge(found: Mapping[str, Times]) -> int:
    missed = 0
    for name, times in found.items():
        worst = max(times.to_json()["ms, ratio"].values())
        if name.startswith(PROMISED) and worst > MOST:
            print(f"MISSED  {name}: {worst:.2f} times as long as in the smallest office")
            missed += 1
    return missed


if __name__ == "__main__":
    sys.exit(main())
