"""A backup holds the whole office and no order; a restored one goes on only if it may."""

import io
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest

from dengwen_audit.log import RestoredStoreError, Sequencer
from dengwen_audit.statements.manifest import Part
from dengwen_audit.witness_client import WitnessAheadError
from dengwen_vault.attachments import all_arrived
from dengwen_vault.backup import backup, restore
from dengwen_vault.blobs.store import check_blob
from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.errors import SettingsError
from dengwen_vault.publication import OfficePublisher
from dengwen_vault.settings import DEFAULT_ALLOWANCE, SETTINGS_FILE, Settings, read_key
from dengwen_vault.vault import Vault
from tests.patience import patient
from tests.small_office import make_card
from tests.vault.office import VaultOffice, count_rows, seal_petition

HEADER = 100  # bytes: SQLite counts its own changes there


def _start(office: VaultOffice, folder: Path) -> bool:
    """Start a sequencer on a restored folder and tick once, with the witnesses of *office*."""
    vault = Vault(folder, office.clock)
    key = read_key(vault.settings.log_key_file)
    publisher = OfficePublisher(vault.public_folder, key.verification_key, vault.store)
    store, policy = VaultEpochStore(vault.store), make_card().policy
    sequencer = Sequencer(store, publisher, key, policy, office.session, clock=office.clock)
    try:
        patient(sequencer).start()
        return sequencer.tick()
    finally:
        sequencer.close()
        publisher.close()
        vault.close()


def test_a_restored_office_is_the_office(small_office: VaultOffice, tmp_path: Path) -> None:
    """Every row and every public file is there, and the log goes on."""
    small_office.accept()
    small_office.vault.accept(seal_petition("in line").to_bytes())
    archive, folder = tmp_path / "backup.tar", tmp_path / "restored"
    backup(small_office.vault.settings, archive)
    restore(archive, folder)
    restored = Vault(folder, small_office.clock)
    assert count_rows(restored) == small_office.rows()
    assert _files(restored.public_folder) == _files(small_office.vault.public_folder)
    restored.close()
    small_office.vault.close()
    assert _start(small_office, folder)


