"""Depositing a petition: once, whatever is sent how often."""

import dataclasses
import threading

import pytest

from dengwen_audit.note import sign_note
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_audit.statements.manifest import case_id
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.sealing import seal
from dengwen_vault.errors import SealAgainError, SecondManifestError
from tests.small_office import TODAY, make_roster
from tests.vault.office import DAY, DRAFT, VaultOffice, seal_petition, words_of


def test_an_acceptance_is_signed_for_the_petition_and_the_day(small_office: VaultOffice) -> None:
    """With it, a petition that the office drops can be proved."""
    petition = seal_petition()
    note = small_office.vault.accept(petition.to_bytes())
    acceptance = check_acceptance(note, make_roster())
    assert (acceptance.case, acceptance.manifest) == (petition.manifest.case, petition.note.hash)
    assert acceptance.day == TODAY


def test_the_same_petition_again_changes_nothing(open_office: VaultOffice) -> None:
    """A retry is harmless, before the tick and after it, and gets the answer of a new petition."""
    petition = seal_petition().to_bytes()
    first = open_office.vault.accept(petition, at_once=True)
    before = open_office.rows()
    assert open_office.vault.accept(petition) == first
    assert open_office.rows() == before
    open_office.tick()
    before = open_office.rows()
    assert open_office.vault.accept(petition) == first
    assert open_office.rows() == before


def test_a_known_petition_is_answered_with_the_day_of_asking(small_office: VaultOffice) -> None:
    """A file that somebody finds does not tell whether it was ever sent."""
    known, new = seal_petition("known"), seal_petition("new")
    small_office.vault.accept(known.to_bytes(), at_once=True)
    small_office.tick()
    small_office.now += DAY
    answers = [small_office.vault.accept(petition.to_bytes()) for petition in (known, new)]
    days = {check_acceptance(note, make_roster()).day for note in answers}
    assert days == {TODAY.replace(day=TODAY.day + 1)}


def test_a_second_manifest_of_a_case_is_refused(open_office: VaultOffice) -> None:
    """The first petition of a case key stands, and nothing of the second is kept."""
    first, second = seal_petition("same"), seal(DRAFT, words_of("same"), make_roster())
    assert first.note.hash != second.note.hash
    open_office.vault.accept(first.to_bytes())
    before = open_office.rows()
    with pytest.raises(SecondManifestError):
        open_office.vault.accept(second.to_bytes())
    assert open_office.rows() == before


def test_a_case_key_serves_one_case(open_office: VaultOffice) -> None:
    """Another mailbox makes another case id, and is refused all the same."""
    first, other = seal_petition("first"), seal_petition("other")
    open_office.vault.accept(first.to_bytes())
    bent = _with_mailbox_of(first, other)
    with pytest.raises(SecondManifestError):
        open_office.vault.accept(bent.to_bytes())


def test_a_petition_for_an_unknown_roster_is_to_be_sealed_again(small_office: VaultOffice) -> None:
    """Nothing is kept of what nobody here could open."""
    stranger = dataclasses.replace(make_roster(), answer_deadline_days=61)
    before = small_office.rows()
    with pytest.raises(SealAgainError):
        small_office.vault.accept(seal_petition("first", stranger).to_bytes())
    assert small_office.rows() == before


def test_a_petition_may_travel_for_half_a_year_and_no_longer(small_office: VaultOffice) -> None:
    """What came by post is taken as long as those it was sealed for are still in office."""
    travelled = seal_petition("travelled").to_bytes()
    small_office.now += (21 + 179) * DAY
    small_office.vault.accept(travelled)
    small_office.now += DAY
    with pytest.raises(SealAgainError):
        small_office.vault.accept(travelled)


def test_many_writers_share_a_commit_and_lose_nothing(open_office: VaultOffice) -> None:
    """Every petition that was accepted is there once, whoever committed it."""
    petitions = [seal_petition(f"writer {number}").to_bytes() for number in range(12)]
    threads = [
        threading.Thread(target=open_office.vault.accept, args=(petition,))
        for petition in petitions * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_office.rows()["petition"] == len(petitions)
    assert open_office.rows()["reception"] == len(petitions)


def _with_mailbox_of(petition: SealedPetition, other: SealedPetition) -> SealedPetition:
    """Return *petition* with another mailbox, signed as only its petitioner can."""
    manifest = petition.manifest
    case = case_id(manifest.signing_key, other.manifest.mailbox)
    bent = dataclasses.replace(manifest, mailbox=other.manifest.mailbox, case=case)
    note = sign_note(bent.to_bytes(), words_of("first").signing_key())
    return SealedPetition(note, bent, petition.parts)
