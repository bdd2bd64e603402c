"""
A door that is killed in the middle of a crowd loses nothing that it signed for.

It dies as soon as its first acceptance has arrived, whatever it is doing for all the others.
"""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import select

from bench.crowd.fill import fill
from bench.crowd.generator import Crowd
from bench.crowd.phases import Phase
from bench.crowd.pool import Pool
from dengwen_audit.note import Note
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_vault.models import Petition, Reception
from tests.architecture.tree import ROOT
from tests.crowd.open_door import HOST
from tests.patience import PATIENCE
from tests.small_office import make_roster
from tests.vault.office import VaultOffice

RATE, SECONDS = 150.0, 1.5


def test_a_killed_door_has_lost_nothing_that_it_signed_for(tmp_path: Path) -> None:
    """Each acceptance that reached somebody has its petition and its event on disk."""
    fill(250, tmp_path / "pool")
    office = VaultOffice(tmp_path, f"sqlite:///{tmp_path / 'vault.sqlite3'}")
    office.tick()
    command = [sys.executable, "-m", "bench.crowd.serve", str(office.folder), "1", "door"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        signed: dict[int, bytes] = {}

        def keep(number: int, acceptance: bytes) -> None:
            signed[number] = acceptance
            process.kill()

        address = (HOST, int(process.stdout.readline()))
        crowd = Crowd(address, Pool(tmp_path / "pool"), keep=keep, drain=PATIENCE)
        crowd.run([Phase("until the end", SECONDS, RATE, patience=0.0)])
        process.kill()  # also one that signed for nothing
    accepted = [check_acceptance(Note.parse(a), make_roster()) for a in signed.values()]
    with office.vault.store.reading() as connection:
        here = set(connection.scalars(select(Petition.case_id)))
        in_line = set(connection.scalars(select(Reception.case_id)))
    office.close()
    assert 0 < len(accepted) < crowd.diary.total("offered")
    assert {acceptance.case for acceptance in accepted} <= here & in_line
