"""What happens to the database: torn at its end, replaced by an older copy, written to by two."""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults import wal
from tests.faults.house import copy_folder
from tests.faults.storm import OPERATORS, Storm
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow
CUTS = 25
DATABASE = "vault.sqlite3"
LOST = "restored from an older copy"


def _copy(storm: Storm, folder: Path) -> Path:
    """Copy the operator's data folder, as it lies on the disk, to another machine."""
    copy_folder(storm.house.office.vault, folder / "vault")
    return folder / "vault"


def test_a_log_torn_anywhere_gives_a_whole_number_of_commits(storm: Storm, tmp_path: Path) -> None:
    """What power loss leaves of unfinished writing is dropped; every commit before it is there."""
    written, sizes = _commits(storm, tmp_path)
    vault, ends = storm.house.office.vault, list(sizes)
    chance = random.Random(11)
    for start, end in random.Random(5).sample(list(itertools.pairwise(ends)), CUTS):
        torn = wal.put_torn(vault / DATABASE, written, chance.randrange(start, end), tmp_path)
        assert wal.ask(torn, "PRAGMA integrity_check") == ["ok"]
        assert wal.ask(torn, "SELECT case_id FROM petition ORDER BY case_id") == sizes[start]


def _commits(storm: Storm, folder: Path) -> tuple[bytes, dict[int, list[object]]]:
    """
    Wait until the database's log holds enough commits, some of them of petitions, and stop it.

    Returns:
        The log, and the petitions after each of its commits.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        storm.load.go()
        storm.grow(2)
        storm.house.down(*OPERATORS)
        vault = storm.house.office.vault
        written, sizes = Path(f"{vault / DATABASE}-wal").read_bytes(), {}
        for end in wal.commits(written):
            whole = wal.put_torn(vault / DATABASE, written, end, folder)
            sizes[end] = wal.ask(whole, "SELECT case_id FROM petition ORDER BY case_id")
        if len(sizes) > CUTS and len({len(cases) for cases in sizes.values()}) > 1:
            return written, sizes
        assert time.monotonic() < deadline, f"{len(sizes)} commits"
        storm.house.up()
        storm.house.wait()


def test_a_torn_end_that_nobody_was_told_of_is_forgotten(storm: Storm) -> None:
    """The office goes on from a database whose last, unfinished transaction is torn."""
    storm.load.go()
    storm.grow(2)
    storm.house.down(*OPERATORS)
    path = storm.house.office.vault / DATABASE
    log = Path(f"{path}-wal")
    before = log.read_bytes()
    before = before[: wal.commits(before)[-1]]
    log.write_bytes(before)
    Path(f"{path}-shm").unlink()
    written = _write_untold(path)
    log.write_bytes(written[: len(before) + (len(written) - len(before)) * 2 // 3 + 13])
    Path(f"{path}-shm").unlink()
    assert len(wal.commits(written)) == len(wal.commits(before)) + 1
    storm.judge.judge()
    assert not wal.ask(path, "SELECT 1 FROM used_nonce WHERE window = 0")


def _write_untold(path: Path) -> bytes:
    """Commit a large transaction as a process that dies before it tells; return the log."""
    code = (
        "import os, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('BEGIN IMMEDIATE')\n"
        "for _ in range(2000):\n"
        "    database.execute('INSERT INTO used_nonce VALUES (randomblob(32), 0)')\n"
        "database.execute('COMMIT')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert died.returncode == -signal.SIGKILL
    return Path(f"{path}-wal").read_bytes()


def test_a_lost_commit_that_was_public_stops_the_sequencer(storm: Storm, tmp_path: Path) -> None:
    """A disk that lied is found: the log is not gone on with."""
    storm.load.go()
    storm.grow(2)
    storm.house.down(*OPERATORS)
    vault = _copy(storm, tmp_path)
    written = Path(f"{vault / DATABASE}-wal").read_bytes()
    Path(f"{vault / DATABASE}-shm").unlink()
    size = storm.size
    for end in reversed(wal.commits(written)):
        torn = wal.put_torn(vault / DATABASE, written, end, tmp_path)
        if wal.ask(torn, "SELECT size FROM log_head") < [size]:
            break
    Path(f"{vault / DATABASE}-wal").write_bytes(written[:end])
    code, said = storm.house.sequence(tmp_path)
    assert code != 0
    assert LOST in said
    storm.judge.judge()


def test_an_older_backup_is_not_gone_on_from(storm: Storm, tmp_path: Path) -> None:
    """A backup that was taken under load is refused once the log has gone on without it."""
    storm.load.go()
    archive, folder = str(tmp_path / "backup.tar"), storm.house.office.folder
    code, said = storm.house.run(folder, "dengwen-vault", "backup", "vault", archive)
    assert code == 0, said
    storm.grow(2)
    storm.house.down(*OPERATORS)
    code, said = storm.house.run(tmp_path, "dengwen-vault", "restore", archive, "vault")
    assert code == 0, said
    code, said = storm.house.sequence(tmp_path)  # its public files are as old: witnesses tell
    assert code != 0
    assert LOST in said
    shutil.rmtree(tmp_path / "vault" / "public")
    shutil.copytree(storm.house.office.vault / "public", tmp_path / "vault" / "public")
    code, said = storm.house.sequence(tmp_path)  # now the public files tell
    assert code != 0
    assert LOST in said
    storm.judge.judge()


def test_a_second_sequencer_ends_at_once(storm: Storm) -> None:
    """Of two sequencers on one folder one runs."""
    code, said = storm.house.sequence(storm.house.office.folder)
    assert code != 0
    assert "another sequencer has the public folder open" in said
    storm.load.go()
    storm.grow(1)
    storm.judge.judge()
