"""
What a roster must not say, each rule with its own refusal.

Every client, holder and server applies all of them before it acts on a roster, so that not even the
root keepers can make one lock of two by a roster that nobody looks at. The rules:

- signed by the card's root threshold, for the card's office, valid at most thirty days;
- for each kind of holder: k ≥ 2, k > n/2, n − k ≥ 1; the seats are 1 to n, held by n different
  institutions, none of them the operator;
- a panel of at least three, and active reviewers of at least as many institutions;
- every id, key, recipient and code stands for one thing, and what a line names is listed.

Source: promise P2; docs/formats/roster.md.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from dengwen_audit.event import NO_MEMBERS
from dengwen_audit.statements.fields import CASE_KEY_NAME, MAX_PANEL, MAX_SEATS
from dengwen_audit.statements.member import HOLDERS, REVIEWER
from dengwen_audit.statements.roster import Roster, RosterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dengwen_audit.note import Note
    from dengwen_audit.statements.card import Card

MAX_VALIDITY = datetime.timedelta(days=30)
MIN_QUORUM = 2
MIN_PANEL = 3
# Who else may stand as the actor of an event or as the name of a key.
RESERVED_IDS = NO_MEMBERS | {CASE_KEY_NAME}


class OfficeError(RosterError):
    """The roster is for another office than the card."""


class ValidityError(RosterError):
    """The roster is valid for no day, or for more than thirty."""


class NotInForceError(RosterError):
    """The roster is not valid today: fetch the one that is."""


class RosterChainError(RosterError):
    """The roster does not follow the one before it."""


class QuorumTooSmallError(RosterError):
    """One holder alone could release (k < 2)."""


class QuorumMinorityError(RosterError):
    """Two disjoint groups of holders could each release (k ≤ n/2)."""


class QuorumWithoutSpareError(RosterError):
    """A single holder that falls silent would lock every petition for ever (k = n)."""


class SeatError(RosterError):
    """The seats of a kind of holder are not 1 to n, each once, or they are too many."""


class SeatInstitutionError(RosterError):
    """Two seats of a kind belong to one institution."""


class SeatOperatorError(RosterError):
    """The operator holds a seat."""


class PanelError(RosterError):
    """The panel is smaller than three, or larger than a manifest can name."""


class ReviewerError(RosterError):
    """The active reviewers are of fewer institutions than a panel needs."""


class DuplicateError(RosterError):
    """An id, a key, a recipient or a code stands for two things, or an id is a reserved word."""


class UnlistedError(RosterError):
    """A line names a jurisdiction or an institution that the roster does not list before it."""


def check_roster(note: Note, card: Card, today: datetime.date, previous: Roster | None) -> Roster:
    """
    Check that a roster is in force today, and return it.

    Args:
        note: The roster with its signatures.
        card: The office card that is trusted.
        today: The day in UTC.
        previous: The roster that this one must follow directly, if it is known.

    Raises:
        FormatError: If it is no roster.
        SignatureError: If the card's root threshold did not sign it.
        RosterError: The class says which rule is broken.
    """
    roster = check_past_roster(note, card)
    check_in_force(roster, today)
    if previous is not None:
        check_chain(previous, roster)
    return roster


def check_past_roster(note: Note, card: Card) -> Roster:
    """
    Check signatures and rules of a roster of any time, and return it; see `check_roster`.

    Enough for what was sealed or signed under the roster while it was in force; never for sealing.
    """
    roster = Roster.parse(note.text)
    card.check_roots(note)
    check_roster_rules(roster, card)
    return roster


def check_roster_rules(roster: Roster, card: Card) -> None:
    """
    Check every rule that a single roster, signatures and date apart, must keep.

    Raises:
        RosterError: The class says which rule is broken.
    """
    for check in _RULES:
        check(roster, card)


def check_in_force(roster: Roster, today: datetime.date) -> None:
    """
    Check that *today* is one of the roster's days.

    Raises:
        NotInForceError: If it is not.
    """
    if not roster.valid_from <= today < roster.valid_until:
        raise NotInForceError("the roster is not in force today")


def check_chain(previous: Roster, following: Roster) -> None:
    """
    Check that *following* is the next after *previous* by office, version and hash.

    Raises:
        RosterChainError: If it is not.
    """
    expected = (previous.office, previous.version + 1, previous.hash)
    if (following.office, following.version, following.previous) != expected:
        raise RosterChainError("the roster does not follow the one before it")


def _check_office(roster: Roster, card: Card) -> None:
    if roster.office != card.office:
        raise OfficeError("the roster is for another office")


def _check_validity(roster: Roster, _: Card) -> None:
    length = roster.valid_until - roster.valid_from
    if not datetime.timedelta(0) < length <= MAX_VALIDITY:
        raise ValidityError(f"the roster is not valid for 1 to {MAX_VALIDITY.days} days")


def _check_quorum_size(roster: Roster, _: Card) -> None:
    for role in HOLDERS:
        if roster.quorum(role).k < MIN_QUORUM:
            raise QuorumTooSmallError(f"one {role} alone could release")


def _check_quorum_majority(roster: Roster, _: Card) -> None:
    for role in HOLDERS:
        k, n = roster.quorum(role)
        if 2 * k <= n:
            raise QuorumMinorityError(f"half of the {role}s could release")


def _check_quorum_spare(roster: Roster, _: Card) -> None:
    for role in HOLDERS:
        k, n = roster.quorum(role)
        if k >= n:
            raise QuorumWithoutSpareError(f"no {role} could be spared")


def _check_seats(roster: Roster, _: Card) -> None:
    for role in HOLDERS:
        n = roster.quorum(role).n
        taken = [member.seat for member in roster.seats(role)]
        if n > MAX_SEATS or taken != list(range(1, n + 1)):
            raise SeatError(f"the seats of the {role}s are not 1 to {min(n, MAX_SEATS)}")


def _check_seat_institutions(roster: Roster, _: Card) -> None:
    for role in HOLDERS:
        seats = roster.seats(role)
        if len({member.institution for member in seats}) < len(seats):
            raise SeatInstitutionError(f"two {role}s of one institution")


def _check_seat_operator(roster: Roster, card: Card) -> None:
    for role in HOLDERS:
        if any(member.institution == card.operator for member in roster.seats(role)):
            raise SeatOperatorError(f"the operator is a {role}")


def _check_panel(roster: Roster, _: Card) -> None:
    if not MIN_PANEL <= roster.panel_size <= MAX_PANEL:
        raise PanelError(f"a panel of fewer than {MIN_PANEL} or more than {MAX_PANEL}")


def _check_reviewers(roster: Roster, _: Card) -> None:
    institutions = {member.institution for member in roster.active(REVIEWER)}
    if len(institutions) < roster.panel_size:
        raise ReviewerError("active reviewers of fewer institutions than a panel needs")


def _check_distinct(roster: Roster, card: Card) -> None:
    card_keys = [card.policy.log_key, *(witness.key for witness in card.policy.witnesses)]
    card_keys += [root.key for root in card.roots]
    keys = [*card_keys, roster.intake, *(member.key for member in roster.members)]
    _check_once("key", [key.public_key for key in keys])
    _check_once("recipient", [m.recipient for m in roster.members if m.recipient is not None])
    _check_once("member", [*RESERVED_IDS, *(member.id for member in roster.members)])
    _check_once("institution", [institution.id for institution in roster.institutions])
    _check_once("jurisdiction", [jurisdiction.code for jurisdiction in roster.jurisdictions])
    _check_once("revocation", [revocation.member for revocation in roster.revoked])


def _check_once(what: str, values: Iterable[object]) -> None:
    values = list(values)
    if len(set(values)) < len(values):
        raise DuplicateError(f"a {what} stands twice, or is a reserved word")


def _check_references(roster: Roster, _: Card) -> None:
    listed: set[str | None] = {None}
    for jurisdiction in roster.jurisdictions:
        if jurisdiction.parent not in listed:
            raise UnlistedError("a jurisdiction above which nothing is listed before it")
        listed.add(jurisdiction.code)
    institutions = {institution.id for institution in roster.institutions}
    if any(member.institution not in institutions for member in roster.members):
        raise UnlistedError("a member of an institution that is not listed")
    places = {institution.jurisdiction for institution in roster.institutions}
    if not listed >= places | {member.jurisdiction for member in roster.members}:
        raise UnlistedError("a jurisdiction that is not listed")


_RULES: tuple[Callable[[Roster, Card], None], ...] = (
    _check_office,
    _check_validity,
    _check_quorum_size,
    _check_quorum_majority,
    _check_quorum_spare,
    _check_seats,
    _check_seat_institutions,
    _check_seat_operator,
    _check_panel,
    _check_reviewers,
    _check_distinct,
    _check_references,
)
