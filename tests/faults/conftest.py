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

# What lasts longest begins first, so that nobody waits for one alone at the end. Of two processes
# one takes both hours, which make the machine work, and the other what mostly waits.
FIRST = (
    "away-gk-1",
    "test_whole_broken",
    "away-mirror-1",
    "test_whole_machines",
    "test_whole_failover",
    "test_whole_power",
    "test_whole_disks",
    "test_whole_postgres",
)

collect_ignore_glob = [] if os.environ.get(WHOLE) else ["test_whole_*.py"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a module together where several run at once, and put the longest first."""
    if not os.environ.get(WHOLE):
        return
    groups = {}
    for item in items:
        own = item.get_closest_marker("xdist_group")
        groups[item] = own.args[0] if own else item.path.stem
        item.add_marker(pytest.mark.xdist_group(groups[item]))
    items.sort(key=lambda item: (*FIRST, groups[item]).index(groups[item]))


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
