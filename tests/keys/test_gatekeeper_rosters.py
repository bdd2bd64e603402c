"""A holder takes over a roster only step by step, and a change of holders only after seven days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dengwen_audit.note import sign_note
from dengwen_audit.statements.roster import Roster
from dengwen_keys.gatekeeper import refusals as no
from dengwen_keys.gatekeeper.follow_rosters import (
    HOLDER_CHANGE_WAIT,
    check_named,
    check_succession,
    new_ones,
    publication_time,
    walk_back,
)
from tests.keys.gatekeeper_fixture import NOON, SmallOffice, seal_petition
from tests.small_office import make_card, make_key, make_roster, replace_member, sign_by_roots


def _next(roster: Roster, **changes: object) -> Roster:
    following = replace(roster, version=roster.version + 1, previous=roster.hash)
    return replace(following, **changes)  # type: ignore[arg-type]


def _with_new_holder(roster: Roster) -> Roster:
    """Give the first gatekeeper's seat another key."""
    key = make_key("gatekeeper-1").verification_key
    other = replace(make_key("another").verification_key, name=key.name)
    return _next(roster, members=replace_member(roster, "gatekeeper-1", key=other).members)


FIRST = make_roster()
SECOND = _next(FIRST, openings_per_day=5)
THIRD = _with_new_holder(SECOND)
FOURTH = _next(THIRD, openings_per_day=6)
BACK = _next(THIRD, members=FIRST.members)
ALL = {roster.hash: roster for roster in (FIRST, SECOND, THIRD, FOURTH, BACK)}


def _published(_: Roster) -> float:
    return NOON


def _never(_: Roster) -> float:
    raise AssertionError("internal error: nobody needs to know")


def test_a_roster_that_changes_no_holder_is_in_force_at_once() -> None:
    """New caps and reviewers need no waiting."""
    check_succession(FIRST, [SECOND], _never, NOON)


def test_a_change_of_holders_waits_seven_days() -> None:
    """One second before the week is over nothing is released; then it is."""
    with pytest.raises(no.RosterTooEarly):
        check_succession(FIRST, [SECOND, THIRD], _published, NOON + HOLDER_CHANGE_WAIT - 1)
    check_succession(FIRST, [SECOND, THIRD], _published, NOON + HOLDER_CHANGE_WAIT)


def test_the_week_is_counted_from_the_roster_that_brought_the_change() -> None:
    """A later roster with the same holders neither shortens nor lengthens the wait."""
    asked: list[Roster] = []

    def published(roster: Roster) -> float:
        asked.append(roster)
        return NOON

    check_succession(SECOND, [THIRD, FOURTH], published, NOON + HOLDER_CHANGE_WAIT)
    assert asked == [THIRD]


def test_a_change_that_was_taken_back_needs_no_waiting() -> None:
    """Who holds the seats now held them before."""
    check_succession(FIRST, [SECOND, THIRD, BACK], _never, NOON)


@pytest.mark.parametrize(
    "later",
    [[THIRD], [SECOND, FOURTH], [replace(SECOND, previous=THIRD.hash)], [FIRST]],
    ids=["first left out", "one between left out", "another previous", "the same again"],
)
def test_a_gap_between_rosters_is_refused(later: list[Roster]) -> None:
    """Each roster names the one before it by hash and number."""
    with pytest.raises(no.RosterUnproven):
        check_succession(FIRST, later, _published, NOON + HOLDER_CHANGE_WAIT)


def test_new_rosters_are_found_oldest_first() -> None:
    """From the current roster back to the known one."""
    assert new_ones(FOURTH, FIRST, ALL.__getitem__) == [SECOND, THIRD, FOURTH]
    assert new_ones(FIRST, FIRST, ALL.__getitem__) == []


def test_an_older_roster_is_a_rollback() -> None:
    """It would bring back whoever was revoked since."""
    with pytest.raises(no.RosterRolledBack):
        new_ones(FIRST, SECOND, ALL.__getitem__)


def test_another_roster_of_the_same_version_is_refused() -> None:
    """Two rosters of one number cannot both be the office's."""
    with pytest.raises(no.RosterUnproven):
        new_ones(replace(SECOND, openings_per_day=7), SECOND, ALL.__getitem__)


def test_the_walk_back_ends() -> None:
    """An operator who serves rosters without end is not followed for ever."""
    loop = replace(SECOND, previous=SECOND.hash)
    with pytest.raises(no.RosterUnproven):
        list(walk_back(loop, lambda _: loop))


@pytest.mark.parametrize(
    "bend",
    [
        lambda: sign_by_roots(FIRST.to_bytes(), count=1),
        lambda: sign_note(FIRST.to_bytes(), make_key("stranger")),
        lambda: sign_by_roots(replace(FIRST, panel_size=2).to_bytes()),
        lambda: sign_by_roots(b"dengwen/roster/v1\n"),
    ],
    ids=["one root keeper", "a stranger", "a panel of two", "no roster"],
)
def test_a_roster_that_breaks_the_rules_is_refused(bend: Callable[[], object]) -> None:
    """The rules of rosters hold for whatever the log names."""
    with pytest.raises(no.RosterUnproven):
        check_named(bend(), make_card())  # type: ignore[arg-type]


def test_a_signed_roster_is_taken() -> None:
    """Signed by the root threshold, it is what it says."""
    assert check_named(sign_by_roots(FIRST.to_bytes()), make_card()) == FIRST


def test_the_publication_is_dated_by_the_witnesses() -> None:
    """The receipt of the publication tells when witnesses had seen it; no other receipt does."""
    office = SmallOffice()
    office.log.time = NOON - 99
    receipt = office.publish_receipt(SECOND)
    assert publication_time(receipt, SECOND, office.card.policy) == NOON - 99
    with pytest.raises(no.RosterUnproven):
        publication_time(receipt, THIRD, office.card.policy)
    petition = seal_petition()
    office.receive(petition)
    other = office.log.receipt(office.chains[petition.case][0][0])
    for wrong in (other, b"nothing"):
        with pytest.raises(no.RosterUnproven):
            publication_time(wrong, SECOND, office.card.policy)
