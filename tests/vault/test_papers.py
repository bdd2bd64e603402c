"""The papers of a case: behind its parts in a slot, or in its row, and never those of another."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_audit.statements.fields import CaseId
from dengwen_keys.petition_file import SealedPetition
from dengwen_vault.doctor import FAULT, examine
from dengwen_vault.errors import BlobError, MissingBlobError, NotYoursError, WrongBlobError
from dengwen_vault.models import Petition
from dengwen_vault.papers import (
    LIKELY,
    Papers,
    fill_slot,
    papers_in_slot,
    papers_of_all,
    papers_of_each,
    read_papers,
)
from dengwen_vault.schema import check_schema, migrate, migrate_back
from dengwen_vault.segments import PAGE, Segments, Slot
from dengwen_vault.vault import Vault
from tests.small_office import make_roster
from tests.vault.office import VaultOffice, seal_petition, seal_with_files

BEFORE = "0007"
PARTS = b"sealed" * 1000


def _note(length: int) -> Note:
    return Note.parse(b"dengwen/manifest\n%s\n\n\xe2\x80\x94 key AAAAAAA=\n" % (b"x" * length))


def _papers(vault: Vault, petition: SealedPetition) -> Papers:
    with vault.store.reading() as connection:
        return read_papers(connection, vault.segments, petition.manifest.case)


def _row(vault: Vault) -> tuple[bytes | None, bytes | None, str | None, int | None]:
    columns = (Petition.note, Petition.acceptance, Petition.segment, Petition.slot)
    with vault.store.reading() as connection:
        note, acceptance, segment, slot = connection.execute(select(*columns)).one()
    return note, acceptance, segment, slot


def _change_slot(office: VaultOffice, change: Callable[[bytes], bytes]) -> None:
    """Change what lies in the one slot that a row names."""
    _, _, segment, slot = _row(office.vault)
    assert segment is not None
    assert slot is not None
    path, size = office.folder / "sealed" / segment, int(segment.partition("-")[0])
    data = path.read_bytes()
    begin, end = slot * size, (slot + 1) * size
    changed = change(data[begin:end])
    assert changed != data[begin:end]
    path.write_bytes(data[:begin] + changed + data[end:])


def test_papers_lie_where_the_parts_lie(open_office: VaultOffice) -> None:
    """In the slot beside SQLite, in the row on PostgreSQL, and never in both."""
    petition, vault = seal_petition(), open_office.vault
    word = vault.accept(petition.to_bytes())
    assert _papers(vault, petition) == Papers(petition.note.to_bytes(), word.to_bytes())
    note, acceptance, segment, _ = _row(vault)
    assert (note is None, acceptance is None, segment is None) == (
        (True, True, False) if vault.store.is_sqlite else (False, False, True)
    )


def test_the_first_word_stays(open_office: VaultOffice) -> None:
    """Whoever sends it again on another day gets that day's word; the case keeps its own."""
    petition, vault = seal_petition(), open_office.vault
    first = vault.accept(petition.to_bytes())
    open_office.now += 86_400
    second = vault.accept(petition.to_bytes())
    assert second != first
    assert _papers(vault, petition).acceptance == first.to_bytes()


def test_many_are_found_at_once(open_office: VaultOffice) -> None:
    """Each by its case, and those that are not here are left out."""
    petitions, vault = [seal_petition(name) for name in ("first", "second")], open_office.vault
    for petition in petitions:
        vault.accept(petition.to_bytes())
    cases = [petition.manifest.case for petition in petitions]
    with vault.store.reading() as connection:
        found = papers_of_each(connection, vault.segments, [*cases, bytes(32)])
        every = list(papers_of_all(connection, vault.segments))
        with pytest.raises(NotYoursError):
            read_papers(connection, vault.segments, bytes(32))
    assert {case: papers.manifest for case, papers in found.items()} == {
        petition.manifest.case: petition.note.to_bytes() for petition in petitions
    }
    assert len(every) == len(found) == len(cases)
    assert all(papers in every for papers in found.values())
    assert all(
        check_acceptance(Note.parse(papers.acceptance), make_roster()).case == case
        for case, papers in found.items()
    )


