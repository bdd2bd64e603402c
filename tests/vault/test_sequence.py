"""The sequencer as the operator's command: what it says when it cannot go on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from dengwen_vault.cli.sequence import NICENESS
from tests.patience import PATIENCE
from tests.vault.office import VaultOffice

COMMAND = Path(sys.executable).with_name("dengwen-vault")
LEAST = 19  # nobody gives way more than that


def test_a_disk_that_refuses_ends_it_in_one_sentence(small_office: VaultOffice) -> None:
    """No traceback, nothing signed, and what to do."""
    log = small_office.vault.settings.log_folder
    shutil.rmtree(log, ignore_errors=True)
    log.write_bytes(b"a file in the place of the folder")
    done = subprocess.run(
        [COMMAND, "sequence", small_office.vault.settings.folder],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "the disk refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert log.is_file()


def test_it_gives_way_to_whoever_waits_for_an_answer(small_office: VaultOffice) -> None:
    """A tick of a crowd takes seconds of a processor, which the door needs more."""
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    with subprocess.Popen(
        [COMMAND, "sequence", small_office.vault.settings.folder], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"The log grows")
        its = os.getpriority(os.PRIO_PROCESS, process.pid)
        process.terminate()
    assert its == min(mine + NICENESS, LEAST)
