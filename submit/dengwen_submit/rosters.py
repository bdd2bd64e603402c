"""
The rosters behind old events: fetched once, checked against the office's cards, kept for a look-up.

A roster is signed by the root keepers of its time. When root keepers change, a new card says so,
and the card before it is still known by the hash that the new one names; so an old roster is
checked against each card in turn, from the pinned one back.

Source: docs/formats/roster.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import check_past_roster
from dengwen_submit.errors import CaseError
from dengwen_submit.office import Office

Fetch = Callable[[str], bytes]
Rosters = Callable[[bytes], Roster]


def roster_source(office: Office, fetch: Fetch) -> Rosters:
    """
    Return a function from a roster's hash to the roster, its signatures and rules checked.

    Args:
        office: The pinned office; its own roster needs no fetching.
        fetch: Returns a public file of the office.
    """

    @cache
    def roster(roster_hash: bytes) -> Roster:
        if roster_hash == office.roster_hash:
            return office.roster
        note = Note.parse(fetch(f"/rosters/{roster_hash.hex()}"))
        if note.hash != roster_hash:
            raise CaseError("the office served another roster than the one asked for")
        return _check_by_any(note, _cards(office.card, fetch))

    return roster


def _check_by_any(note: Note, cards: Iterator[Card]) -> Roster:
    """Check a roster by the first of *cards* that it fits; the newest card's refusal counts."""
    try:
        return check_past_roster(note, next(cards))
    except AuditError as error:
        for card in cards:
            try:
                return check_past_roster(note, card)
            except AuditError:
                continue
        raise error from None


def _cards(card: Card, fetch: Fetch) -> Iterator[Card]:
    """Yield *card* and those before it; each names the hash of the one before."""
    yield card
    while card.number > 1:
        note = Note.parse(fetch(f"/cards/{card.number - 1}"))
        if note.hash != card.previous:
            raise CaseError("the office served another card than the one asked for")
        card = Card.parse(note.text)
        yield card
