"""What was measured so far, in one file that is written again after each run."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.crowd.figures import Figures

RESULTS = Path(__file__).parents[1] / "results"


@dataclass
class Book:
    """
    The figures of a machine, by run.

    Attributes:
        machine: What it is, and what it can do beside the door.
        runs: The figures of each run, as `Figures.to_json` gives them.
        reads: Public files a second, by what else went on.
    """

    folder: Path = RESULTS
    machine: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    reads: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path = RESULTS) -> Book:
        """Open the book at what earlier runs left; runs that are made again take their place."""
        path = folder / "crowd.json"
        if not path.exists():
            return cls(folder)
        written = json.loads(path.read_text(encoding="utf-8"))
        if written.keys() != {"machine", "runs", "reads"}:
            return cls(folder)  # of an older bench
        return cls(folder, **written)

    def keep(self, figures: Figures) -> Figures:
        """Take a run over and write the file."""
        self.runs[figures.name] = figures.to_json()
        self.save()
        return figures

    def save(self) -> None:
        """Write the file; each run on lines of its own, its seconds on one."""
        self.machine |= {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        whole = {"machine": self.machine, "runs": self.runs, "reads": self.reads}
        (self.folder / "crowd.json").write_text(_spell(whole) + "\n", encoding="utf-8")

    def capacity(self, mode: str, workers: int, database: str) -> float:
        """Return the capacity that a ramp found, or 0."""
        run = self.runs.get(ramp_name(mode, workers, database))
        return float(run["capacity"]) if run else 0.0


def ramp_name(mode: str, workers: int, database: str) -> str:
    """Name the run that finds the capacity of a door."""
    beside = "" if database == "sqlite" else f"-{database}"
    return f"ramp-{mode}-{workers}{beside}"


def _spell(value: object, depth: int = 0) -> str:
    """Spell JSON with short lists on one line."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value)
    indent = " " * (depth + 1)
    lines = [f"{indent}{json.dumps(k)}: {_spell(v, depth + 1)}" for k, v in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{' ' * depth}}}"
