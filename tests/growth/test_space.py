"""What an office is said to take on disk, and that its copy takes all of it along."""

import os
from pathlib import Path

import pytest

from bench.growth.measure import Town
from bench.growth.petitions import Petitions
from bench.growth.space import SEGMENTS, allocated, space_of
from dengwen_vault.segments import PAGE

CASES = 40
PAPERS = 4_500  # bytes at least: manifest and acceptance of one case
URL = "sqlite:///vault.sqlite3"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, petitions: Petitions) -> Town:
    """Give a town of one office, which is small enough to be laid back from its copy."""
    town = Town(tmp_path_factory.mktemp("town"), URL, petitions, (CASES,))
    town.make(CASES)
    return town


def test_a_case_has_the_slots_that_its_row_names(town: Town, petitions: Petitions) -> None:
    """In whole pages of the disk; room for those who come later is of the whole, not of a case."""
    space = space_of(town.folder(CASES))
    parts = [len(petitions.original(number).joined) for number in range(CASES)]
    each = space["bytes a case"][SEGMENTS]
    assert sum(parts) / CASES + PAPERS < each <= sum(parts) / CASES + PAPERS + PAGE
    assert space["bytes"][SEGMENTS] > CASES * each
    assert space["bytes"]["segment files"] > 0
    assert space["bytes a case"]["petition"] > 0


def test_what_is_allocated_is_counted_and_not_what_is_long(tmp_path: Path) -> None:
    """A hole takes nothing, room that was asked for takes all."""
    hole, room = tmp_path / "hole", tmp_path / "room"
    for path in (hole, room):
        path.touch()
    os.truncate(hole, 1 << 20)
    with room.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, 1 << 20)
    assert allocated([hole]) < 1 << 20 <= allocated([room])


def test_the_copy_that_an_office_is_laid_back_from_has_its_segments(town: Town) -> None:
    """Without them its rows would name slots that are nowhere."""
    made = town.folder(CASES)
    copy = made.with_name(f"{CASES}-as-made")
    assert _segments(made)
    assert _segments(copy) == _segments(made)


def _segments(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "office" / "sealed").iterdir()}
