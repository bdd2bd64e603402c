"""What a roster must not say: each rule of promise P2 and around it, with its bad roster."""

import dataclasses
import datetime

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements import roster_rules
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster, RosterError
from dengwen_audit.statements.roster_rules import (
    NotInForceError,
    PanelError,
    RosterChainError,
    check_chain,
    check_in_force,
    check_past_roster,
    check_roster,
    check_roster_rules,
)
from tests.bad_statements import BAD_ROSTERS
from tests.small_office import (
    OFFICE,
    TODAY,
    make_card,
    make_key,
    make_roster,
    sign_by_roots,
)

# k < 2 follows from k <= n/2 or k = n: whichever rule is asked first, such a roster is refused.
IMPLIED = {"one of two gatekeepers", "one of five trustees"}


def _check(roster: Roster, card: Card | None = None) -> Roster:
    return check_roster(sign_by_roots(roster.to_bytes()), card or make_card(), TODAY, None)


def test_a_good_roster_is_returned() -> None:
    """A roster that keeps every rule, signed by the root threshold, is in force today."""
    assert _check(make_roster()) == make_roster()


@pytest.mark.parametrize("name", BAD_ROSTERS)
def test_each_rule_refuses_its_bad_roster(name: str) -> None:
    """A roster that breaks a rule is refused under that rule's name, though the roots signed it."""
    change, error = BAD_ROSTERS[name]
    with pytest.raises(error):
        _check(change(make_roster()))


@pytest.mark.parametrize("name", sorted(BAD_ROSTERS.keys() - IMPLIED))
def test_each_bad_roster_breaks_one_rule_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its rule the bad roster would pass: so no rule can be dropped unseen."""
    change, error = BAD_ROSTERS[name]
    roster, card = change(make_roster()), make_card()
    others = []
    for rule in roster_rules._RULES:
        try:
            rule(roster, card)
        except error:
            continue
        others.append(rule)
    assert len(others) == len(roster_rules._RULES) - 1
    monkeypatch.setattr(roster_rules, "_RULES", tuple(others))
    check_roster_rules(roster, card)


def test_every_kind_of_refusal_has_its_bad_roster() -> None:
    """No rule is without an example; signatures, days and chains have tests of their own."""
    shown = {error for _, error in BAD_ROSTERS.values()}
    defined = {
        value
        for value in vars(roster_rules).values()
        if isinstance(value, type) and issubclass(value, RosterError) and value is not RosterError
    }
    assert defined - shown == {NotInForceError, RosterChainError}


def test_a_roster_that_too_few_root_keepers_signed_is_refused() -> None:
    """One root keeper alone cannot change a seat."""
    with pytest.raises(SignatureError):
        check_past_roster(sign_by_roots(make_roster().to_bytes(), 1), make_card())


def test_a_roster_signed_by_the_operator_is_refused() -> None:
    """The log's key, the intake key and members sign no rosters."""
    keys = (make_key(OFFICE), make_key("intake"), make_key("reviewer-1"))
    with pytest.raises(SignatureError):
        check_past_roster(sign_note(make_roster().to_bytes(), *keys), make_card())


@pytest.mark.parametrize("day", [datetime.date(2024, 12, 31), datetime.date(2025, 1, 31)])
def test_a_roster_is_in_force_from_its_first_day_to_the_one_before_its_end(
    day: datetime.date,
) -> None:
    """The day it ends is not one of its days, and neither is the day before it begins."""
    roster = make_roster()
    check_in_force(roster, datetime.date(2025, 1, 1))
    check_in_force(roster, datetime.date(2025, 1, 30))
    with pytest.raises(NotInForceError):
        check_in_force(roster, day)
    with pytest.raises(NotInForceError):
        check_roster(sign_by_roots(roster.to_bytes()), make_card(), day, None)


def test_the_rules_hold_for_a_roster_of_the_past_too() -> None:
    """What was sealed long ago is judged by the roster of its time, and by the same rules."""
    check_past_roster(sign_by_roots(make_roster().to_bytes()), make_card())
    with pytest.raises(PanelError):
        check_past_roster(
            sign_by_roots(dataclasses.replace(make_roster(), panel_size=2).to_bytes()), make_card()
        )


def _second(**changes: object) -> Roster:
    first = make_roster()
    second = dataclasses.replace(first, version=2, previous=first.hash)
    return dataclasses.replace(second, **changes)  # type: ignore[arg-type]


def test_the_next_roster_names_the_one_before_it() -> None:
    """Rosters form a chain, so that none can be slipped in or left out."""
    check_chain(make_roster(), _second())
    note = sign_by_roots(_second().to_bytes())
    assert check_roster(note, make_card(), TODAY, make_roster()) == _second()


@pytest.mark.parametrize(
    "changes",
    [{"version": 3}, {"previous": bytes(31) + b"\x01"}, {"office": "other.example/log"}],
)
def test_a_roster_that_does_not_follow_is_refused(changes: dict[str, object]) -> None:
    """Another version, another hash or another office breaks the chain."""
    with pytest.raises(RosterChainError):
        check_chain(make_roster(), _second(**changes))


def test_a_known_previous_roster_is_asked_for_by_the_check() -> None:
    """Who knows the roster before this one does not accept one that skips it."""
    note = sign_by_roots(_second(version=3).to_bytes())
    check_roster(note, make_card(), TODAY, None)
    with pytest.raises(RosterChainError):
        check_roster(note, make_card(), TODAY, make_roster())
