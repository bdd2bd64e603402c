"""Where sealed parts lie: durable before their rows, once, and moved there from older databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from dengwen_audit.note import NoteHash
from dengwen_keys.petition_file import SealedPetition, first_bytes
from dengwen_keys.sealing import seal
from dengwen_vault.admission import Arrival
from dengwen_vault.backup import backup, restore
from dengwen_vault.blobs.local import LocalBlobs
from dengwen_vault.database import Store
from dengwen_vault.doctor import FAULT, GOOD, examine
from dengwen_vault.errors import MissingBlobError, SecondManifestError, WrongBlobError
from dengwen_vault.models import Petition
from dengwen_vault.parts import read_all_parts
from dengwen_vault.schema import check_schema, migrate, migrate_back
from dengwen_vault.segments import FIRST_SIZE, PAGE, Segments, Slot
from dengwen_vault.vault import Vault
from tests.small_office import make_roster
from tests.vault.office import DRAFT, VaultOffice, seal_petition, words_of

BEFORE = "0005"


def _parts(petition: SealedPetition) -> bytes:
    """Return the parts of a letter, as they lie in the vault."""
    return petition.letter()[len(first_bytes(petition.note)) :]


def _stored(vault: Vault, petition: SealedPetition) -> bytes:
    with vault.store.reading() as connection:
        return read_all_parts(connection, vault.segments, petition.manifest)


def _used(office: VaultOffice) -> int:
    """Return how many slots of the office's segments are not free."""
    used = 0
    for path in (office.folder / "sealed").iterdir():
        size, data = int(path.name.partition("-")[0]), path.read_bytes()
        used += sum(any(data[begin : begin + 4]) for begin in range(0, len(data), size))
    return used


def _slot(office: VaultOffice, petition: SealedPetition) -> Slot:
    place = select(Petition.segment, Petition.slot)
    with office.vault.store.reading() as connection:
        row = connection.execute(place.where(Petition.case_id == petition.manifest.case)).one()
    assert row.segment is not None
    assert row.slot is not None
    return Slot(row.segment, row.slot)


def test_the_parts_of_a_petition_lie_in_one_place(open_office: VaultOffice) -> None:
    """In a segment beside SQLite, in its row on PostgreSQL, and never in both."""
    petition = seal_petition()
    open_office.vault.accept(petition.to_bytes())
    with open_office.vault.store.reading() as connection:
        row = connection.execute(select(Petition.segment, Petition.slot, Petition.parts)).one()
    is_sqlite = open_office.vault.store.is_sqlite
    assert (row.parts is None, row.segment is None, row.slot is None) == (
        (True, False, False) if is_sqlite else (False, True, True)
    )
    assert (open_office.folder / "sealed").exists() == is_sqlite
    assert _stored(open_office.vault, petition) == _parts(petition)


