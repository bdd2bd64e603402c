"""The acceptance: what the office promised about a petition."""

import dataclasses

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements.acceptance import AcceptanceError, check_acceptance
from tests.small_office import OFFICE, make_key, make_roster
from tests.small_statements import make_acceptance


def test_an_acceptance_by_the_intake_key_is_returned() -> None:
    """The roster says which key may promise."""
    note = sign_note(make_acceptance().to_bytes(), make_key("intake"))
    assert check_acceptance(note, make_roster()) == make_acceptance()


@pytest.mark.parametrize("signer", [OFFICE, "reviewer-1"])
def test_an_acceptance_by_another_key_is_refused(signer: str) -> None:
    """Not even the log's own key promises in the place of the intake key."""
    note = sign_note(make_acceptance().to_bytes(), make_key(signer))
    with pytest.raises(SignatureError):
        check_acceptance(note, make_roster())


@pytest.mark.parametrize("changes", [{"office": "other.example/log"}, {"deadline": 7201}])
def test_an_acceptance_for_elsewhere_or_for_later_is_refused(changes: dict[str, object]) -> None:
    """A promise with a later deadline than the roster's is not the one that was owed."""
    acceptance = dataclasses.replace(make_acceptance(), **changes)  # type: ignore[arg-type]
    with pytest.raises(AcceptanceError):
        check_acceptance(sign_note(acceptance.to_bytes(), make_key("intake")), make_roster())


def test_an_acceptance_with_a_shorter_deadline_is_accepted() -> None:
    """An office may promise more than it owes."""
    acceptance = dataclasses.replace(make_acceptance(), deadline=60)
    check_acceptance(sign_note(acceptance.to_bytes(), make_key("intake")), make_roster())


def test_accepting_twice_on_one_day_gives_the_same_bytes() -> None:
    """So the answer to a known petition is the answer to a new one."""
    notes = {sign_note(make_acceptance().to_bytes(), make_key("intake")).to_bytes() for _ in "ab"}
    assert len(notes) == 1
