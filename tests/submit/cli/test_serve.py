"""`dengwen-submit serve`: the door as a process of its own, and what keeps it from opening."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.patience import PATIENCE
from tests.submit.door_office import DoorOffice
from tests.submit.loopback import HOST
from tests.submit.terminal import Terminal

COMMAND = Path(sys.executable).with_name("dengwen-submit")


@pytest.fixture
def process(office: DoorOffice) -> Iterator[subprocess.Popen[str]]:
    """Run the command on the folder of an office."""
    command = [str(COMMAND), "serve", str(office.folder), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_the_door_opens_serves_and_closes(
    office: DoorOffice, process: subprocess.Popen[str]
) -> None:
    """It tells its port, serves the card, logs no path and no address, and ends when asked to."""
    assert process.stdout is not None
    told = re.fullmatch(r"The door is open on port (\d+)\.\n", process.stdout.readline())
    assert told is not None
    answer = requests.get(f"http://{HOST}:{told[1]}/card", timeout=PATIENCE)
    assert answer.content == (office.vault.public_folder / "card").read_bytes()
    process.send_signal(signal.SIGTERM)
    _, logged = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\d INFO GET /<path:name> 2xx\n", logged)


def test_a_folder_that_is_no_office_is_refused(terminal: Terminal) -> None:
    """One sentence for the operator, and no server."""
    (terminal.folder / "empty").mkdir()
    shown = terminal.run("serve", "empty")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith("Not done: ")
    assert "is it a data folder" in shown.err
