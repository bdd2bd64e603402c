"""Loss of power: everything that was not flushed is gone, and nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.launch import Faults
from tests.faults.power import ForgetfulDisk
from tests.faults.storm import OPERATORS, Storm
from tests.patience import PATIENCE
from tests.town_people import MIRROR

pytestmark = pytest.mark.slow
CUTS = 6
ENOUGH = 5  # petitions
_SHIM = Path(__file__).with_name("forgetful_disk.c")


@pytest.fixture
def who(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Say whose power fails: the operator's, unless a test says another."""
    names: tuple[str, ...] = getattr(request, "param", OPERATORS)
    return names


@pytest.fixture
def disk(
    storm: Storm, who: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ForgetfulDisk:
    """Let the folder of somebody lie on a disk that keeps only what was flushed."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is here: what is flushed cannot be told from what is not")
    shim = tmp_path / "forgetful_disk.so"
    flags = ("-shared", "-fPIC", "-O1", "-Wall", "-Werror")
    subprocess.run([compiler, *flags, "-o", shim, _SHIM, "-ldl"], check=True)
    office = storm.house.office
    folder = office.vault if who == OPERATORS else office.data(*who)
    disk = ForgetfulDisk(folder, tmp_path / "kept")
    monkeypatch.setenv("DENGWEN_DISK", str(disk.folder))
    monkeypatch.setenv("DENGWEN_KEPT", str(disk.kept))
    storm.house.preload = str(shim)
    _cut(storm, who)
    disk.begin()
    storm.house.up()
    storm.house.wait()
    return disk


def _cut(storm: Storm, who: tuple[str, ...]) -> None:
    storm.house.down(*who)
    storm.judge.close()  # its connections are to a file that is about to go


@pytest.mark.parametrize("who", [OPERATORS, ("gk-1",), (MIRROR,)], indirect=True)
def test_loss_of_power_takes_nothing_that_was_acknowledged(
    storm: Storm, who: tuple[str, ...], disk: ForgetfulDisk
) -> None:
    """Whatever somebody said, posted or cosigned was flushed before."""
    storm.load.go()
    for _ in range(CUTS):
        storm.grow(1)
        time.sleep(storm.chance.uniform(0, 2))
        _cut(storm, who)
        disk.lose_power()
        storm.watch.forget_largest()  # a checkpoint may have been seen before its name was flushed
        storm.house.up()
        storm.house.wait()
    storm.judge.judge(finally_=True)
    assert not storm.house.ended


def test_the_disk_forgets_what_was_not_flushed(tmp_path: Path) -> None:
    """A test of the disk itself: without a flush neither bytes nor names survive."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").write_text("flushed", encoding="ascii")
    disk = ForgetfulDisk(folder, tmp_path / "kept")
    disk.begin()
    (folder / "old").write_text("not flushed", encoding="ascii")
    (folder / "new").write_text("not flushed", encoding="ascii")
    disk.lose_power()
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert (folder / "old").read_text("ascii") == "flushed"


def test_a_door_that_does_not_flush_is_found(storm: Storm, disk: ForgetfulDisk) -> None:
    """The test itself is worth something: one that accepts before it flushes loses petitions."""
    storm.judge.judge()
    storm.house.down("sequencer")
    storm.house.kill("door", Faults(careless=True))
    storm.house.wait()
    storm.load.go()
    accepted = len(storm.load.accepted)
    deadline = time.monotonic() + PATIENCE
    while len(storm.load.accepted) < accepted + ENOUGH:
        assert time.monotonic() < deadline, storm.house.log("door")
        time.sleep(0.05)
    _cut(storm, OPERATORS)
    disk.lose_power()
    storm.watch.forget_largest()
    with pytest.raises(AssertionError, match="not in the vault"):
        storm.judge.judge()
