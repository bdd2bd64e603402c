"""The short storm: real processes, killed at random moments and at named steps, under load."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from dengwen_vault.blobs.store import path_of
from dengwen_vault.database import Store
from dengwen_vault.models import Attachment, Petition
from dengwen_vault.segments import PAGE
from dengwen_vault.settings import Settings
from tests.faults.launch import SEQUENCER_STEPS, STEPS, Faults
from tests.faults.storm import Storm, steps_of
from tests.patience import PATIENCE
from tests.town_people import MIRROR

pytestmark = pytest.mark.slow
KILLS = 30


def test_kills_lose_nothing_that_was_acknowledged(storm: Storm) -> None:
    """Whoever dies and whenever, everything promised is there afterwards, and once."""
    storm.blow(KILLS)
    storm.load.go()
    storm.wait_until(lambda: storm.load.opened, "nobody opens anything")
    storm.judge.judge(finally_=True)
    assert storm.kills >= KILLS
    assert storm.load.accepted
    assert storm.load.opened
    assert storm.load.attached
    assert storm.judge.receipts >= len(storm.load.accepted)


@pytest.mark.parametrize(
    "step", ["door.before-blob-folder-sync", "door.after-blob", "door.after-attachment"]
)
def test_a_door_that_dies_between_an_attachment_and_its_row_loses_nothing(
    storm: Storm, step: str
) -> None:
    """What it left is used by the next attempt, which comes by itself."""
    storm.load.go()
    died = storm.house.kills[f"door at {step}"]
    storm.house.kill("door", Faults(die_at=step))
    storm.wait_until(
        lambda: storm.house.kills[f"door at {step}"] > died,
        "nobody sent an attachment",
    )
    attached = len(storm.load.attached)
    storm.wait_until(lambda: len(storm.load.attached) > attached, "none arrives after it")
    storm.judge.judge()
    assert not storm.house.ended


def test_every_named_step_belongs_to_a_process() -> None:
    """No step is listed that a storm cannot come to."""
    reached = [steps_of(name) for name in ("door", "desk", "sequencer", "gk-1", MIRROR)]
    assert set(itertools.chain(*reached)) == {*SEQUENCER_STEPS, *STEPS}


def _lose_a_petition(storm: Storm) -> None:
    case = storm.load.accepted[0].petition.sealed.manifest.case
    database = sqlite3.connect(storm.house.office.vault / "vault.sqlite3", timeout=PATIENCE)
    with database:
        database.execute("DELETE FROM petition WHERE case_id = ?", (case,))
    database.close()


def _spoil_a_petition(storm: Storm) -> None:
    case = storm.load.accepted[1].petition.sealed.manifest.case
    store = Store(Settings.load(storm.house.office.vault).database)
    with store.reading() as connection:
        place = select(Petition.segment, Petition.slot).where(Petition.case_id == case)
        segment, slot = connection.execute(place).one()
    store.close()
    assert segment is not None
    assert slot is not None
    with (storm.house.office.vault / "sealed" / segment).open("r+b") as file:
        file.seek(slot * int(segment.partition("-")[0]) + PAGE)
        file.write(bytes(PAGE))


def _blob(storm: Storm) -> Path:
    attached = storm.load.attached[0]
    part = attached.petition.sealed.manifest.attachments[attached.number - 1]
    return storm.house.office.vault / "blobs" / path_of(part.sha256)


def _lose_an_attachment(storm: Storm) -> None:
    _blob(storm).rename(storm.folder / "hidden")


def _forget_an_attachment(storm: Storm) -> None:
    attached = storm.load.attached[0]
    here = Attachment.case_id == attached.petition.sealed.manifest.case
    store = Store(Settings.load(storm.house.office.vault).database)
    with store.writing() as connection:
        connection.execute(delete(Attachment).where(here))
    store.close()


def _lose_an_epoch(storm: Storm) -> None:
    with sqlite3.connect(storm.house.office.data(MIRROR) / "mirror.sqlite") as database:
        database.execute("DELETE FROM epoch WHERE number = 1")
    database.close()


def _show_another_root(storm: Storm) -> None:
    storm.watch.seen[1, bytes(32)] = {"somebody"}


def _answer_twice(storm: Storm) -> None:
    posted = storm.house.tap.answers()
    next(iter(posted.values())).add(next(iter(next(iter(posted.values())))) + b" ")


def _forget_an_acceptance(storm: Storm) -> None:
    accepted = storm.load.accepted[0]
    sealed = storm.load.seal(storm.chance)
    storm.load.accepted.append(type(accepted)(sealed, accepted.acceptance))


@pytest.mark.parametrize(
    ("crime", "found"),
    [
        (_show_another_root, "another root for size 1"),
        (_answer_twice, "posted two different answers"),
        (_forget_an_acceptance, "0 times in the log"),
        (_lose_an_attachment, "an attachment that was taken: what was stored is gone"),
        (_forget_an_attachment, "an attachment that was taken is not known"),
        (_lose_a_petition, "not in the vault as it was sent"),
        (_spoil_a_petition, "the parts of an accepted petition are not in the vault"),
        (_lose_an_epoch, "mirror does not hold"),
    ],
)
def test_the_judge_finds_what_is_wrong(
    storm: Storm, crime: Callable[[Storm], None], found: str
) -> None:
    """A judge that finds nothing is worth something only if it finds what somebody has hidden."""
    storm.load.go()
    storm.wait_until(lambda: storm.load.opened, "nobody opens anything")
    storm.wait_until(lambda: storm.load.attached, "nobody attaches anything")
    storm.judge.settle()
    crime(storm)
    with pytest.raises(AssertionError, match=found):
        storm.judge.judge()
