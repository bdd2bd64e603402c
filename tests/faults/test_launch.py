"""Tests of launch.py: a process dies where it is told to, whatever else it does meanwhile."""

import signal
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT

# Two threads are in the function at one time; the first call is the last that anybody hears of.
TOGETHER = """
import sys, threading
from tests.faults import launch

both = threading.Barrier(2)

class Owner:
    def work(self):
        both.wait()

sys.modules["owner"] = sys.modules["__main__"]
launch._die_in("owner", "Owner.work", sys.argv[1], int(sys.argv[2]))
threads = [threading.Thread(target=Owner().work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize(
    ("when", "count", "dies"),
    [
        ("before", 1, True),
        ("before", 2, True),
        ("before", 3, False),
        ("after", 1, True),
        ("after", 2, True),
        ("after", 3, False),
    ],
)
def test_a_step_that_two_threads_take_at_once_is_deadly(when: str, count: int, dies: bool) -> None:
    """The second call begins before the first one ends; a third there is not."""
    command = [sys.executable, "-c", TOGETHER, when, str(count)]
    ended = subprocess.run(command, cwd=ROOT, check=False)
    assert ended.returncode == (-signal.SIGKILL if dies else 0)
