"""An office with an open door, and a person at a terminal."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dengwen_audit.statements.manifest import Manifest
from tests.submit.door_office import DoorOffice
from tests.submit.offline import Offline
from tests.submit.terminal import Terminal


@pytest.fixture(scope="session")
def new_office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of an office that has just begun, to be copied."""
    folder = tmp_path_factory.mktemp("new") / "office"
    DoorOffice(folder).close()
    return folder


@pytest.fixture
def office(tmp_path: Path, new_office: Path) -> Iterator[DoorOffice]:
    """Give an office whose card and roster are in the log, with its door open."""
    office = DoorOffice(shutil.copytree(new_office, tmp_path / "office of the tests"))
    yield office
    office.close()


@pytest.fixture(scope="module")
def standing_office(
    tmp_path_factory: pytest.TempPathFactory, new_office: Path
) -> Iterator[DoorOffice]:
    """Give one office for all tests of a module, which leave it as they find it."""
    folder = tmp_path_factory.mktemp("standing") / "office"
    office = DoorOffice(shutil.copytree(new_office, folder))
    yield office
    office.close()


@pytest.fixture(scope="module")
def standing_case(standing_office: DoorOffice) -> Manifest:
    """Give a case in the standing office."""
    manifest = standing_office.accept()
    standing_office.look(manifest)
    return manifest


@pytest.fixture
def case(office: DoorOffice) -> Manifest:
    """Give a case whose reception is in the log and seen by all."""
    manifest = office.accept()
    office.look(manifest)
    return manifest


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Give a terminal in an empty folder, without an office around it."""
    folder = tmp_path / "desk of hers"
    folder.mkdir()
    return Terminal(folder, monkeypatch)


@pytest.fixture
def her(office: DoorOffice, terminal: Terminal) -> Terminal:
    """Give a terminal that reaches the office, and has fetched it."""
    terminal.surroundings = office.surroundings
    office.files().write(terminal.folder / "office")
    return terminal


@pytest.fixture
def standing_her(standing_office: DoorOffice, terminal: Terminal) -> Terminal:
    """Give a terminal that reaches the standing office, and has fetched it."""
    standing_office.slept.clear()
    terminal.surroundings = standing_office.surroundings
    standing_office.files().write(terminal.folder / "office")
    standing_office.door.calls.clear()
    return terminal


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Offline:
    """Give a terminal with a pinned office and a text to seal, and no network."""
    return Offline(tmp_path, monkeypatch)