@pytest.mark.parametrize("length", [0, 1, LIKELY - 900, LIKELY - 120, LIKELY, 60_000])
def test_papers_of_any_length_are_found_from_the_end(tmp_path: Path, length: int) -> None:
    """Also where they are longer than what is read at first."""
    note, segments = _note(length), Segments(tmp_path / "sealed")
    papers = Papers(note.to_bytes(), b"word" * 20)
    (slot,) = segments.put([fill_slot(PARTS, papers)])
    assert papers_in_slot(segments, slot, note.hash) == papers
    assert segments.read(slot, 0, len(PARTS)) == PARTS
    with pytest.raises(WrongBlobError):
        papers_in_slot(segments, slot, _note(length + 1).hash)


@given(st.binary(max_size=200))
def test_a_slot_with_anything_in_it_gives_no_papers(
    tmp_path_factory: pytest.TempPathFactory, held: bytes
) -> None:
    """Neither a crash, nor what is not the manifest that the row names."""
    segments = Segments(tmp_path_factory.mktemp("office") / "sealed")
    (slot,) = segments.put([held])
    segments.close()
    with pytest.raises(WrongBlobError):
        papers_in_slot(segments, slot, _note(5).hash)


@pytest.mark.parametrize(
    "change",
    [
        lambda slot: slot.replace(b"dengwen/manifest", b"dengwen/nothing!"),
        lambda slot: bytes(4) + slot[4:],  # as if it were free
        lambda slot: b"\xff\xff\xff\xff" + slot[4:],
        lambda slot: (int.from_bytes(slot[:4], "big") - 1).to_bytes(4, "big") + slot[4:],
        lambda slot: slot[: -2 * PAGE] + bytes(2 * PAGE),
    ],
    ids=["other words", "free", "longer than a slot", "a byte short", "its end is gone"],
)
def test_changed_papers_are_damage_that_is_told(
    small_office: VaultOffice, change: Callable[[bytes], bytes]
) -> None:
    """To the doctor, and to whoever asks: a typed answer that names nothing."""
    manifest = small_office.accept()
    small_office.tick()
    assert small_office.ask(manifest.panel[0], _path(manifest.case)).status_code == HTTPStatus.OK
    _change_slot(small_office, change)
    answer = small_office.ask(manifest.panel[0], _path(manifest.case))
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert answer.json()["type"].endswith("damaged")
    assert manifest.case.hex() not in answer.text
    with pytest.raises(WrongBlobError):
        small_office.vault.case_events(manifest.case)
    assert _faults(small_office) == ["sealed petitions that are not what they were: 1"]


def _path(case: CaseId) -> str:
    return f"/v1/cases/{case.hex()}/manifest"


def _faults(office: VaultOffice) -> list[str]:
    return [found.sentence for found in examine(office.vault, office.now) if found.state == FAULT]


@pytest.mark.parametrize(
    "change",
    [
        lambda slot, _: slot.replace(b"\ndeadline 7200", b"\ndeadline_7200"),
        lambda slot, manifest: slot.replace(manifest, NoteHash(bytes(32)).hex().encode()),
    ],
    ids=["no acceptance", "of another petition"],
)
def test_another_acceptance_is_damage(
    small_office: VaultOffice, change: Callable[[bytes, bytes], bytes]
) -> None:
    """One that cannot be, or that is of another petition: the doctor finds it."""
    petition = seal_petition()
    small_office.vault.accept(petition.to_bytes())
    assert _faults(small_office) == []
    _change_slot(small_office, lambda slot: change(slot, petition.note.hash.hex().encode()))
    assert _faults(small_office) == ["sealed petitions that are not what they were: 1"]


