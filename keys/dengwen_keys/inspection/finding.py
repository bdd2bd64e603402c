"""What is found out about a file: what it is, what it says, and whether it verifies."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from dengwen_audit.errors import AuditError
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster
from dengwen_keys.errors import KeysError


@dataclass(frozen=True)
class Trust:
    """
    What a file is judged by.

    Attributes:
        card: A card that was checked, or None.
        roster: A roster that was checked, or None.
        now: Seconds since 1970.
    """

    card: Card | None
    roster: Roster | None
    now: float

    @property
    def today(self) -> datetime.date:
        """The day in UTC."""
        return datetime.datetime.fromtimestamp(self.now, datetime.UTC).date()


@dataclass(frozen=True)
class Finding:
    """
    What a file is.

    Attributes:
        what: A few words.
        facts: Sentences, or names and values, one a line.
        verdict: Whether it verifies, in words.
        is_good: The same for a program; None if it could not be judged.
    """

    what: str
    facts: tuple[str, ...]
    verdict: str
    is_good: bool | None

    def to_text(self) -> str:
        """Return the whole as lines."""
        return "\n".join((self.what, *(f"  {fact}" for fact in self.facts), self.verdict))


def judged(what: str, facts: tuple[str, ...], check: Callable[[], object], by: str) -> Finding:
    """Return a finding of which *check* decides; *by* says by what it verifies."""
    try:
        check()
    except (AuditError, KeysError) as error:
        return Finding(what, facts, f"It does not verify: {error}.", is_good=False)
    return Finding(what, facts, f"It verifies {by}.", is_good=True)


def unjudged(what: str, facts: tuple[str, ...], why: str) -> Finding:
    """Return a finding that nothing decides, and why."""
    return Finding(what, facts, why, is_good=None)


def by_card(
    what: str, facts: tuple[str, ...], trust: Trust, check: Callable[[Card], object]
) -> Finding:
    """Return a finding that a card decides."""
    card = trust.card
    if card is None:
        return unjudged(what, facts, "To see whether it verifies, give the card.")
    return judged(what, facts, lambda: check(card), "by the card")


def by_roster(
    what: str, facts: tuple[str, ...], trust: Trust, check: Callable[[Roster], object]
) -> Finding:
    """Return a finding that a roster decides."""
    roster = trust.roster
    if roster is None:
        return unjudged(what, facts, "To see whether it verifies, give card and roster.")
    return judged(what, facts, lambda: check(roster), "by the roster")