def test_a_petition_that_is_here_takes_no_second_slot(small_office: VaultOffice) -> None:
    """Whoever sends it a hundred times, alone or in a group, fills no disk."""
    petition = seal_petition()
    arrival = Arrival(petition.to_bytes())
    small_office.vault.accept_all([arrival] * 3)
    place = _slot(small_office, petition)
    for _ in range(2 * FIRST_SIZE // (10 * PAGE)):
        small_office.vault.accept_all([arrival])
        small_office.vault.accept(arrival.sealed)
    assert _used(small_office) == 1
    assert _slot(small_office, petition) == place
    assert _stored(small_office.vault, petition) == _parts(petition)


def test_a_petition_that_is_refused_leaves_no_slot(small_office: VaultOffice) -> None:
    """Another manifest of a case is not stored, nor are its parts."""
    first, second = seal_petition("same"), seal(DRAFT, words_of("same"), make_roster())
    assert first.note.hash != second.note.hash
    small_office.vault.accept(first.to_bytes())
    answers = small_office.vault.accept_all([Arrival(second.to_bytes())])
    assert [type(answer) for answer in answers] == [SecondManifestError]
    assert _used(small_office) == 1


def test_the_parts_are_durable_before_their_row_is_written(
    small_office: VaultOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody waits for the disk while the one writer's place is taken."""
    happened: list[str] = []
    put, writing = Segments.put, Store.writing

    def put_and_note(segments: Segments, sealed: list[bytes]) -> list[Slot]:
        slots = put(segments, sealed)
        happened.append("durable")
        return slots

    @contextmanager
    def write_and_note(store: Store) -> Iterator[Connection]:
        happened.append("begin")
        with writing(store) as connection:
            yield connection

    monkeypatch.setattr(Segments, "put", put_and_note)
    monkeypatch.setattr(Store, "writing", write_and_note)
    small_office.vault.accept_all([Arrival(seal_petition().to_bytes())])
    small_office.vault.accept(seal_petition("second").to_bytes())
    assert happened == ["durable", "begin"] * 2


def test_a_slot_is_not_given_back_when_nobody_knows_what_was_committed(
    small_office: VaultOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that ends in an error may have come to the disk: its parts stay where they are."""
    petition, writing = seal_petition(), Store.writing

    @contextmanager
    def fail_after_commit(store: Store) -> Iterator[Connection]:
        with writing(store) as connection:
            yield connection
        raise OSError("the cable was pulled")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "writing", fail_after_commit)
        with pytest.raises(OSError, match="cable"):
            small_office.vault.accept_all([Arrival(petition.to_bytes())])
    others = [Arrival(seal_petition(f"another {number}").to_bytes()) for number in range(9)]
    for _ in range(9):
        small_office.vault.accept_all(others)
    small_office.vault.accept(petition.to_bytes())
    assert _stored(small_office.vault, petition) == _parts(petition)
    assert _used(small_office) == 1 + len(others)


def _sentences(office: VaultOffice, state: str) -> list[str]:
    return [found.sentence for found in examine(office.vault, office.now) if found.state == state]


def test_the_doctor_reads_every_sealed_petition(open_office: VaultOffice) -> None:
    """The twin of the next one, on both databases."""
    open_office.accept()
    assert "every sealed petition is there, and whole" in _sentences(open_office, GOOD)
    assert _sentences(open_office, FAULT) == []


def test_petitions_that_are_gone_or_changed_are_faults(small_office: VaultOffice) -> None:
    """Each is counted, and none is named; a bit is enough."""
    kept, spoilt, gone = (seal_petition(name) for name in ("kept", "spoilt", "gone"))
    for petition in (kept, spoilt):
        small_office.vault.accept(petition.to_bytes())
    small_office.vault.close()
    (first,) = (small_office.folder / "sealed").iterdir()
    first.chmod(0o400)  # as if it were full, so that the third lies elsewhere
    small_office.vault.accept(gone.to_bytes())
    first.chmod(0o600)
    place = _slot(small_office, spoilt)
    with first.open("r+b") as file:
        file.seek(place.number * 10 * PAGE + 9_000)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    (small_office.folder / "sealed" / _slot(small_office, gone).segment).unlink()
    assert _sentences(small_office, FAULT) == [
        "sealed petitions that are gone: 1",
        "sealed petitions that are not what they were: 1",
    ]


def test_a_folder_of_petitions_that_others_can_read_is_a_fault(small_office: VaultOffice) -> None:
    """They are sealed, and their number is nobody's business."""
    small_office.accept()
    (small_office.folder / "sealed").chmod(0o755)
    assert _sentences(small_office, FAULT) == ["others can read: sealed"]


def test_a_backup_brings_the_sealed_petitions(small_office: VaultOffice, tmp_path: Path) -> None:
    """Full segments come back read-only, the others are gone on with, and no file tells a time."""
    petitions = [seal_petition(f"petition {number}") for number in range(FIRST_SIZE // 10 // PAGE)]
    small_office.vault.accept_all([Arrival(petition.to_bytes()) for petition in petitions])
    last = seal_petition("in the next segment")
    small_office.vault.accept(last.to_bytes())
    archive, folder = tmp_path / "backup.tar", tmp_path / "restored"
    backup(small_office.vault.settings, archive)
    restore(archive, folder)
    restored = Vault(folder, small_office.clock)
    for petition in (*petitions, last):
        assert _stored(restored, petition) == _parts(petition)
    files = list((folder / "sealed").iterdir())
    assert sorted(path.stat().st_mode & 0o777 for path in files) == [0o400, 0o600]
    assert {path.stat().st_mtime for path in files} == {0}
    restored.accept(seal_petition("after").to_bytes())
    assert set((folder / "sealed").iterdir()) == set(files)
    restored.close()


def _old_rows(store: Store) -> dict[bytes, tuple[bytes, bytes]]:
    """Return manifests and parts as the database had them before."""
    query = "SELECT case_id, manifest, parts FROM sealed_petition"
    with store.reading() as connection:
        rows = connection.execute(text(query))
        return {bytes(case): (bytes(note), bytes(parts)) for case, note, parts in rows}


def _causes(store: Store) -> set[NoteHash]:
    query = "SELECT hash FROM cause WHERE actor = 'office' AND hash IN (SELECT cause FROM {})"
    tables = (
        "event WHERE number = 1 AND case_id IN (SELECT case_id FROM petition)",
        "pending_event WHERE type = 'petition.received'",
    )
    with store.reading() as connection:
        found = [connection.scalars(text(query.format(table))).all() for table in tables]
    return {NoteHash(bytes(hash_)) for some in found for hash_ in some}


def test_an_older_database_moves_there_and_back(open_office: VaultOffice) -> None:
    """Parts, manifests and acceptances, of cases in the log and in line: nothing is lost."""
    petitions = [seal_petition(name) for name in ("first", "second", "third")]
    vault = open_office.vault
    words = [vault.accept(petition.to_bytes(), at_once=True) for petition in petitions[:2]]
    open_office.tick()
    words.append(vault.accept(petitions[2].to_bytes()))
    expected = {
        bytes(petition.manifest.case): (petition.note.to_bytes(), _parts(petition))
        for petition in petitions
    }
    assert _causes(vault.store) == set()
    migrate_back(vault.store, vault.places, BEFORE)
    assert _old_rows(vault.store) == expected
    assert _causes(vault.store) == {word.hash for word in words}
    migrate(vault.store, vault.places)
    check_schema(vault.store)
    assert _causes(vault.store) == set()
    for petition, word in zip(petitions, words, strict=True):
        assert _stored(vault, petition) == _parts(petition)
        assert vault.accept(petition.to_bytes()) == word
        events = vault.case_events(petition.manifest.case).events
        assert [event.cause for event in events] in ([word.to_bytes()], [])
    open_office.tick()
    assert open_office.rows()["petition"] == len(petitions)


def test_a_way_back_without_the_parts_is_not_gone(small_office: VaultOffice) -> None:
    """Nothing is put into the database that is not what the manifest names."""
    petition, vault = seal_petition(), small_office.vault
    vault.accept(petition.to_bytes())
    path = small_office.folder / "sealed" / _slot(small_office, petition).segment
    whole = path.read_bytes()
    path.write_bytes(whole.replace(_parts(petition)[-9:], bytes(9)))
    with pytest.raises(WrongBlobError):
        migrate_back(vault.store, vault.places, BEFORE)
    path.unlink()
    with pytest.raises(MissingBlobError):
        migrate_back(vault.store, vault.places, BEFORE)
    check_schema(vault.store)
    path.write_bytes(whole)
    assert _stored(vault, petition) == _parts(petition)


def test_a_move_that_does_not_end_has_moved_nothing(
    small_office: VaultOffice, blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database keeps all until all is durable elsewhere, and the next attempt succeeds."""
    petition, vault = seal_petition(), small_office.vault
    vault.accept(petition.to_bytes())
    migrate_back(vault.store, vault.places, BEFORE)
    before = _old_rows(vault.store)

    def put(*_: object) -> list[Slot]:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(Segments, "put", put)
        with pytest.raises(OSError, match="no room"):
            migrate(vault.store, vault.places)
    assert _old_rows(vault.store) == before
    migrate(vault.store, vault.places)
    assert _stored(vault, petition) == _parts(petition)
