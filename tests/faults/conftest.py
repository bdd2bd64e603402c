"""
What an ordinary run of the tests takes of this folder: everything but the modules `test_whole_…`.

`make faults` sets DENGWEN_FAULTS and runs all of them, after the storm.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.storm import Storm

collect_ignore_glob = [] if os.environ.get("DENGWEN_FAULTS") else ["test_whole_*.py"]


@pytest.fixture(autouse=True)
def _everything_runs(request: pytest.FixtureRequest) -> None:
    """Let each test begin with a whole house, whatever became of the one before."""
    if "storm" in request.fixturenames:
        request.getfixturevalue("storm").begin_anew()


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """Give an office under load, the same to every test of a module."""
    folder: Path = tmp_path_factory.mktemp("house")
    with Storm(folder, seed=7) as running:
        yield running
