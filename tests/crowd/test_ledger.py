"""The count after a crowd: what is there is told from what is not."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Delete, Update, delete, select, update

from bench.crowd import ledger
from bench.crowd.ledger import count
from bench.crowd.office import OpenOffice
from bench.crowd.pool import Pool
from dengwen_audit.note import SigningKey, sign_note
from dengwen_vault.models import Petition, Reception
from dengwen_vault.segments import FIRST_SIZE
from dengwen_vault.settings import SEALED_FOLDER
from tests.vault.office import VaultOffice


def _office(folder: Path, database: str = "sqlite:///vault.sqlite3") -> VaultOffice:
    folder.mkdir()
    office = VaultOffice(folder, database)
    office.tick()
    return office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[VaultOffice]:
    """Give an office with an empty log."""
    office = _office(tmp_path / "here")
    yield office
    office.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[VaultOffice]:
    """Give another one with the same keys: what it takes in is not in the first."""
    office = _office(tmp_path / "elsewhere")
    yield office
    office.close()


def test_what_is_there_is_not_counted_as_lost(office: VaultOffice, pool: Path) -> None:
    """Every acceptance with its petition, its event, its bytes and its receipt."""
    petitions = Pool(pool)
    answers = [(n, office.vault.accept(petitions.petition(n)).to_bytes()) for n in range(100)]
    found = count(office, petitions, answers)
    assert (found.acceptances, found.lost, found.compared, found.stored) == (100, 0, 100, 100)
    assert found.receipts > 0


@pytest.mark.parametrize("mangled", ["not here", "other key", "other petition"])
def test_each_acceptance_without_its_petition_is_counted_as_lost(
    office: VaultOffice,
    elsewhere: VaultOffice,
    pool: Path,
    mangled: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Be it that nothing is stored, that somebody else signed, or that it names another case."""
    monkeypatch.setattr(ledger, "SAMPLE", 0)  # it is found without looking at the bytes
    petitions = Pool(pool)
    first, second = (office.vault.accept(petitions.petition(n)) for n in (0, 1))
    number, answer = {
        "not here": (2, elsewhere.vault.accept(petitions.petition(2))),
        "other key": (1, sign_note(second.text, SigningKey("intake", bytes(32)))),
        "other petition": (1, first),
    }[mangled]
    found = count(office, petitions, [(0, first.to_bytes()), (number, answer.to_bytes())])
    assert (found.acceptances, found.lost) == (2, 1)


@pytest.mark.parametrize(
    "change",
    [
        delete(Reception),
        update(Petition).values(segment=None, slot=None),
        update(Petition).values(manifest=bytes(32)),
        update(Petition).values(slot=Petition.slot + 1),
    ],
    ids=["no event", "no parts", "other manifest", "other slot"],
)
def test_each_petition_that_is_not_there_whole_is_counted_as_lost(
    office: VaultOffice, pool: Path, change: Delete | Update
) -> None:
    """Whatever part of it is missing, or is another."""
    petitions = Pool(pool)
    answer = office.vault.accept(petitions.petition(0), at_once=True).to_bytes()
    with office.vault.store.writing() as connection:
        connection.execute(change)
    assert count(office, petitions, [(0, answer)]).lost > 0


def test_two_cases_in_one_slot_are_one_that_is_lost(
    office: VaultOffice, pool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all cases, not of a sample: else one in a million would not be seen."""
    monkeypatch.setattr(ledger, "SAMPLE", 0)
    petitions = Pool(pool)
    answers = [(n, office.vault.accept(petitions.petition(n)).to_bytes()) for n in range(2)]
    with office.vault.store.writing() as connection:
        segment, slot = connection.execute(select(Petition.segment, Petition.slot).limit(1)).one()
        connection.execute(update(Petition).values(segment=segment, slot=slot))
    assert count(office, petitions, answers).lost == 1


def _set_a_byte(office: VaultOffice) -> None:
    """Change one byte of the one petition's parts, wherever they lie."""
    with office.vault.store.writing() as connection:
        row = connection.execute(select(Petition.segment, Petition.slot, Petition.parts)).one()
        if row.parts is not None:
            other = bytes([row.parts[0] ^ 1]) + row.parts[1:]
            connection.execute(update(Petition).values(parts=other))
            return
    path = office.folder / SEALED_FOLDER / row.segment
    with path.open("r+b") as file:
        file.seek(row.slot * int(row.segment.partition("-")[0]) + 100)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def _lose_segments(office: VaultOffice) -> None:
    for path in (office.folder / SEALED_FOLDER).iterdir():
        path.unlink()


def _cut_segments(office: VaultOffice) -> None:
    for path in (office.folder / SEALED_FOLDER).iterdir():
        os.truncate(path, 0)


@pytest.mark.parametrize("is_mangled", [False, True])
def test_sealed_parts_are_compared_on_both_databases(
    tmp_path: Path, database_url: str, pool: Path, *, is_mangled: bool
) -> None:
    """In their row or in a segment: what was sent is found, and one byte of it that is another."""
    office, petitions = _office(tmp_path / "an office", database_url), Pool(pool)
    answer = office.vault.accept(petitions.petition(0)).to_bytes()
    if is_mangled:
        _set_a_byte(office)
    found = count(office, petitions, [(0, answer)])
    assert (found.lost, found.compared) == (int(is_mangled), 1)
    office.close()


@pytest.mark.parametrize("change", [_lose_segments, _cut_segments])
def test_a_petition_whose_segment_is_not_there_is_counted_as_lost(
    office: VaultOffice, pool: Path, change: Callable[[VaultOffice], None]
) -> None:
    """Gone, or too short."""
    petitions = Pool(pool)
    answer = office.vault.accept(petitions.petition(0), at_once=True).to_bytes()
    change(office)
    found = count(office, petitions, [(0, answer)])
    assert (found.lost, found.compared) == (1, 1)


def test_the_room_of_segments_counts_as_stored(office: VaultOffice, pool: Path) -> None:
    """All that the disk keeps for them, from the first petition on."""
    open_office = OpenOffice(office, 0, [], lambda: None)
    before = open_office.stored
    office.vault.accept(Pool(pool).petition(0))
    assert open_office.stored - before > FIRST_SIZE * 3 // 4
