"""
`make faults`: the whole storm, with as many kills as asked, and a figure for each thing counted.

The seed is printed first, so that a storm that found something can be called back.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.storm import Storm

ROUND = 50  # kills between two judgements


def main() -> int:
    """Let the storm blow; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    options = parser.parse_args()
    _say(f"seed {options.seed}")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Storm(Path(folder), options.seed) as storm:
        while storm.kills < options.kills:
            storm.blow(min(ROUND, options.kills - storm.kills))
            _say(_tell(storm, time.monotonic() - begun))
        storm.judge.judge(finally_=True)
        _say(_tell(storm, time.monotonic() - begun))
        for name, count in sorted(storm.house.kills.items()):
            _say(f"{count:6}  {name}")
    _say("Nothing that was acknowledged is lost; no size has two roots.")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _tell(storm: Storm, seconds: float) -> str:
    load = storm.load
    return (
        f"{seconds:6.0f} s  {storm.kills} kills, {len(load.accepted)} petitions accepted,"
        f" {len(load.asked)} requests, {load.opened} opened, {storm.size} records,"
        f" {len(storm.watch.seen)} checkpoints seen, {storm.judge.receipts} receipts verified"
    )


if __name__ == "__main__":
    sys.exit(main())
