"""Tests of scenarios.py: what `make faults` tells while it runs, and who runs beside whom."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.faults.scenarios import WHOLE, Progress
from tests.ports import share

TEST = "tests/faults/test_some.py::test_it[who@1]"


def _report(when: str, outcome: str, *found: tuple[str, object]) -> pytest.TestReport:
    report = pytest.TestReport(TEST, ("", 0, ""), {}, outcome, None, when)  # type: ignore[arg-type]  # as pytest does
    report.user_properties = list(found)
    return report


def _play(outcomes: list[str], *found: tuple[str, object]) -> list[str]:
    """Let one of five scenarios take a second by the clock; return what is told."""
    told: list[str] = []
    progress = Progress(told.append, itertools.count().__next__)
    progress.pytest_xdist_node_collection_finished(["one"] * 5)
    progress.pytest_runtest_logstart(TEST)
    for when, outcome in zip(("setup", "call", "teardown"), outcomes, strict=True):
        report = _report(when, outcome, *found)
        assert progress.pytest_report_teststatus(report)[1:] == ("", "")
        progress.pytest_runtest_logreport(report)
    progress.pytest_runtest_logfinish(TEST)
    return told


def test_each_scenario_is_told_once_with_its_time_and_what_it_found() -> None:
    """The name is one that pytest takes again."""
    told = _play(["passed", "passed", "passed"], ("ticks", 3))
    assert told == [
        "     3 s  1 of 5  passed in   1 s  test_some.py::test_it[who@1]",
        "     4 s  1 of 5  ticks: 3",
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_what_did_not_pass_is_told_as_such(place: int, outcome: str) -> None:
    """Whether before, in or after the test itself."""
    outcomes = ["passed"] * 3
    outcomes[place] = outcome
    assert f"{outcome} in" in _play(outcomes)[0]


def test_who_is_at_work_is_told_now_and_then() -> None:
    """So that nobody thinks it hangs."""
    told: list[str] = []
    progress = Progress(told.append, itertools.count().__next__)
    progress.pytest_runtest_logstart(TEST)
    progress.remind()
    assert told == ["     3 s  0 of 0  at work, 1 s  test_some.py::test_it[who@1]"]


def test_processes_side_by_side_never_draw_the_same_port() -> None:
    """Also while nobody listens there: its server may be away for a moment."""
    drawn = [set(share(number, 3)) for number in range(3)]
    assert not any(one & other for one, other in itertools.combinations(drawn, 2))
    assert set().union(*drawn) == set(share(0, 1))


@pytest.mark.slow
def test_the_scenarios_report_and_fail_as_a_whole(tmp_path: Path) -> None:
    """One fails: it is told, counted and in the exit code; a module's tests share a process."""
    (tmp_path / "test_also.py").write_text(
        "seen = []\ndef test_good(): seen.append(1)\ndef test_same(): assert seen\n", "ascii"
    )
    (tmp_path / "test_bad.py").write_text("def test_bad(): assert 0\n", "ascii")
    (tmp_path / "test_whole_away.py").write_text("def test_first(): pass\n", "ascii")
    (tmp_path / "conftest.py").write_text(
        "from tests.faults.conftest import pytest_collection_modifyitems\n", "ascii"
    )
    run = (
        "import pathlib, sys\n"
        "from tests.faults import scenarios\n"
        "scenarios.HERE = pathlib.Path(sys.argv.pop())\n"
        "sys.exit(scenarios.main())\n"
    )
    command = [sys.executable, "-c", run, "-p", "no:cacheprovider", str(tmp_path)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    clean.pop(WHOLE, None)
    ended = subprocess.run(
        command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    lines = [line for line in ended.stdout.splitlines() if " of 4 " in line]
    assert sorted(line.partition("::")[2] for line in lines) == [
        "test_bad",
        "test_first",
        "test_good",
        "test_same",
    ]
    assert next(line for line in lines if "failed in" in line).endswith("::test_bad")
    assert "1 failed, 3 passed" in ended.stdout
