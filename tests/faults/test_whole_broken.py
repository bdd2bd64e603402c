"""Broken disks, wrong clocks, absent holders: the office waits or ends, and never lies."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.faults.disks import limit_files
from tests.faults.house import NAMES, copy_folder
from tests.faults.storm import OPERATORS, Storm
from tests.patience import PATIENCE
from tests.town_people import GATEKEEPERS, MIRROR

pytestmark = pytest.mark.slow
AN_HOUR = 3600
DATABASE = "vault.sqlite3"
WAIT = 4.0  # seconds
RACE_SECONDS = 6.0
SECOND = "the second sequencer"
_SHIM = Path(__file__).with_name("failing_fsync.c")


def _post(storm: Storm) -> requests.Response:
    sent = storm.load.seal(random.Random())
    url = f"{storm.house.office.card.door}/v1/petitions"
    return requests.post(url, sent.sealed.letter(), timeout=PATIENCE)


def _until_ended(storm: Storm, name: str) -> None:
    """Wait until a process has ended by itself."""
    deadline = time.monotonic() + PATIENCE
    while name not in {who for who, _ in storm.house.ended}:
        assert time.monotonic() < deadline, storm.house.log(name)
        time.sleep(0.05)


@pytest.fixture
def broken(storm: Storm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run everything on a disk whose flushing can fail; give the file that says where."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is here: flushing cannot be made to fail below SQLite")
    shim = tmp_path / "failing_fsync.so"
    flags = ("-shared", "-fPIC", "-O1", "-Wall", "-Werror")
    subprocess.run([compiler, *flags, "-o", shim, _SHIM, "-ldl"], check=True)
    where = tmp_path / "where"
    monkeypatch.setenv("DENGWEN_FAILING_FSYNC", str(where))
    storm.house.down()
    storm.house.preload = str(shim)
    storm.house.up()
    storm.house.wait()
    yield where
    where.unlink(missing_ok=True)


@pytest.mark.parametrize("where", ["vault.sqlite3-wal", "/public/"])
def test_who_cannot_flush_signs_nothing(storm: Storm, broken: Path, where: str) -> None:
    """The sequencer ends before it signs, and the door gives no acceptance for what may be lost."""
    storm.load.go()
    storm.grow(1)
    storm.house.ended.clear()
    broken.write_text(where, encoding="ascii")
    _until_ended(storm, "sequencer")
    storm.stands_still(lambda: storm.size, WAIT)
    size = storm.size
    if where.startswith("vault"):
        storm.stands_still(lambda: len(storm.load.accepted), WAIT)
        assert _post(storm).status_code == requests.codes.service_unavailable
    assert storm.size == size
    storm.watch.look_into_witnesses()
    assert max(size for size, _ in list(storm.watch.seen)) == size
    broken.unlink()
    storm.grow(2)
    assert {who for who, _ in storm.house.ended} == {"sequencer"}
    storm.house.ended.clear()
    storm.judge.judge()


@pytest.mark.parametrize("where", ["/blobs/.new/", "/blobs/"])
def test_an_attachment_that_cannot_be_flushed_is_not_taken(
    storm: Storm, broken: Path, where: str
) -> None:
    """Neither its bytes nor its name; letters come in all the same, and it arrives afterwards."""
    storm.load.rest()  # what was begun before is done
    broken.write_text(where, encoding="ascii")
    attached, refused = len(storm.load.attached), storm.load.refusals.get("unavailable", 0)
    storm.load.go()
    assert _post(storm).ok
    storm.wait_until(
        lambda: storm.load.refusals.get("unavailable", 0) > refused, "nothing is refused"
    )
    storm.grow(2)
    assert len(storm.load.attached) == attached
    broken.unlink()
    storm.judge.judge()
    assert len(storm.load.attached) > attached
    assert not storm.house.ended


def test_holders_that_cannot_flush_say_nothing(storm: Storm, broken: Path) -> None:
    """A witness that cannot write down what it saw does not cosign; a gatekeeper gives no share."""
    storm.load.go()
    storm.grow(1)
    broken.write_text("/data-", encoding="ascii")
    storm.stands_still(lambda: (storm.size, len(storm.house.tap.answers())))
    broken.unlink()
    storm.grow(2)
    storm.judge.judge()
    assert not storm.house.ended


@pytest.mark.parametrize("names", [OPERATORS, (*GATEKEEPERS, MIRROR), NAMES])
def test_a_clock_that_steps_back_an_hour_costs_time_and_nothing_else(
    storm: Storm, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Whose clock it is: nothing accepted is lost, nothing is signed twice, and all goes on."""
    clock = tmp_path / "clock"
    clock.write_text("0", encoding="ascii")
    storm.house.clocks = dict.fromkeys(names, str(clock))
    storm.house.down(*names)
    storm.house.up()
    storm.house.wait()
    storm.load.go()
    storm.grow(1)
    for shift in (-AN_HOUR, 0):
        step = tmp_path / "step"
        step.write_text(str(shift), encoding="ascii")
        step.replace(clock)
        time.sleep(WAIT)
    storm.grow(1)
    storm.judge.judge()
    assert not storm.house.ended


