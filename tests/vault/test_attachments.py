"""Attachments follow their letter: by the acceptance, by the manifest, durable, and once."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.text import parse_base64, to_base64
from dengwen_keys.petition_file import AttachedError, SealedPetition
from dengwen_vault.admission import Arrival
from dengwen_vault.blobs.store import path_of
from dengwen_vault.errors import (
    AllowanceError,
    MissingBlobError,
    NoAttachmentError,
    NotAcceptedError,
    NotHereYetError,
    OtherBytesError,
    UnavailableError,
    WrongBlobError,
)
from dengwen_vault.models import Attachment
from dengwen_vault.settings import write_key
from dengwen_vault.vault import Vault
from tests.small_office import make_key, sign_by_roots
from tests.submit.office_files import next_roster
from tests.vault.attaching import PARTS, read, with_settings
from tests.vault.office import VaultOffice, seal_petition, seal_with_files

Accepted = tuple[SealedPetition, str]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultOffice]:
    """Give one office on SQLite to tests that leave it as they find it."""
    folder = tmp_path_factory.mktemp("standing")
    office = VaultOffice(folder, f"sqlite:///{folder / 'vault.sqlite3'}")
    office.tick()
    yield office
    office.close()


@pytest.fixture(scope="module")
def accepted(standing: VaultOffice) -> Accepted:
    """Give a petition whose letter the standing office has accepted, and the acceptance."""
    return standing.accept_files()


def test_an_attachment_comes_after_its_letter_and_is_read_by_the_panel(
    open_office: VaultOffice,
) -> None:
    """Byte for byte; what has not come yet is told as that."""
    petition, acceptance = open_office.accept_files()
    assert open_office.vault.arrived(petition.manifest.case) == ()
    for name in PARTS:
        with pytest.raises(NotHereYetError):
            read(open_office, petition, int(name[-1]))
    open_office.attach(petition, acceptance, 2)
    assert open_office.vault.arrived(petition.manifest.case) == (2,)
    assert read(open_office, petition, 2) == petition.parts["attachment/2"]
    with pytest.raises(NotHereYetError):
        read(open_office, petition, 1)
    open_office.attach(petition, acceptance, 1)
    assert open_office.vault.arrived(petition.manifest.case) == (1, 2)
    assert read(open_office, petition, 1) == petition.parts["attachment/1"]


def test_a_letter_with_attachments_behind_it_is_refused(open_office: VaultOffice) -> None:
    """It says what to do instead, and stores nothing."""
    petition, rows = seal_with_files(), open_office.rows()
    for sealed in (petition.to_bytes(), petition.letter() + petition.parts["attachment/1"][:1]):
        with pytest.raises(AttachedError, match="after the acceptance"):
            open_office.vault.accept(sealed)
        (answer,) = open_office.vault.accept_all([Arrival(sealed)])
        assert isinstance(answer, AttachedError)
    assert open_office.rows() == rows


def test_an_acceptance_of_any_day_and_of_an_older_intake_key_is_good(
    small_office: VaultOffice,
) -> None:
    """A promise of the office does not end with its key."""
    petition, acceptance = small_office.accept_files()
    new = make_key("the next intake")
    new = SigningKey("intake", new.seed)
    roster = next_roster(small_office.vault.roster, intake=new.verification_key)
    small_office.vault.publish_roster(sign_by_roots(roster.to_bytes()))
    small_office.tick(2)
    path = small_office.vault.settings.intake_key_file
    path.unlink()
    write_key(path, new)
    small_office.attach(petition, acceptance, 1)
    later = Vault(small_office.folder, small_office.clock)
    newer = to_base64(later.accept(petition.letter()).to_bytes())
    assert newer != acceptance
    small_office.attach(petition, newer, 2)
    assert later.arrived(petition.manifest.case) == (1, 2)
    later.close()


def _signed(acceptance: Acceptance, *names: str) -> str:
    return to_base64(sign_note(acceptance.to_bytes(), *map(make_key, names)).to_bytes())


Bend = Callable[[Acceptance, SealedPetition], str]
FORGED: dict[str, Bend] = {
    "nothing": lambda _a, _p: "",
    "no base64": lambda _a, _p: "?",
    "no note": lambda _a, _p: to_base64(b"let me in\n"),
    "another note": lambda _a, p: to_base64(p.note.to_bytes()),
    "unsigned": lambda a, _: to_base64(Note(a.to_bytes(), ()).to_bytes()),
    "a stranger's": lambda a, _: _signed(a, "stranger"),
    "a stranger's under the intake key's name": lambda a, _: to_base64(
        sign_note(a.to_bytes(), SigningKey("intake", make_key("x").seed)).to_bytes()
    ),
    "a stranger's beside the office's": lambda a, _: _signed(a, "intake", "stranger"),
    "another office's": lambda a, _: _signed(replace(a, office="other.example/log"), "intake"),
    "of a case that is not here": lambda a, _: _signed(
        replace(a, case=CaseId(bytes(32))), "intake"
    ),
    "of another manifest": lambda a, _: _signed(replace(a, manifest=bytes(32)), "intake"),
}


@pytest.mark.parametrize("case", FORGED)
def test_without_the_offices_word_nobody_may_send(
    standing: VaultOffice, accepted: Accepted, case: str
) -> None:
    """Each gets the one answer that says nothing of what is here."""
    petition, acceptance = accepted
    note = Note.parse(parse_base64(acceptance, "acceptance"))
    bent = FORGED[case](Acceptance.parse(note.text), petition)
    for number in (1, 99):
        with pytest.raises(NotAcceptedError) as refusal:
            standing.vault.due_attachment(bent, number)
        assert str(refusal.value) == "an attachment takes the office's signed acceptance"


def test_an_acceptance_made_by_hand_is_good(standing: VaultOffice, accepted: Accepted) -> None:
    """The twin of those above: it is what is wrong in them that is refused."""
    petition, acceptance = accepted
    note = Note.parse(parse_base64(acceptance, "acceptance"))
    again = _signed(Acceptance.parse(note.text), "intake")
    assert standing.vault.due_attachment(again, 1).part == petition.manifest.part(PARTS[0])


@pytest.mark.parametrize("number", [0, 3, 65])
def test_what_the_manifest_does_not_name_cannot_be_sent(
    standing: VaultOffice, accepted: Accepted, number: int
) -> None:
    """Attachments are numbered from one."""
    petition, acceptance = accepted
    with pytest.raises(NoAttachmentError):
        standing.vault.due_attachment(acceptance, number)
    if number:
        with pytest.raises(NoAttachmentError):
            read(standing, petition, number)


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "a byte less": lambda data: data[:-1],
    "a byte more": lambda data: data + b"\0",
    "a bit": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "another case's": lambda _: seal_with_files("somebody else").parts[PARTS[0]],
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("case", WRONG)
def test_other_bytes_than_the_manifests_change_nothing(
    standing: VaultOffice, accepted: Accepted, case: str, number: int
) -> None:
    """The same refusal, whether the right ones have come, as of the first, or not."""
    petition, acceptance = accepted
    standing.attach(petition, acceptance, 1)
    due, rows = standing.vault.due_attachment(acceptance, number), standing.rows()
    names = set(standing.vault.blobs.names())
    with pytest.raises(OtherBytesError) as refusal:
        standing.vault.put_attachment(due, WRONG[case](petition.parts[due.part.name]))
    assert str(refusal.value) == "these are not the bytes that the manifest names"
    assert standing.rows() == rows
    assert set(standing.vault.blobs.names()) == names


def test_attachments_cannot_change_places(standing: VaultOffice, accepted: Accepted) -> None:
    """One is not taken under the number of the other."""
    petition, acceptance = accepted
    with pytest.raises(OtherBytesError):
        standing.vault.put_attachment(
            standing.vault.due_attachment(acceptance, 2), petition.parts[PARTS[0]]
        )


def test_twice_is_one_and_many_at_once_are_one(open_office: VaultOffice) -> None:
    """Whoever does not know whether it arrived sends it again."""
    petition, acceptance = open_office.accept_files()
    open_office.attach(petition, acceptance, 1)
    rows = open_office.rows()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: open_office.attach(petition, acceptance, 1), range(8)))
    assert open_office.rows() == rows
    assert len(list(open_office.vault.blobs.names())) == 1


def test_attachments_over_the_allowance_keep_the_petition_out(open_office: VaultOffice) -> None:
    """By the sum that the manifest tells, before a byte of them is sent; one less would do."""
    petition, rows = seal_with_files(), open_office.rows()
    total = sum(part.length for part in petition.manifest.attachments)
    small = with_settings(open_office, f"allowance = {total - 1}")
    with pytest.raises(AllowanceError, match=f"over {total - 1} bytes"):
        small.accept(petition.letter())
    assert isinstance(small.accept_all([Arrival(petition.letter())])[0], AllowanceError)
    assert open_office.rows() == rows
    small.accept(seal_petition().to_bytes())
    small.close()
    enough = with_settings(open_office, f"allowance = {total}")
    enough.accept(petition.letter())
    enough.close()


def test_an_allowance_of_nothing_takes_petitions_without_attachments(
    small_office: VaultOffice,
) -> None:
    """An office may want none."""
    vault = with_settings(small_office, "allowance = 0")
    vault.accept(seal_petition().to_bytes())
    vault.close()


def test_a_lower_allowance_does_not_bind_who_was_accepted(small_office: VaultOffice) -> None:
    """What the office signed for, it takes."""
    petition, acceptance = small_office.accept_files()
    vault = with_settings(small_office, "allowance = 1")
    vault.put_attachment(vault.due_attachment(acceptance, 1), petition.parts[PARTS[0]])
    assert vault.arrived(petition.manifest.case) == (1,)
    vault.close()


def test_a_disk_that_fails_is_no_arrival_and_the_next_attempt_is(
    open_office: VaultOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row without its blob, whatever the disk says."""
    petition, acceptance = open_office.accept_files()
    rows = open_office.rows()

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(UnavailableError):
            open_office.attach(petition, acceptance, 1)
    assert open_office.rows() == rows
    open_office.attach(petition, acceptance, 1)
    assert read(open_office, petition, 1) == petition.parts[PARTS[0]]


