"""The shipped files together, as processes of their own: one office behind TLS."""

from __future__ import annotations

import functools
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from dengwen_audit.receipt import check_receipt
from dengwen_submit.cli.status import INCOMPLETE
from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import DoorError
from dengwen_vault.database import Store
from dengwen_vault.models import Petition
from tests.deploy.authority import DOOR
from tests.deploy.front import Front
from tests.deploy.stand import CLIENT, PRESENT, Stand, open_stand
from tests.faults.load import Accepted, Load
from tests.patience import wait_until

pytestmark = [pytest.mark.deploy, pytest.mark.postgres, pytest.mark.slow]

TEXT = "# The dam\n\nThe dam leaks.\n"
RESTARTS = 1
BETWEEN = 6  # petitions that are accepted between two restarts


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Stand, Front]]:
    """Run the office for the tests of this module."""
    with open_stand() as opened:
        yield opened


@pytest.fixture(scope="module")
def stand(opened: tuple[Stand, Front]) -> Stand:
    """Give the office."""
    return opened[0]


@pytest.fixture
def people(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the people of this process find the office and trust its authority."""
    for name, value in stand.environment.items():
        monkeypatch.setenv(name, value)


def _send(stand: Stand, folder: Path) -> None:
    """Pin the office, seal a petition with an attachment, and send it, as petitioners do."""
    (folder / "petition.md").write_text(TEXT, encoding="utf-8")
    stand.run("dengwen-submit", "card", stand.office.card.door, folder=folder)
    (folder / "plan.txt").write_text(TEXT, encoding="utf-8")
    sealed = ["--anonymous", "--out", "sent.petition", "--words-out", "words"]
    sealed += ["--attach", "plan.txt"]
    stand.run("dengwen-submit", "seal", "petition.md", *sealed, folder=folder)
    said = stand.run("dengwen-submit", "send", "sent.petition", "--at-once", folder=folder)
    assert "Accepted and signed for: sent.petition.acceptance." in said


def test_a_petition_goes_all_the_way(stand: Stand, tmp_path: Path) -> None:
    """Pinned, sealed, sent through TLS, signed for, in the log, and proven by its receipt."""
    url = stand.office.card.door
    _send(stand, tmp_path)
    status = ("dengwen-submit", "status", "--words-file", "words", "--save", "receipts")

    def is_proven() -> bool:
        stand.run(*status, "--wait", "1", folder=tmp_path, codes=(0, INCOMPLETE))
        return any((tmp_path / "receipts").glob("*"))

    wait_until(is_proven, lambda: stand.said("sequencer"))
    blobs = [path for path in (stand.office.vault / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) == 1
    (receipt,) = (tmp_path / "receipts").iterdir()
    assert "Proven: " in stand.run("dengwen-submit", "receipt", str(receipt), folder=tmp_path)
    assert "Sound." in stand.run("dengwen-audit", "verify", url, "--card", "card.txt")


def _rests(load: Load, stand: Stand) -> None:
    """Fetch a receipt of everything that was accepted; wait until each is in the log."""
    with requests.Session() as session:
        door = DoorClient(stand.office.card.door, session)
        for one in load.accepted:
            is_proven = functools.partial(_is_proven, door, one, stand)
            wait_until(is_proven, lambda: stand.said("door"))


def _is_proven(door: DoorClient, one: Accepted, stand: Stand) -> bool:
    """Check the receipts of a case; tell whether there is one for each of its events."""
    try:
        served = json.loads(door.case(one.petition.words.signing_key()).events())["events"]
    except DoorError:  # it may have much to do just now
        return False
    receipts = [one["receipt"] for one in served if one["receipt"] is not None]
    for text in receipts:
        check_receipt(text.encode(), stand.office.card.policy)
    return len(receipts) == len(served) > 0


@pytest.mark.usefixtures("people")
def test_a_restart_of_the_door_loses_nothing(stand: Stand) -> None:
    """People send and reviewers open while the door is upgraded; what was signed for is there."""
    load = Load(stand.office, seed=12)
    try:
        load.go()
        for number in range(1, RESTARTS + 1):
            _wait_for(load, number * BETWEEN, stand)
            assert stand.stop("door") == 0
            stand.start("door")
        _wait_for(load, (RESTARTS + 1) * BETWEEN, stand)
        wait_until(lambda: load.opened, lambda: load.state)
        load.rest()
        assert load.faults == []
        assert load.refusals.keys() <= {"service-unavailable", "unavailable", "busy", ""}
        store = Store(stand.cluster.url)
        with store.reading() as connection:
            stored = set(connection.scalars(select(Petition.case_id)))
        store.close()
        assert {one.petition.sealed.manifest.case for one in load.accepted} <= stored
        _rests(load, stand)
    finally:
        load.close()


def _wait_for(load: Load, accepted: int, stand: Stand) -> None:
    wait_until(
        lambda: len(load.accepted) >= accepted, lambda: f"{load.state}\n{stand.said('door')}"
    )


def test_the_public_files_are_for_everybody_to_read(stand: Stand) -> None:
    """The sequencer writes them so that nginx, another account, can serve them."""
    public = stand.office.vault / "public"
    modes = {
        str(path.relative_to(public)): stat.S_IMODE(path.stat().st_mode)
        for path in public.rglob("*")
        if not path.name.startswith(".")
    }
    assert len(modes) > 5
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o022 or not mode & 4} == {}


def test_nothing_that_is_written_names_anybody(
    opened: tuple[Stand, Front], people: None, tmp_path: Path
) -> None:
    """After all of the above: no address, no case, no word, in anything that anybody logged."""
    stand, front = opened
    _send(stand, tmp_path)  # the tests above may have run in another process, with its own office
    store = Store(stand.cluster.url)
    with store.reading() as connection:
        cases = [bytes(case).hex() for case in connection.scalars(select(Petition.case_id))]
    store.close()
    files = [*stand.folder.glob("*.said"), stand.cluster.log, front.log]
    assert len(files) == len(PRESENT) + 5
    written = "\n".join(path.read_text("utf-8", "replace") for path in files)
    assert cases
    assert [case for case in cases if case in written] == []
    for word in (CLIENT, "dam leaks", "/v1/", "GET ", "POST ", DOOR):
        assert word not in written, word
