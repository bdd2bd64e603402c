"""Every kind of statement is recognised and judged, good and mangled."""

import dataclasses

import pytest

from dengwen_audit.note import Note, NoteSignature, sign_note
from dengwen_keys.inspection.files import inspect_file
from dengwen_keys.inspection.finding import Finding, Trust
from tests.small_office import (
    TODAY,
    make_card,
    make_case_key,
    make_key,
    make_manifest,
    make_roster,
    sign_by_roots,
)
from tests.small_statements import make_statement
from tests.vectors.statement_vectors import GOOD

NOON = 1736510400.0  # 2025-01-10
ALL = Trust(make_card(), make_roster(), NOON)
NOTHING = Trust(None, None, NOON)
BY_THEMSELVES = {"card", "manifest", "challenge"}
WHAT = {
    "card": "Office card 1",
    "roster": "Roster 1",
    "manifest": "Manifest of a sealed petition",
    "request": "Request",
    "release": "Release of a share",
    "refusal": "Refusal of a share",
    "acceptance": "Acceptance",
    "challenge": "Challenge",
    "head": "Head, an answer to a challenge",
    "grant": "Grant to read events",
    "grant-end": "End of a grant",
    "statement": "Statement",
}


def _note(kind: str) -> Note:
    text, signers = GOOD[kind]
    keys = [make_case_key() if name == "case" else make_key(name) for name in signers]
    return sign_note(text.to_bytes(), *keys)


def _inspect(note: Note, trust: Trust) -> Finding:
    return inspect_file(note.to_bytes(), trust)


def test_noon_is_on_the_day_of_the_small_office() -> None:
    """The day follows from the clock, in UTC."""
    assert ALL.today == TODAY


@pytest.mark.parametrize("kind", sorted(set(WHAT) - {"statement"}))
def test_a_good_statement_verifies_and_is_named(kind: str) -> None:
    """With card and roster everything that was signed can be judged."""
    found = _inspect(_note(kind), ALL)
    assert found.what == WHAT[kind]
    assert found.is_good, found.to_text()
    assert found.to_text().endswith(found.verdict)


@pytest.mark.parametrize("kind", sorted(set(WHAT) - {"statement"}))
def test_a_wrong_signature_does_not_verify(kind: str) -> None:
    """One changed byte of a signature is enough."""
    note = _note(kind)
    blob = bytearray(note.signatures[0].blob)
    blob[-1] ^= 1
    wrong = NoteSignature(note.signatures[0].name, bytes(blob))
    found = _inspect(Note(note.text, (wrong, *note.signatures[1:])), ALL)
    assert found.is_good is False
    assert "does not verify" in found.verdict


@pytest.mark.parametrize("kind", WHAT)
def test_without_card_and_roster_it_says_what_is_missing(kind: str) -> None:
    """Some statements carry the keys to judge them by; the others say what they need."""
    found = _inspect(_note(kind), NOTHING)
    assert found.is_good is (True if kind in BY_THEMSELVES else None)
    assert found.what == WHAT[kind]


def test_a_draft_that_nobody_signed_is_recognised() -> None:
    """A text without signatures is read, and does not verify."""
    found = inspect_file(make_card().to_bytes(), NOTHING)
    assert (found.what, found.is_good) == ("Office card 1", False)


def test_a_following_card_is_judged_by_the_one_before_it() -> None:
    """A card that was given as trusted must be the one before."""
    second = dataclasses.replace(make_card(), number=2, previous=make_card().hash)
    found = _inspect(sign_by_roots(second.to_bytes()), ALL)
    assert (found.is_good, found.verdict) == (True, "It verifies by the card before it.")
    third = dataclasses.replace(make_card(), number=3, previous=make_card().hash)
    assert _inspect(sign_by_roots(third.to_bytes()), ALL).is_good is False


def test_a_roster_out_of_its_days_verifies_and_says_so() -> None:
    """What was signed under it is still judged by it."""
    later = dataclasses.replace(ALL, now=NOON + 90 * 86400)
    found = _inspect(_note("roster"), later)
    assert found.is_good
    assert "NOT in force today" in found.facts


def test_a_manifest_that_does_not_keep_to_the_roster_does_not_verify() -> None:
    """Its own key may have signed fewer gatekeepers."""
    manifest = dataclasses.replace(make_manifest(), panel=("reviewer-1", "reviewer-4"))
    note = sign_note(manifest.to_bytes(), make_case_key())
    assert _inspect(note, NOTHING).is_good
    assert _inspect(note, ALL).is_good is False


def test_a_head_by_somebody_who_has_none_to_give_does_not_verify() -> None:
    """A reviewer's word on what was seen counts for nothing."""
    text = GOOD["head"][0].to_bytes().replace(b"holder gatekeeper-1", b"holder reviewer-1")
    found = _inspect(sign_note(text, make_key("reviewer-1")), ALL)
    assert found.is_good is False


def test_a_petitioners_statement_needs_her_manifest() -> None:
    """The key named case is another in every case."""
    assert _inspect(_note("statement"), ALL).is_good is None


def test_a_members_statement_is_judged_by_the_roster() -> None:
    """Whoever is active may have stated it."""
    statement = dataclasses.replace(make_statement(), type="case.recused")
    for name, is_good in (("reviewer-1", True), ("reviewer-2", False)):
        note = sign_note(statement.to_bytes(), make_key(name))
        assert _inspect(note, ALL).is_good is is_good
