"""Several processes behind one port: they begin together and end together."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.crowd.open_door import HOST, SECONDS
from tests.vault.office import VaultOffice

PROCESSES = 2


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start `dengwen-submit serve` with two processes; give it and its port."""
    office = VaultOffice(tmp_path, f"sqlite:///{tmp_path / 'vault.sqlite3'}")
    office.tick()
    office.close()
    command = [str(Path(sys.executable).with_name("dengwen-submit")), "serve", str(office.folder)]
    command += ["--port", "0", "--processes", str(PROCESSES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        match = re.search(r"port (\d+)", process.stdout.readline())
        assert match is not None
        yield process, int(match[1])
        process.kill()


def _children(pid: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _are_gone(pids: list[int]) -> bool:
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_a_crew_serves_and_ends_when_it_is_told(crew: tuple[subprocess.Popen[str], int]) -> None:
    """All of it, and well."""
    process, port = crew
    for _ in range(8):
        assert requests.get(f"http://{HOST}:{port}/card", timeout=SECONDS).ok
    children = _children(process.pid)
    assert len(children) == PROCESSES
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0
    assert _are_gone(children)


def test_a_crew_ends_with_the_process_that_began_it(
    crew: tuple[subprocess.Popen[str], int],
) -> None:
    """Even if that was killed: nothing stays behind that nobody watches."""
    process, _ = crew
    children = _children(process.pid)
    process.kill()
    assert _are_gone(children)


def test_a_crew_that_loses_one_ends(crew: tuple[subprocess.Popen[str], int]) -> None:
    """Whoever watches over the service starts it again, whole."""
    process, _ = crew
    children = _children(process.pid)
    os.kill(children[0], signal.SIGKILL)
    assert process.wait(SECONDS) == 1
    assert _are_gone(children)