def test_a_backup_brings_the_attachments_and_tells_no_time(
    small_office: VaultOffice, tmp_path: Path
) -> None:
    """Each that the database knows of is there, whole, and one that was half written is not."""
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance)
    (small_office.folder / "blobs" / ".new" / "half").write_bytes(b"half a blo")
    archive, folder = tmp_path / "backup.tar", tmp_path / "restored"
    assert backup(small_office.vault.settings, archive)
    restore(archive, folder)
    restored = Vault(folder, small_office.clock)
    member = restored.roster.member(petition.manifest.panel[0])
    for number in (1, 2):
        name = f"attachment/{number}"
        assert restored.part(member, petition.manifest.case, name) == petition.parts[name]
    restored.close()
    files = [path for path in (folder / "blobs").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert {path.stat().st_mtime for path in files} == {0}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_backup_taken_while_attachments_come_has_each_that_it_knows_of(
    small_office: VaultOffice, tmp_path: Path
) -> None:
    """The database is copied first, and a row never comes before its blob."""
    cases = [small_office.accept_files(f"under load {number}") for number in range(6)]
    begun = threading.Event()

    def load() -> None:
        for petition, acceptance in cases:
            small_office.attach(petition, acceptance)
            begun.set()

    sender = threading.Thread(target=load)
    sender.start()
    begun.wait()
    archive, folder = tmp_path / "backup.tar", tmp_path / "restored"
    backup(small_office.vault.settings, archive)
    sender.join()
    restore(archive, folder)
    restored = Vault(folder, small_office.clock)
    with restored.store.reading() as connection:
        known = list(all_arrived(connection, restored.segments))
    assert known
    for part in known:
        assert isinstance(part, Part)
        check_blob(restored.blobs, part.sha256, part.length)
    restored.close()


def test_a_backup_names_the_object_store_and_says_that_it_is_not_in_it(
    small_office: VaultOffice, tmp_path: Path
) -> None:
    """What lies elsewhere stays there; the restored office looks for it where it is."""
    settings = small_office.folder / SETTINGS_FILE
    text = settings.read_text().replace('"blobs"', '"s3://attachments/office"')
    settings.write_text(text.replace(str(DEFAULT_ALLOWANCE), "7"))
    archive, folder = tmp_path / "backup.tar", tmp_path / "restored"
    assert not backup(Settings.load(small_office.folder), archive)
    restore(archive, folder)
    restored = Settings.load(folder)
    assert (restored.blobs, restored.allowance) == ("s3://attachments/office", 7)


def test_a_backup_that_the_log_has_outrun_is_not_gone_on_from(
    small_office: VaultOffice, tmp_path: Path
) -> None:
    """Signing from there would make a second history, and witnesses have seen the first."""
    archive, folder = tmp_path / "backup.tar", tmp_path / "restored"
    backup(small_office.vault.settings, archive)
    small_office.tick()
    restore(archive, folder)
    with pytest.raises((WitnessAheadError, RestoredStoreError)):
        _start(small_office, folder)


def test_only_its_owner_reads_a_backup(small_office: VaultOffice, tmp_path: Path) -> None:
    """It holds the office's keys, and what is unpacked from it is as closed as it was."""
    archive, folder = tmp_path / "backup.tar", tmp_path / "restored"
    backup(small_office.vault.settings, archive)
    assert archive.stat().st_mode & 0o777 == 0o600
    restore(archive, folder)
    settings = Settings.load(folder)
    for path in (settings.log_key_file, settings.intake_key_file, folder / "vault.sqlite3"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_backup_does_not_tell_the_order_of_petitions(
    small_office: VaultOffice, tmp_path: Path
) -> None:
    """Pages are written anew in the order of the keys, and files without their times."""
    for number in range(20):
        small_office.vault.accept(seal_petition(f"order {number}").to_bytes())
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    backup(small_office.vault.settings, first)
    raw = sqlite3.connect(small_office.vault.store.path)
    raw.execute("VACUUM")
    raw.close()
    backup(small_office.vault.settings, second)
    assert _database(first)[HEADER:] == _database(second)[HEADER:]
    with tarfile.open(first) as tar:
        assert {member.mtime for member in tar} == {0}


def test_a_backup_overwrites_nothing(small_office: VaultOffice, tmp_path: Path) -> None:
    """Neither an older backup nor a folder in use."""
    archive = tmp_path / "backup.tar"
    backup(small_office.vault.settings, archive)
    data = archive.read_bytes()
    with pytest.raises(SettingsError, match="not overwritten"):
        backup(small_office.vault.settings, archive)
    assert archive.read_bytes() == data
    with pytest.raises(SettingsError, match="not empty"):
        restore(archive, small_office.folder)


def _archive(path: Path, name: str, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member, io.BytesIO())
    return path


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", "public/../../escape", "other"])
def test_an_archive_writes_nothing_outside_its_folder(tmp_path: Path, name: str) -> None:
    """A backup may come from a disk that somebody else had in hand."""
    archive = _archive(tmp_path / "bent.tar", name)
    with pytest.raises(SettingsError):
        restore(archive, tmp_path / "folder" / "below")
    assert not list(tmp_path.rglob("escape"))


def test_an_archive_brings_no_links(tmp_path: Path) -> None:
    """Only files and folders are unpacked."""
    archive = _archive(tmp_path / "bent.tar", "keys/log.key", tarfile.SYMTYPE)
    with pytest.raises(SettingsError):
        restore(archive, tmp_path / "folder")
    assert not (tmp_path / "folder" / "keys" / "log.key").exists()


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    """A wrong file is told from a backup."""
    (tmp_path / "text.tar").write_text("no archive\n" * 100)
    with pytest.raises(SettingsError, match="not a backup"):
        restore(tmp_path / "text.tar", tmp_path / "folder")


def _files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    named = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    return {name: data for name, data in named.items() if not name.startswith(".")}


def _database(archive: Path) -> bytes:
    with tarfile.open(archive) as tar:
        file = tar.extractfile("vault.sqlite3")
        assert file is not None
        return file.read()