def test_where_papers_are_gone_nothing_is_said_of_attachments(small_office: VaultOffice) -> None:
    """Nobody knows which are of that case, so none is called left over, and none whole."""
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance, 1)
    segment = _row(small_office.vault)[2]
    assert segment is not None
    (small_office.folder / "sealed" / segment).unlink()
    sentences = [found.sentence for found in examine(small_office.vault, small_office.now)]
    assert "sealed petitions that are gone: 1" in sentences
    assert not [sentence for sentence in sentences if "attachment" in sentence]
    assert not [sentence for sentence in sentences if "no case has" in sentence]
    with pytest.raises(MissingBlobError):
        small_office.vault.due_attachment(acceptance, 1)


def _everything(office: VaultOffice, petition: SealedPetition) -> tuple[object, ...]:
    """Return what petitioner, panel and mirror are shown of a case."""
    vault, case = office.vault, petition.manifest.case
    reviewer = make_roster().member(petition.manifest.panel[0])
    mirror = make_roster().member("mirror-1")
    size = office.epoch_store.size()
    return (
        vault.case_events(case),
        vault.manifest(reviewer, case),
        vault.part(reviewer, case, "compartment/petition"),
        [vault.epochs(mirror, n, n + 1, causes=True) for n in range(size)],
        vault.arrived(case),
        vault.accept(petition.letter()),
    )


def test_a_case_of_before_shows_the_same(open_office: VaultOffice) -> None:
    """Its papers stay in its row, and whatever is asked is answered as before."""
    petition, vault = seal_with_files(), open_office.vault
    word = vault.accept(petition.letter(), at_once=True)
    open_office.tick()
    before = _everything(open_office, petition)
    migrate_back(vault.store, vault.places, BEFORE)
    note, acceptance, _, _ = _row(vault)
    assert note == petition.note.to_bytes()
    assert acceptance == word.to_bytes()
    migrate(vault.store, vault.places)
    check_schema(vault.store)
    assert _row(vault)[0] == note
    assert _everything(open_office, petition) == before
    assert _faults(open_office) == []
    vault.accept(seal_petition("one of today").to_bytes(), at_once=True)
    open_office.tick()
    assert _faults(open_office) == []


def test_a_way_back_without_the_papers_is_not_gone(small_office: VaultOffice) -> None:
    """Nothing is put into the database that is not what its row names, and all of it stays."""
    petition, vault = seal_petition(), small_office.vault
    kept = seal_petition("kept")
    for one in (kept, petition):
        vault.accept(one.to_bytes())
    with vault.store.writing() as connection:
        other = select(Petition.segment, Petition.slot).where(
            Petition.case_id == kept.manifest.case
        )
        segment, slot = connection.execute(other).one()
        change = text("UPDATE petition SET segment = :a, slot = :b WHERE case_id = :c")
        values = {"a": segment, "b": slot, "c": petition.manifest.case}
        connection.execute(change, values)
    with pytest.raises(BlobError):
        migrate_back(vault.store, vault.places, BEFORE)
    check_schema(vault.store)
    with vault.store.reading() as connection:
        notes = connection.scalars(select(Petition.note)).all()
    assert notes == [None, None]
    assert _papers(vault, kept).manifest == kept.note.to_bytes()


def test_the_end_of_a_slot_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """All of it if more is asked for; and nothing that lay there before."""
    segments = Segments(tmp_path / "sealed")
    (long,) = segments.put([b"before " * 500])
    segments.free([long])
    (slot,) = segments.put([b"held"])
    assert segments.read_end(slot, 2) == b"ld"
    assert segments.read_end(slot, 9000) == b"held"
    with pytest.raises(WrongBlobError):
        segments.read_end(Slot(slot.segment, 1 << 20), 2)
    with (tmp_path / "sealed" / slot.segment).open("r+b") as file:
        file.seek(slot.number * PAGE)
        file.write(PAGE.to_bytes(4, "big"))
    with pytest.raises(WrongBlobError):  # it would end in the next slot
        segments.read_end(slot, 2)
    (tmp_path / "sealed" / slot.segment).unlink()
    with pytest.raises(MissingBlobError):
        segments.read_end(slot, 2)
