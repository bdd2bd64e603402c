"""The smallest coalitions, held against every set of institutions there is."""

import dataclasses
import itertools
from collections.abc import Iterable

import pytest

from dengwen_audit.statements.card import Card, Root
from dengwen_audit.statements.member import GATEKEEPER, REVIEWER, TRUSTEE
from dengwen_audit.statements.roster import Quorum, Roster
from dengwen_keys.coalition import (
    DEEDS,
    FORK_LOG,
    MAX_LISTED,
    OPEN_IDENTITY,
    OPEN_PETITION,
    REPLACE_SEATS,
    Coalitions,
    find_coalitions,
)
from tests.small_office import (
    OFFICE,
    OPERATOR,
    WITNESSES,
    make_card,
    make_cosigning_key,
    make_key,
    make_member,
    make_policy_lines,
    make_roster,
    replace_member,
)


def _find(deed: str, card: Card | None = None, roster: Roster | None = None) -> Coalitions:
    (found,) = (
        c for c in find_coalitions(card or make_card(), roster or make_roster()) if c.deed == deed
    )
    return found


def _smallest(card: Card, roster: Roster, deed: str) -> set[frozenset[str]]:
    """Try every set of institutions, smallest first, with a rule written another way."""
    houses = sorted({i.id for i in roster.institutions} | {card.operator})
    for size in range(1, len(houses) + 1):
        able = {
            frozenset(s)
            for s in itertools.combinations(houses, size)
            if _is_able(card, roster, deed, s)
        }
        if able:
            return able
    return set()


def _is_able(card: Card, roster: Roster, deed: str, houses: Iterable[str]) -> bool:
    houses = set(houses)
    if deed == REPLACE_SEATS:
        return sum(root.institution in houses for root in card.roots) >= card.root_threshold
    if deed == FORK_LOG:
        return card.operator in houses and _can_vouch_twice(card, roster, houses)
    role = GATEKEEPER if deed == OPEN_PETITION else TRUSTEE
    seats = sum(member.institution in houses for member in roster.seats(role))
    readers = any(member.institution in houses for member in roster.active(REVIEWER))
    return readers and seats >= roster.quorum(role).k


def _can_vouch_twice(card: Card, roster: Roster, houses: set[str]) -> bool:
    """Tell whether the honest witnesses can be divided so that both views have a quorum."""
    names = [witness.name for witness in card.policy.witnesses]
    bad = {name for name in names if roster.member(name).institution in houses}
    honest = [name for name in names if name not in bad]
    return any(
        card.policy.is_quorum(bad | set(first))
        and card.policy.is_quorum(bad | (set(honest) - set(first)))
        for size in range(len(honest) + 1)
        for first in itertools.combinations(honest, size)
    )


def _grouped(*lines: str) -> Card:
    """Return the card with other lines after those of log and witnesses."""
    card = make_card()
    return dataclasses.replace(card, policy_lines=(*card.policy_lines[:5], *lines))


