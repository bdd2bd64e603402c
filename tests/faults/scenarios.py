"""
The second part of `make faults`: every scenario of this folder, two at a time, told as it ends.

Modules share nothing but the machine: each has a house of its own, with its folders, ports, clocks
and PostgreSQL servers, and small disks are mounted where only the process that runs it sees them.
Tests of one module share their house, so that they follow one another; those that last longest
begin first.

Whatever follows goes to pytest: `python -m tests.faults.scenarios -k power`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

WHOLE = "DENGWEN_FAULTS"  # while it is set, pytest takes the modules `test_whole_…` too
HERE = Path(__file__).parent
REMIND_SECONDS = 60.0
# One line a scenario is ours; of pytest's own there is what failed, and the sum.
OPTIONS = ("-q", "-o", "console_output_style=classic")
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


def main() -> int:
    """Run the scenarios; return the exit code."""
    os.environ[WHOLE] = "whole"
    arguments = [str(HERE), *OPTIONS, *SIDE_BY_SIDE, *sys.argv[1:]]
    return int(pytest.main(arguments, plugins=[Progress()]))


@dataclass
class _Scenario:
    """One that runs: since when, what is to be said of it so far, and what it found out."""

    since: float
    outcome: str = "passed"
    findings: list[str] = field(default_factory=list)


class Progress:
    """
    Tells of each scenario as soon as it has ended, and now and then which ones are at work.

    Args:
        tell: Where the lines go; to pytest's terminal unless it is told.
        clock: Seconds that pass.
    """

    def __init__(
        self,
        tell: Callable[[str], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell, self._clock, self._begun = tell, clock, clock()
        self._running: dict[str, _Scenario] = {}
        self._total = self._done = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Find the terminal, and begin to remind."""
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if self._tell is None and terminal is not None:
            self._tell = terminal.write_line
        threading.Thread(target=self._remind, daemon=True).start()

    def pytest_sessionfinish(self) -> None:
        """Remind no more."""
        self._stop.set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the scenarios, if this process runs them itself."""
        self._total = max(self._total, len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Count them, if other processes do."""
        self._total = len(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """Let pytest count, and write nothing."""
        if report.when == "call" or report.skipped:
            return report.outcome, "", ""
        return ("error", "", "") if report.failed else ("", "", "")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note that one begins."""
        with self._lock:
            self._running[nodeid] = _Scenario(self._clock())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of it, before, in or after the test itself."""
        with self._lock:
            scenario = self._running[report.nodeid]
            if not report.passed and scenario.outcome == "passed":
                scenario.outcome = report.outcome
            if report.when == "call":
                scenario.findings += [f"{name}: {value}" for name, value in report.user_properties]

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell of one that has ended."""
        with self._lock:
            scenario = self._running.pop(nodeid)
            self._done += 1
        lasted = self._clock() - scenario.since
        self._say(f"{scenario.outcome} in {lasted:3.0f} s  {_name(nodeid)}")
        for finding in scenario.findings:
            self._say(finding)

    def remind(self) -> None:
        """Tell which are at work, and for how long."""
        with self._lock:
            running = dict(self._running)
        for nodeid, scenario in running.items():
            self._say(f"at work, {self._clock() - scenario.since:.0f} s  {_name(nodeid)}")

    def _remind(self) -> None:
        while not self._stop.wait(REMIND_SECONDS):
            self.remind()

    def _say(self, what: str) -> None:
        if self._tell:
            passed = self._clock() - self._begun
            self._tell(f"{passed:6.0f} s  {self._done} of {self._total}  {what}")


def _name(nodeid: str) -> str:
    return nodeid.removeprefix("tests/faults/")


if __name__ == "__main__":
    sys.exit(main())
