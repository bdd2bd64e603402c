"""
What an ordinary run of the tests takes of this folder: everything but the modules `test_whole_…`.

`make faults` sets DENGWEN_FAULTS and runs all of them, after the storm.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scenarios import WHOLE
from tests.faults.storm import Storm

# Modules that last longest begin first, so that nobody waits for one alone at the end. Of two
# processes one takes both hours, which make the machine work, and the other what mostly waits.
FIRST = (
    "test_whole_away",
    "test_whole_broken",
    "test_whole_mirror",
    "test_whole_machines",
    "test_whole_failover",
    "test_whole_power",
    "test_whole_disks",
    "test_whole_postgres",
)

collect_ignore_glob = [] if os.environ.get(WHOLE) else ["test_whole_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first."""
    if os.environ.get(WHOLE):
        items.sort(key=lambda item: (*FIRST, item.path.stem).index(item.path.stem))


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
