"""What the door's processes use, read from the system once a second."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True)
class Sample:
    """
    What some processes have used up to one time.

    Attributes:
        time: Seconds since the start of the run.
        cpu: Seconds of all cores.
        memory: Bytes; what processes share is counted once.
        written: Bytes given to the disk.
    """

    time: float
    cpu: float
    memory: int
    written: int


def sample(roots: list[int], time: float) -> Sample:
    """Look at some processes and all that they started."""
    pids = [pid for root in roots for pid in _family(root)]
    return Sample(time, sum(map(_cpu, pids)), sum(map(_memory, pids)), sum(map(_written, pids)))


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in _entries(PROC / str(pid) / "task"):
        for child in _read(task / "children").split():
            found += _family(int(child))
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _cpu(pid: int) -> float:
    fields = _read(PROC / str(pid) / "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def _memory(pid: int) -> int:
    return _value(_read(PROC / str(pid) / "smaps_rollup"), "Pss:") << 10


def _written(pid: int) -> int:
    return _value(_read(PROC / str(pid) / "io"), "\nwrite_bytes:")


def _value(text: str, name: str) -> int:
    _, found, rest = text.partition(name)
    return int(rest.split(maxsplit=1)[0]) if found else 0


def _read(path: Path) -> str:
    """Return a file of the system, or nothing if its process has gone."""
    try:
        return path.read_text("ascii")
    except OSError:
        return ""
