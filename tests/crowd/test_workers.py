"""Workers beside the door: they begin and end with it, and one that dies loses nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from dengwen_submit.intake import PATH
from dengwen_submit.workers import NICE
from tests.crowd.open_door import HOST
from tests.patience import PATIENCE, wait_until
from tests.vault.office import VaultOffice, seal_petition

ROOT = Path(__file__).parents[2]
WORKERS = 2
KILLS = 3


@pytest.fixture
def door(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the door of an office at noon with two workers; give it and its address."""
    office = VaultOffice(tmp_path, f"sqlite:///{tmp_path / 'vault.sqlite3'}")
    office.tick()
    office.close()
    command = [sys.executable, "-m", "bench.crowd.serve", str(office.folder), str(WORKERS)]
    with subprocess.Popen(
        [*command, "door"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, f"http://{HOST}:{int(process.stdout.readline())}"
        process.kill()


def _workers(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():  # each thread has those that it started
        children += map(int, (task / "children").read_text().split())
    return children


def _wait_until_gone(pids: list[int]) -> None:
    wait_until(lambda: _alive(pids) == [], lambda: f"still there: {_alive(pids)}")


def _alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def _send(url: str, name: str) -> requests.Response:
    return requests.post(url + PATH, seal_petition(name).to_bytes(), timeout=PATIENCE)


def test_workers_accept_and_end_when_the_door_is_told(
    door: tuple[subprocess.Popen[str], str],
) -> None:
    """All of it, and well."""
    process, url = door
    workers = _workers(process.pid)
    assert len(workers) == WORKERS
    assert _send(url, "somebody").status_code == 200
    assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in workers} <= {NICE, 0}
    assert max(os.getpriority(os.PRIO_PROCESS, pid) for pid in workers) == NICE
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    _wait_until_gone(workers)


def test_workers_end_with_a_door_that_was_killed(
    door: tuple[subprocess.Popen[str], str],
) -> None:
    """Nothing stays behind that nobody watches."""
    process, url = door
    assert _send(url, "somebody").status_code == 200
    workers = _workers(process.pid)
    process.kill()
    _wait_until_gone(workers)


def test_workers_that_die_are_replaced_and_nothing_is_lost(
    door: tuple[subprocess.Popen[str], str],
) -> None:
    """Whoever was with the dead one is served by the next, at once or when she comes back."""
    process, url = door
    told: dict[str, int] = {}

    def come(name: str) -> None:
        while (answer := _send(url, name)).status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0
            time.sleep(0.1)
        told[name] = answer.status_code

    for kill in range(KILLS):
        crowd = [threading.Thread(target=come, args=(f"{kill}-{i}",)) for i in range(8)]
        for person in crowd:
            person.start()
        for worker in _workers(process.pid):
            os.kill(worker, signal.SIGKILL)
        for person in crowd:
            person.join()
    assert set(told.values()) == {200}
    assert len(told) == 8 * KILLS
