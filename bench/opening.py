"""
How long an opening takes, from a reviewer's request to the plaintext, across all processes.

It is the demo that is measured: seven server processes with a tick of one second, and the two
commands that the reviewer types, their start included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

DEMO = Path(__file__).resolve().parent.parent / "scripts" / "demo.py"


def measure() -> dict[str, float]:
    """Return the seconds beyond two ticks, of one opening."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        options = ("--folder", Path(folder) / "town", "--figures", figures)
        command = [sys.executable, *map(str, (DEMO, *options))]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        measured: dict[str, float] = json.loads(figures.read_text(encoding="utf-8"))
        return measured
