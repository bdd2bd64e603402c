"""What an operator is told: faults are found, and nothing is said of any case."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from dengwen_audit.note import SigningKey
from dengwen_vault.doctor import FAULT, GOOD, WARNING, Finding, examine
from dengwen_vault.models import Epoch, LogHead
from dengwen_vault.settings import write_key
from dengwen_vault.status import bucket, look
from tests.small_office import make_key
from tests.vault.office import DAY, VaultOffice, seal_petition


def _find(office: VaultOffice, state: str) -> list[Finding]:
    findings = examine(office.vault, office.now)
    return [finding for finding in findings if finding.state == state]


def test_a_sound_office_is_found_sound(open_office: VaultOffice) -> None:
    """The twin of every fault below."""
    assert _find(open_office, FAULT) == []
    assert _find(open_office, WARNING) == []


def _open_key(office: VaultOffice) -> None:
    office.vault.settings.log_key_file.chmod(0o644)


def _open_folder(office: VaultOffice) -> None:
    (office.folder / "keys").chmod(0o755)


def _open_database(office: VaultOffice) -> None:
    Path(office.vault.store.path).chmod(0o640)


def _other_key(office: VaultOffice) -> None:
    path = office.vault.settings.intake_key_file
    path.unlink()
    write_key(path, SigningKey("intake", make_key("another intake").seed))


def _roster_ends(office: VaultOffice) -> None:
    office.now += 30 * DAY


def _restored_database(office: VaultOffice) -> None:
    with office.vault.store.writing() as connection:
        connection.execute(update(LogHead).values(size=0))


def _other_record(office: VaultOffice) -> None:
    with office.vault.store.writing() as connection:
        connection.execute(update(Epoch).values(record=b"another record"))


def _lost_tiles(office: VaultOffice) -> None:
    shutil.rmtree(office.vault.settings.log_folder / "tile")


def _no_witnesses(office: VaultOffice) -> None:
    for _ in range(2):
        office.epoch_store.commit_tick(office.epoch_store.size(), office.now)


def _clock_behind(office: VaultOffice) -> None:
    office.now -= 3600


def _old_schema(office: VaultOffice) -> None:
    with office.vault.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")


FAULTS: dict[str, Callable[[VaultOffice], None]] = {
    "others can read: log.key": _open_key,
    "others can read: keys": _open_folder,
    "others can read: vault.sqlite3": _open_database,
    "the roster in force has ended": _roster_ends,
    "the public log has 1 records and the database 0": _restored_database,
    "the public log holds other records": _other_record,
    "the folder has no tile": _lost_tiles,
    "2 records are committed and not public": _no_witnesses,
    "this clock is behind those of the witnesses": _clock_behind,
    "the database is not at the newest revision": _old_schema,
    "the intake key is not the one in the roster": _other_key,
}


@pytest.mark.parametrize("sentence", FAULTS)
def test_a_fault_is_found(small_office: VaultOffice, sentence: str) -> None:
    """And named, so that somebody can do something about it."""
    FAULTS[sentence](small_office)
    (fault, *_) = _find(small_office, FAULT)
    assert fault.sentence.startswith(sentence)


def test_a_roster_that_ends_soon_is_a_warning(small_office: VaultOffice) -> None:
    """Root keepers need some days to sign the next one."""
    small_office.now += 14 * DAY
    small_office.tick()
    assert [finding.sentence for finding in _find(small_office, WARNING)] == [
        "the roster in force ends in 7 days"
    ]


def test_a_log_that_stands_still_is_a_warning(small_office: VaultOffice) -> None:
    """Without a sequencer nothing is received."""
    small_office.now += 600
    (warning,) = _find(small_office, WARNING)
    assert warning.sentence == "the newest checkpoint is 600 seconds old"


def test_before_the_first_record_the_doctor_says_so(office: VaultOffice) -> None:
    """Nothing crashes because nothing is there yet."""
    sentences = {finding.sentence for finding in examine(office.vault, office.now)}
    assert "the office's log has no record yet" in sentences
    assert any(finding.state == GOOD for finding in examine(office.vault, office.now))


def test_status_tells_no_single_arrival(open_office: VaultOffice) -> None:
    """Sizes of what petitioners did come as orders of magnitude."""
    open_office.accept()
    open_office.vault.accept(seal_petition("in line").to_bytes())
    status = look(open_office.vault, open_office.now)
    assert (status.committed, status.public) == (2, 2)
    assert (status.petitions, status.pending, status.work) == ("1 to 9", "1 to 9", "none")
    assert status.checkpoint_age == 0
    assert len(status.witnesses) >= 3


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "none"), (1, "1 to 9"), (9, "1 to 9"), (10, "10 to 99"), (12345, "10000 to 99999")],
)
def test_a_count_is_said_as_its_order(count: int, said: str) -> None:
    """One more petition rarely changes what is shown."""
    assert bucket(count) == said