OFFICES: dict[str, tuple[Card, Roster]] = {
    "the small office": (make_card(), make_roster()),
    "three of five trustees, one with a reviewer": (
        make_card(),
        replace_member(make_roster(), "reviewer-1", institution="notaries"),
    ),
    "no gatekeeper's institution has a reviewer": (
        make_card(),
        replace_member(make_roster(), "reviewer-5", institution="notaries"),
    ),
    "every gatekeeper's institution has one": (
        make_card(),
        replace_member(
            replace_member(make_roster(), "reviewer-5", institution="law-society"),
            "reviewer-4",
            institution="press-club",
        ),
    ),
    "a witness is the operator's": (
        make_card(),
        replace_member(make_roster(), "mirror-1", institution=OPERATOR),
    ),
    "two witnesses of one institution": (
        make_card(),
        replace_member(make_roster(), "mirror-1", institution="law-society"),
    ),
    "all four witnesses": (
        dataclasses.replace(make_card(), policy_lines=make_policy_lines("4")),
        make_roster(),
    ),
    "half of the witnesses, which needs nobody": (
        dataclasses.replace(make_card(), policy_lines=make_policy_lines("2")),
        make_roster(),
    ),
    "groups within a group": (
        _grouped(
            f"group pair any {WITNESSES[0]} {WITNESSES[1]}",
            f"group all-of-them all pair {WITNESSES[2]} {WITNESSES[3]}",
            "quorum all-of-them",
        ),
        make_roster(),
    ),
    "two pairs, both whole": (
        _grouped(
            f"group first all {WITNESSES[0]} {WITNESSES[1]}",
            f"group second all {WITNESSES[2]} {WITNESSES[3]}",
            "group both all first second",
            "quorum both",
        ),
        make_roster(),
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("name", OFFICES)
def test_the_smallest_sets_are_those_that_trying_every_set_finds(name: str, deed: str) -> None:
    """No smaller set suffices, and every set of that size that suffices is listed."""
    card, roster = OFFICES[name]
    found = _find(deed, card, roster)
    expected = _smallest(card, roster, deed)
    assert {frozenset(s) for s in found.sets} == expected
    assert {len(s) for s in found.sets} == {found.size}
    assert len(found.sets) == len(expected)
    assert not found.more


def test_a_petition_takes_a_reviewers_institution_and_k_gatekeepers() -> None:
    """In the small office no gatekeeper's institution has reviewers: 2 + 1 institutions."""
    found = _find(OPEN_PETITION)
    assert found.size == 3
    assert ("law-society", "press-club", "charity") in found.sets
    assert len(found.sets) == 3 * 4


def test_a_trustee_that_also_reviews_saves_one_institution() -> None:
    """The charity has a trustee and a reviewer, so three institutions open an identity."""
    found = _find(OPEN_IDENTITY)
    assert found.size == 3
    assert all("charity" in s for s in found.sets)


def test_revoked_reviewers_do_not_count_and_revoked_holders_do() -> None:
    """
    New panels hold nobody who is revoked; a revoked holder still has the key to old shares.

    The only reviewer of the charity revoked, an identity takes one institution more.
    """
    roster = make_roster()
    revoked = dataclasses.replace(roster.revoked[0], member="reviewer-5")
    without = dataclasses.replace(roster, revoked=(revoked,))
    assert _find(OPEN_IDENTITY, roster=without).size == 4
    revoked = dataclasses.replace(roster.revoked[0], member="trustee-5")
    assert _find(OPEN_IDENTITY, roster=dataclasses.replace(roster, revoked=(revoked,))).size == 3


def test_forking_takes_the_operator_and_the_witnesses_that_two_quorums_share() -> None:
    """With 3 of 4, two views share 2 × 3 − 4 = 2 witnesses."""
    found = _find(FORK_LOG)
    assert found.size == 1 + 2
    assert all(OPERATOR in s for s in found.sets)


def test_a_witness_that_is_no_member_counts_by_itself() -> None:
    """Nobody knows whose it is, so it is shown as what it is."""
    roster = make_roster()
    members = tuple(member for member in roster.members if member.id != "mirror-1")
    found = _find(FORK_LOG, roster=dataclasses.replace(roster, members=members))
    assert any("witness:mirror-1" in s for s in found.sets)
    assert found.size == 3


def test_root_keepers_by_their_threshold_replace_seats() -> None:
    """Two of the three institutions that hold root keys could sign another roster."""
    assert _find(REPLACE_SEATS).sets == (
        ("law-society", "press-club"),
        ("law-society", "university"),
        ("press-club", "university"),
    )


def _big_office(count: int) -> tuple[Card, Roster]:
    """Return an office with *count* witnesses, gatekeepers and root keepers, each of its own."""
    names = [f"gatekeeper-{n}" for n in range(1, count + 1)]
    gatekeepers = tuple(
        make_member(GATEKEEPER, n, name, f"house-{n}", "CN") for n, name in enumerate(names, 1)
    )
    witnesses = tuple(
        f"witness {name} {make_cosigning_key(name).verification_key.to_text()}" for name in names
    )
    quorum = 1 + 2 * count // 3
    card = dataclasses.replace(
        make_card(),
        roots=tuple(
            Root(make_key(f"root-{n}").verification_key, f"house-{n}") for n in range(count)
        ),
        root_threshold=quorum,
        policy_lines=(
            f"log {make_key(OFFICE).verification_key.to_text()}",
            *witnesses,
            f"group all-of-them {quorum} {' '.join(names)}",
            "quorum all-of-them",
        ),
    )
    others = tuple(m for m in make_roster().members if m.role != GATEKEEPER)
    return card, dataclasses.replace(
        make_roster(), gatekeepers=Quorum(quorum, count), members=(*others, *gatekeepers)
    )


def test_an_institution_with_two_witnesses_is_found_among_millions_of_sets() -> None:
    """One institution with two keys saves one, wherever its name stands in the alphabet."""
    card, roster = _big_office(32)
    shared = replace_member(roster, "gatekeeper-32", institution="house-9")
    assert _find(FORK_LOG, card, shared).size == 1 + 2 * 22 - 32 - 1


def test_more_sets_than_can_be_tried_give_the_least_that_it_takes() -> None:
    """Groups within groups, so that most small sets fail: the answer warns rather than soothes."""
    card, roster = _big_office(32)
    names = [witness.name for witness in card.policy.witnesses]
    groups = [f"group g{n} all {' '.join(names[n::8])}" for n in range(8)]
    lines = (*card.policy_lines[:33], *groups, f"group top 7 {' '.join(f'g{n}' for n in range(8))}")
    card = dataclasses.replace(card, policy_lines=(*lines, "quorum top"))
    found = _find(FORK_LOG, card, roster)
    assert found == Coalitions(FORK_LOG, 1 + 4 * 6, (), more=True)


def test_the_largest_office_is_answered_at_once_with_some_of_its_sets() -> None:
    """With 32 of everything there are millions of sets: a hundred are shown, not all."""
    card, roster = _big_office(32)
    for found in find_coalitions(card, roster):
        if found.deed != OPEN_IDENTITY:
            assert len(found.sets) == MAX_LISTED
            assert found.more
    assert _find(FORK_LOG, card, roster).size == 1 + 2 * 22 - 32
    assert _find(OPEN_PETITION, card, roster).size == 22 + 1
