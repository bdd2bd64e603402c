"""Rosters of earlier days are checked as well as today's, also across a change of root keepers."""

import dataclasses
from collections.abc import Callable

import pytest

from dengwen_audit.errors import AuditError, SignatureError
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.card import Card, Root
from dengwen_audit.statements.roster import Quorum, Roster
from dengwen_submit.errors import CaseError
from dengwen_submit.office import Office, check_past_office
from dengwen_submit.rosters import roster_source
from tests.small_office import ROOTS, make_card, make_key, make_roster, sign_by_roots
from tests.submit.office_files import FilesRecipe, next_card, next_roster
from tests.vault.office import NOON

NEW_ROOTS = tuple(Root(make_key(f"new {name}").verification_key, house) for name, house in ROOTS)
OLD = make_roster()
LATER = next_roster(OLD, openings_per_day=1)
FIRST = make_card()
SECOND = next_card(FIRST, roots=NEW_ROOTS)


class Shelf:
    """
    The public files of an office.

    Attributes:
        asked: Each path that was fetched.
    """

    def __init__(self, *notes: tuple[str, Note]) -> None:
        self._notes = dict(notes)
        self.asked: list[str] = []

    def fetch(self, path: str) -> bytes:
        """Return a public file."""
        self.asked.append(path)
        return self._notes[path].to_bytes()


def _office(card: Card = FIRST, roster: Roster = LATER) -> Office:
    office = check_past_office(FilesRecipe().make(), NOON)
    return dataclasses.replace(office, card=card, roster=roster, roster_hash=roster.hash)


def _path(roster: Roster) -> str:
    return f"/rosters/{roster.hash.hex()}"


def test_the_roster_in_force_needs_no_fetching() -> None:
    """It was checked already."""
    shelf = Shelf()
    assert roster_source(_office(), shelf.fetch)(LATER.hash) == LATER
    assert shelf.asked == []


def test_an_older_roster_is_fetched_once_and_checked() -> None:
    """A second look costs nothing."""
    shelf = Shelf((_path(OLD), sign_by_roots(OLD.to_bytes())))
    rosters = roster_source(_office(), shelf.fetch)
    assert [rosters(OLD.hash), rosters(OLD.hash)] == [OLD, OLD]
    assert shelf.asked == [_path(OLD)]


def test_another_roster_than_the_one_asked_for_is_refused() -> None:
    """Well signed is not enough: the record names one by its hash."""
    shelf = Shelf((_path(OLD), sign_by_roots(LATER.to_bytes())))
    with pytest.raises(CaseError, match="another roster"):
        roster_source(_office(), shelf.fetch)(OLD.hash)


def test_a_roster_that_too_few_root_keepers_signed_is_refused() -> None:
    """The threshold of the card holds for old rosters, too."""
    shelf = Shelf((_path(OLD), sign_by_roots(OLD.to_bytes(), 1)))
    with pytest.raises(SignatureError):
        roster_source(_office(), shelf.fetch)(OLD.hash)


def test_a_roster_that_breaks_a_rule_is_refused() -> None:
    """No roster of any time may let one gatekeeper release alone."""
    weak = dataclasses.replace(OLD, gatekeepers=Quorum(1, 3))
    shelf = Shelf((_path(weak), sign_by_roots(weak.to_bytes())))
    with pytest.raises(AuditError):
        roster_source(_office(), shelf.fetch)(weak.hash)


def test_a_roster_of_former_root_keepers_holds_by_the_former_card() -> None:
    """The new card names the hash of the old one, which is fetched and believed for that."""
    shelf = Shelf(
        (_path(OLD), sign_by_roots(OLD.to_bytes())),
        ("/cards/1", sign_by_roots(FIRST.to_bytes())),
    )
    assert roster_source(_office(SECOND), shelf.fetch)(OLD.hash) == OLD
    assert shelf.asked == [_path(OLD), "/cards/1"]


def test_a_former_card_that_is_another_is_refused() -> None:
    """The office cannot invent former root keepers."""
    forged = dataclasses.replace(FIRST, root_threshold=3)
    shelf = Shelf(
        (_path(OLD), sign_by_roots(OLD.to_bytes())),
        ("/cards/1", sign_by_roots(forged.to_bytes())),
    )
    with pytest.raises(CaseError, match="another card"):
        roster_source(_office(SECOND), shelf.fetch)(OLD.hash)


def _by_strangers(text: bytes) -> Note:
    return sign_note(text, *(make_key(f"stranger-{number}") for number in range(3)))


@pytest.mark.parametrize("sign", [_by_strangers, lambda text: sign_by_roots(text, 1)])
def test_a_roster_that_no_card_fits_is_refused(sign: Callable[[bytes], Note]) -> None:
    """When every card was tried, the newest card's refusal is told."""
    shelf = Shelf((_path(OLD), sign(OLD.to_bytes())), ("/cards/1", sign_by_roots(FIRST.to_bytes())))
    with pytest.raises(SignatureError):
        roster_source(_office(SECOND), shelf.fetch)(OLD.hash)
    assert shelf.asked == [_path(OLD), "/cards/1"]
