"""What an operator is told: faults are found, and nothing is said of any case."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from dengwen_audit.note import SigningKey
from dengwen_keys.petition_file import SealedPetition
from dengwen_vault.blobs.store import path_of
from dengwen_vault.doctor import FAULT, GOOD, WARNING, Finding, examine
from dengwen_vault.models import Epoch, LogHead
from dengwen_vault.settings import SETTINGS_FILE, write_key
from dengwen_vault.status import bucket, look
from dengwen_vault.vault import Vault
from tests.small_office import make_key
from tests.vault.conftest import S3_URL
from tests.vault.office import DAY, VaultOffice, seal_petition
from tests.vault.s3_server import Gate, S3Server


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


def test_two_accounts_may_each_have_a_key_of_the_folder(small_office: VaultOffice) -> None:
    """Whoever passes through the folder sees neither its list nor the other's key."""
    (small_office.folder / "keys").chmod(0o711)
    assert _find(small_office, FAULT) == []


@pytest.mark.parametrize("sentence", FAULTS)
def test_a_fault_is_found(small_office: VaultOffice, sentence: str) -> None:
    """And named, so that somebody can do something about it."""
    FAULTS[sentence](small_office)
    (fault, *_) = _find(small_office, FAULT)
    assert fault.sentence.startswith(sentence)


def _path(office: VaultOffice, petition: SealedPetition, number: int) -> Path:
    part = petition.manifest.part(f"attachment/{number}")
    return office.folder / "blobs" / path_of(part.sha256)


def test_attachments_that_are_there_are_found_there(small_office: VaultOffice) -> None:
    """The twin of those below; what has not come yet is no fault."""
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance, 1)
    sound = Finding(GOOD, "every attachment that came is there, and whole")
    assert sound in _find(small_office, GOOD)
    assert _find(small_office, FAULT) == _find(small_office, WARNING) == []


def test_attachments_that_are_gone_or_changed_are_faults(small_office: VaultOffice) -> None:
    """Each is counted, and none is named."""
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance)
    _path(small_office, petition, 1).unlink()
    _path(small_office, petition, 2).write_bytes(b"something else")
    assert [finding.sentence for finding in _find(small_office, FAULT)] == [
        "attachments that are gone: 1",
        "attachments that are not what they were: 1",
    ]
    small_office.attach(petition, acceptance)
    assert _find(small_office, FAULT) == []


def test_a_sealed_file_that_no_case_has_is_told(small_office: VaultOffice) -> None:
    """A crash between blob and row leaves one; it does no harm."""
    small_office.vault.blobs.put(b"left over")
    (warning,) = _find(small_office, WARNING)
    assert warning.sentence == ("sealed files that no case has, of sendings that were cut off: 1")


def test_a_folder_of_attachments_that_others_can_read_is_a_fault(
    small_office: VaultOffice,
) -> None:
    """They are sealed, and their number is nobody's business."""
    small_office.vault.blobs.put(b"something")
    (small_office.folder / "blobs").chmod(0o755)
    (fault,) = _find(small_office, FAULT)
    assert fault.sentence == "others can read: blobs"


def test_the_doctor_looks_into_an_object_store(
    small_office: VaultOffice, gate: Gate, s3: S3Server
) -> None:
    """Missing, changed and unknown objects are told, and that the store is away."""
    settings = small_office.folder / SETTINGS_FILE
    settings.write_text(settings.read_text().replace('"blobs"', f'"{S3_URL}"'))
    small_office.vault = Vault(small_office.folder, small_office.clock)
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance)
    small_office.vault.blobs.put(b"left over")
    first, second = (f"office/{path_of(part.sha256)}" for part in petition.manifest.attachments)
    assert _find(small_office, FAULT) == []
    s3.remove(first)
    s3.overwrite(second, b"something else")
    assert [finding.sentence for finding in _find(small_office, FAULT)] == [
        "attachments that are gone: 1",
        "attachments that are not what they were: 1",
    ]
    assert len(_find(small_office, WARNING)) == 1
    gate.close()
    (away,) = _find(small_office, FAULT)
    assert away.sentence == "the store of attachments cannot do this now"


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
