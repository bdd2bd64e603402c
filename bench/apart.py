"""Measures a subject in a process of its own, so that none inherits another's memory."""

from __future__ import annotations

import importlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def measure_apart(subject: str) -> dict[str, float]:
    """Return the figures of the module ``bench.SUBJECT``, by name."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_measure, subject).result()


def _measure(subject: str) -> dict[str, float]:
    figures: dict[str, float] = importlib.import_module(f"bench.{subject}").measure()
    return figures