def test_a_file_that_may_not_grow_is_a_full_disk(storm: Storm) -> None:
    """Where no small disk can be mounted: every service meets the end of its files, and goes on."""
    storm.load.go()
    storm.grow(1)
    names = ("door", "desk", *GATEKEEPERS, MIRROR)
    for name in names:
        limit_files(storm.house.pid(name), 4096)
    deadline = time.monotonic() + PATIENCE
    while (answer := _post(storm)).ok:
        assert time.monotonic() < deadline, "the file may grow after all"
    assert answer.status_code == requests.codes.service_unavailable
    time.sleep(WAIT)
    for name in names:
        limit_files(storm.house.pid(name), -1)
    storm.grow(2)
    storm.judge.judge()
    assert not storm.house.ended


def test_without_the_mirror_petitions_come_in_and_the_log_waits(storm: Storm) -> None:
    """No quorum, no record made public; what comes in meanwhile is in the log afterwards."""
    storm.load.go()
    storm.grow(1)
    with storm.house.without(MIRROR, "gk-1"):
        storm.stands_still(lambda: storm.size)  # one that had its quorum is still made public
        size, accepted = storm.size, len(storm.load.accepted)
        storm.wait_until(lambda: len(storm.load.accepted) > accepted, "nothing is accepted")
        assert storm.size == size
    storm.grow(2)
    storm.judge.judge()
    assert not storm.house.ended


def test_an_hour_without_a_quorum(storm: Storm, tmp_path: Path) -> None:
    """Both are away, and everybody's clock goes on by an hour: the log waits, petitions come in."""
    storm.load.clock = storm.house.now  # reviewers' devices too: the desk refuses another time
    names = storm.house.names
    clock = tmp_path / "clock"
    clock.write_text("0", encoding="ascii")
    storm.house.clocks = dict.fromkeys(names, str(clock))
    storm.house.down(*names)
    storm.house.up()
    storm.house.wait()
    storm.load.go()
    storm.grow(1)
    with storm.house.without(MIRROR, "gk-1"):
        storm.stands_still(lambda: storm.size)  # one that had its quorum is still made public
        size, accepted = storm.size, len(storm.load.accepted)
        step = tmp_path / "step"
        step.write_text(str(AN_HOUR), encoding="ascii")
        step.replace(clock)
        storm.wait_until(lambda: len(storm.load.accepted) > accepted, "nothing is accepted")
        assert storm.size == size
    storm.grow(2)
    storm.judge.judge()
    assert not storm.house.ended


def test_without_one_gatekeeper_the_log_goes_on(storm: Storm) -> None:
    """It catches up when it is back, and answers what waited for it."""
    storm.load.go()
    with storm.house.without("gk-1"):
        storm.grow(4)
    storm.grow(1)
    storm.judge.judge()
    assert not storm.house.ended


def test_sequencers_of_two_machines_sign_one_history(storm: Storm, tmp_path: Path) -> None:
    """With public folders of their own they race for each record, and no size gets two roots."""
    storm.load.go()
    vault = tmp_path / "vault"
    copy_folder(storm.house.office.vault, vault)
    for path in vault.glob(f"{DATABASE}*"):
        path.unlink()
    text = (vault / "vault.toml").read_text("utf-8")
    shared = text.replace(DATABASE, str(storm.house.office.vault / DATABASE))
    (vault / "vault.toml").write_text(shared, "utf-8")
    until, deadline = time.monotonic() + RACE_SECONDS, time.monotonic() + PATIENCE
    command = storm.house.office.command("sequencer")
    process, log = storm.house.start_beside(tmp_path, *command)
    while time.monotonic() < until or not _was_seen(storm):
        assert time.monotonic() < deadline, log.read_text("utf-8")
        storm.watch.look_at(vault / "public", SECOND)
        if process.poll() is not None:
            process, log = storm.house.start_beside(tmp_path, *command)
        time.sleep(0.02)
    process.kill()
    assert {name for name, _ in storm.house.ended} <= {"sequencer"}
    storm.house.ended.clear()
    storm.judge.judge()


def _was_seen(storm: Storm) -> bool:
    return any(SECOND in who for who in list(storm.watch.seen.values()))
