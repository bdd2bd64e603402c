"""The sequencer as the operator's command: what it says when it cannot go on."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE
from tests.vault.office import VaultOffice

COMMAND = Path(sys.executable).with_name("dengwen-vault")


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