def test_a_crash_between_blob_and_row_leaves_only_a_blob_that_the_next_attempt_uses(
    open_office: VaultOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the process only fails; that it dies there is played in tests/faults."""
    petition, acceptance = open_office.accept_files()
    rows = open_office.rows()

    def fail() -> None:
        raise UnavailableError("the database cannot do this now")

    with monkeypatch.context() as patch:
        patch.setattr(open_office.vault.store, "writing", fail)
        with pytest.raises(UnavailableError):
            open_office.attach(petition, acceptance, 1)
    names = list(open_office.vault.blobs.names())
    assert names == [petition.manifest.part(PARTS[0]).sha256]
    assert open_office.rows() == rows
    with pytest.raises(NotHereYetError):
        read(open_office, petition, 1)
    open_office.attach(petition, acceptance, 1)
    assert list(open_office.vault.blobs.names()) == names
    assert read(open_office, petition, 1) == petition.parts[PARTS[0]]


def test_a_blob_that_is_gone_or_changed_is_told_to_the_panel(small_office: VaultOffice) -> None:
    """Nobody is served other bytes, and the reader learns whose fault it is."""
    petition, acceptance = small_office.accept_files()
    small_office.attach(petition, acceptance)
    path = small_office.folder / "blobs" / path_of(petition.manifest.part(PARTS[0]).sha256)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WrongBlobError):
        read(small_office, petition, 1)
    path.unlink()
    with pytest.raises(MissingBlobError):
        read(small_office, petition, 1)
    answer = small_office.ask(
        petition.manifest.panel[0], f"/v1/cases/{petition.manifest.case.hex()}/parts/{PARTS[0]}"
    )
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:dengwen:problem:damaged")
    small_office.attach(petition, acceptance, 1)
    assert read(small_office, petition, 1) == petition.parts[PARTS[0]]


def test_nobody_off_the_panel_learns_whether_an_attachment_has_come(
    small_office: VaultOffice,
) -> None:
    """The panel comes before the attachment."""
    petition, acceptance = small_office.accept_files()
    outsider = next(
        member.id
        for member in small_office.vault.roster.active("reviewer")
        if member.id not in petition.manifest.panel
    )
    path = f"/v1/cases/{petition.manifest.case.hex()}/parts/"
    before = [small_office.ask(outsider, path + name).content for name in (*PARTS, "left")]
    small_office.attach(petition, acceptance)
    after = [small_office.ask(outsider, path + name).content for name in (*PARTS, "left")]
    assert before == after
    assert len(set(before)) == 1


def test_a_row_says_nothing_but_that_it_came(open_office: VaultOffice) -> None:
    """No day, no order, no hash: the manifest has that."""
    petition, acceptance = open_office.accept_files()
    open_office.attach(petition, acceptance)
    with open_office.vault.store.reading() as connection:
        rows = connection.execute(select(Attachment.__table__)).all()
    assert sorted(tuple(row) for row in rows) == [
        (petition.manifest.case, 1),
        (petition.manifest.case, 2),
    ]
