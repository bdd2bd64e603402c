"""Tests of trust.py: one pinned card leads to all others."""

import dataclasses
from pathlib import Path

import pytest
import requests

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements.card import Card, CardChainError
from dengwen_audit.tiles import MissingTileError
from dengwen_audit.trust import Trust, open_office, read_cards
from tests.audit.public_office import (
    DAY_SECONDS,
    PublicOffice,
    signed_office,
    use,
    with_other_holder,
)
from tests.small_office import (
    make_card,
    make_key,
    make_policy_lines,
    make_roster,
    sign_by_roots,
)


def second_card(**changes: object) -> Card:
    """Return the card after the first."""
    first = make_card()
    fields = {"number": 2, "previous": first.hash} | changes
    return dataclasses.replace(first, **fields)  # type: ignore[arg-type]


@pytest.fixture
def office(tmp_path: Path) -> PublicOffice:
    """Return an office whose log has 300 records, signed."""
    return signed_office(tmp_path / "public")


def test_newer_cards_are_followed(office: PublicOffice) -> None:
    """Who pinned the first card is led to the second, whose policy then counts."""
    card = second_card(policy_lines=make_policy_lines("4"))
    office.show_card(card, sign_by_roots(card.to_bytes()))
    assert [known.number for known in office.trust().cards] == [1, 2]
    (breach,) = office.visit().breaches
    assert "too few witnesses" in breach


def test_older_cards_are_found_by_their_hash(office: PublicOffice) -> None:
    """Who pinned the second card is led back to the first."""
    card = second_card()
    office.show_card(card, sign_by_roots(card.to_bytes()))
    trust = office.trust(pinned=2)
    assert trust.cards[0] == make_card()
    assert office.visit(trust=trust).is_clean


def test_a_publication_is_judged_by_the_card_of_its_time(office: PublicOffice) -> None:
    """Its three witnesses were enough then; the newer card asks for four."""
    second = with_other_holder(make_roster())
    office.publish_roster(second)
    office.now += 8 * DAY_SECONDS
    use(office, second)
    card = second_card(policy_lines=make_policy_lines("4"))
    office.show_card(card, sign_by_roots(card.to_bytes()))
    first = make_card()
    trust = Trust(first.policy, (first, card))
    assert office.visit(trust=trust).is_clean
    office.show(f"rosters/{second.hash.hex()}.tlog-proof", b"nonsense")
    assert not office.visit(trust=trust).is_clean


def test_a_newer_card_that_the_roots_did_not_sign_is_refused(office: PublicOffice) -> None:
    """The operator cannot change its own card."""
    card = second_card()
    office.show_card(card, sign_note(card.to_bytes(), make_key("root-a")))
    with pytest.raises(SignatureError):
        office.trust()


def test_a_newer_card_that_does_not_follow_is_refused(office: PublicOffice) -> None:
    """Its number and the hash before it must fit."""
    card = second_card(previous=bytes(31) + b"x")
    office.show_card(card, sign_by_roots(card.to_bytes()))
    with pytest.raises(CardChainError):
        office.trust()


def test_an_older_card_that_is_another_is_refused(office: PublicOffice) -> None:
    """The pinned card names it by hash."""
    card = second_card()
    office.show_card(card, sign_by_roots(card.to_bytes()))
    other = dataclasses.replace(make_card(), tick=61)
    office.show_card(other, sign_by_roots(other.to_bytes()))
    with pytest.raises(SignatureError, match="not the note of that hash"):
        office.trust(pinned=2)


def test_an_older_card_that_is_not_shown_is_missed(office: PublicOffice) -> None:
    """Rosters of its time could not be judged."""
    card = second_card()
    with requests.Session() as session:
        files = open_office(str(office.folder), session).files
    (office.folder / "cards/1").unlink()
    with pytest.raises(MissingTileError):
        read_cards(sign_by_roots(card.to_bytes()), files)
