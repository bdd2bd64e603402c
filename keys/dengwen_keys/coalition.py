"""
Who would have to collude: the smallest sets of institutions that could do what nobody may.

What no mechanism can prevent can at least be counted. From a card and a roster that were checked,
this computes the smallest sets of institutions which, off the record, could

- open a petition: the institution of one reviewer of its panel, and those of k gatekeepers;
- open an identity: the institution of one reviewer of its panel, and those of k trustees;
- replace seats: those of the root threshold, who could sign other holders for future petitions;
- fork the log: the operator, who holds its key, and those of enough witnesses to vouch twice.

An institution that has several keys counts once. The sets are those of any petition under this
roster; one petition's panel is smaller than all reviewers, so for one petition there may be fewer.

Two views of a log each need the quorum. In a group of n that agrees when t do, at least 2t − n
members must be found in both views; each of those is a dishonest witness, or a group that has to
vouch twice itself. A witness bears the id of a member; one that is no member counts by itself.

Source: docs/formats/coalition.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations, islice
from math import comb

from dengwen_audit.policy import NONE, Policy
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.member import GATEKEEPER, REVIEWER, TRUSTEE
from dengwen_audit.statements.roster import Roster, UnknownMemberError

OPEN_PETITION = "open-petition"
OPEN_IDENTITY = "open-identity"
REPLACE_SEATS = "replace-seats"
FORK_LOG = "fork-log"
DEEDS = (OPEN_PETITION, OPEN_IDENTITY, REPLACE_SEATS, FORK_LOG)

MAX_LISTED = 100  # sets
MAX_TRIED = 10_000  # sets of one size


@dataclass(frozen=True)
class Coalitions:
    """
    The smallest sets of institutions that could do one thing.

    Attributes:
        deed: One of `DEEDS`.
        size: How many institutions it takes.
        sets: Sets of that size, by institution id; at most `MAX_LISTED`. None at all if there were
            too many to try: then it takes at least *size*.
        more: Whether there are, or may be, further sets of that size.
    """

    deed: str
    size: int
    sets: tuple[tuple[str, ...], ...]
    more: bool = False


def find_coalitions(card: Card, roster: Roster) -> tuple[Coalitions, ...]:
    """Return the smallest coalitions for each deed, in the order of `DEEDS`."""
    return (
        _to_open(OPEN_PETITION, roster, GATEKEEPER),
        _to_open(OPEN_IDENTITY, roster, TRUSTEE),
        _to_replace_seats(card),
        _to_fork(card, roster),
    )


def _to_open(deed: str, roster: Roster, role: str) -> Coalitions:
    """One reviewer's institution and k holders'; fewer if a holder's has reviewers too."""
    readers = {member.institution for member in roster.active(REVIEWER)}
    # A revoked holder's key still opens what was sealed to its seat.
    holders = sorted({member.institution for member in roster.seats(role)})
    k = roster.quorum(role).k
    if readers.isdisjoint(holders):
        size = k + 1
        found = (
            (*quorum, reader) for quorum in combinations(holders, k) for reader in sorted(readers)
        )
        return _listed(deed, size, found)
    return _listed(deed, k, (s for s in combinations(holders, k) if not readers.isdisjoint(s)))


def _to_replace_seats(card: Card) -> Coalitions:
    roots = sorted({root.institution for root in card.roots})
    return _listed(REPLACE_SEATS, card.root_threshold, combinations(roots, card.root_threshold))


def _to_fork(card: Card, roster: Roster) -> Coalitions:
    """Try sets of witnesses' institutions, smallest first; the operator is in all of them."""
    house_of = {w.name: _institution(w.name, roster) for w in card.policy.witnesses}
    keys = Counter(house for house in house_of.values() if house != card.operator)
    houses = sorted(keys, key=lambda house: (-keys[house], house))

    def is_enough(others: tuple[str, ...]) -> bool:
        members = {card.operator, *others}
        dishonest = {name for name, house in house_of.items() if house in members}
        return _count_missing(card.policy, dishonest) == 0

    own = {name for name, house in house_of.items() if house == card.operator}
    missing = _count_missing(card.policy, own)
    for size in range(len(houses) + 1):
        if sum(keys[house] for house in houses[:size]) < missing:
            continue  # not even the institutions with most keys have enough
        tried = islice(combinations(houses, size), MAX_TRIED)
        found = _listed(
            FORK_LOG, size + 1, ((card.operator, *sorted(s)) for s in tried if is_enough(s))
        )
        all_tried = comb(len(houses), size) <= MAX_TRIED
        if found.sets or not all_tried:
            return replace(found, more=found.more or not all_tried)
    raise AssertionError("internal error: all witnesses together cannot vouch twice")


def _count_missing(policy: Policy, dishonest: set[str]) -> int:
    """Return how many witnesses besides the *dishonest* ones must vouch for both views."""
    groups = {group.name: group for group in policy.groups}

    def missing(name: str) -> int:
        group = groups.get(name)
        if group is None:
            return int(name not in dishonest)
        twice = max(0, 2 * group.threshold - len(group.members))
        return sum(sorted(missing(member) for member in group.members)[:twice])

    return 0 if policy.quorum == NONE else missing(policy.quorum)


def _institution(witness: str, roster: Roster) -> str:
    try:
        return roster.member(witness).institution
    except UnknownMemberError:
        return f"witness:{witness}"


def _listed(deed: str, size: int, found: Iterable[tuple[str, ...]]) -> Coalitions:
    sets: Iterator[tuple[str, ...]] = iter(found)
    listed = tuple(islice(sets, MAX_LISTED))
    return Coalitions(deed, size, listed, more=next(sets, None) is not None)
