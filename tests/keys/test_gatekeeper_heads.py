"""A gatekeeper tells the petitioner of a case, and nobody else, what it has seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dengwen_audit.event import Event
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.head import Head, check_head
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.text import ZERO_HASH
from tests.keys.gatekeeper_fixture import Petition, seal_petition
from tests.keys.working_office import GATEKEEPERS, WorkingOffice
from tests.small_office import OFFICE, make_roster, make_seed

FIRST = GATEKEEPERS[0]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[WorkingOffice]:
    """Give an office with three gatekeepers."""
    office = WorkingOffice(tmp_path)
    yield office
    office.close()


@pytest.fixture
def petition() -> Petition:
    """Give a sealed petition."""
    return seal_petition()


@pytest.fixture
def manifest(office: WorkingOffice, petition: Petition) -> Manifest:
    """Give the manifest of a petition that the office has received."""
    return office.take_in(petition.sealed)


def _challenge(petition: Petition, nonce: str = "nonce") -> Note:
    key = petition.words.signing_key()
    challenge = Challenge(
        OFFICE,
        petition.case,
        key.verification_key.public_key,
        petition.manifest.mailbox,
        make_seed(nonce),
    )
    return sign_note(challenge.to_bytes(), key)


def test_a_head_tells_what_was_seen_and_what_left(
    office: WorkingOffice, petition: Petition, manifest: Manifest
) -> None:
    """Asked through the desk, a gatekeeper signs the newest event it saw and each release."""
    asked = office.ask_to_open(manifest)
    office.round(FIRST)
    challenge = _challenge(petition)
    office.vault.post_challenge(manifest.case, challenge)
    office.round(FIRST)
    (note,) = office.vault.heads(manifest.case, make_seed("nonce"))
    head = check_head(Note.parse(note), make_roster(), Challenge.parse(challenge.text))
    newest = Event.parse(office.vault.case_events(manifest.case).events[1].event)
    assert (head.seen_number, head.seen_hash) == (2, newest.hash)
    assert head.released == (asked.hash,)


def test_a_gatekeeper_that_saw_nothing_signs_that_it_saw_nothing(
    office: WorkingOffice, petition: Petition
) -> None:
    """Asked at its own address, it answers for any case of the office."""
    answer = office.session.post(
        "https://gatekeeper-1.example/head", data=_challenge(petition).to_bytes()
    )
    head = Head.parse(Note.parse(answer.content).text)
    assert (head.holder, head.seen_number, head.seen_hash) == (FIRST, 0, ZERO_HASH)


@pytest.mark.parametrize("bend", ["signature", "office", "length"])
def test_who_is_not_the_petitioner_gets_no_head(
    office: WorkingOffice, petition: Petition, bend: str
) -> None:
    """A challenge by another key, for another office, or too long is refused."""
    key = petition.words.signing_key()
    text = _challenge(petition).text
    body, status = {
        "signature": (sign_note(text, replace(key, seed=make_seed("other"))).to_bytes(), 403),
        "office": (sign_note(text.replace(b"office d", b"office e"), key).to_bytes(), 403),
        "length": (text * 10, 413),
    }[bend]
    answer = office.session.post("https://gatekeeper-1.example/head", data=body)
    assert answer.status_code == status
