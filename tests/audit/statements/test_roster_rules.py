"""What a roster must not say: each rule of promise P2 and around it, with its bad roster."""

import dataclasses
import datetime
from collections.abc import Callable

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements import roster_rules
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.member import GATEKEEPER, Institution, Jurisdiction, Revocation
from dengwen_audit.statements.roster import Quorum, Roster, RosterError
from dengwen_audit.statements.roster_rules import (
    DuplicateError,
    NotInForceError,
    OfficeError,
    PanelError,
    QuorumMinorityError,
    QuorumTooSmallError,
    QuorumWithoutSpareError,
    ReviewerError,
    RosterChainError,
    SeatError,
    SeatInstitutionError,
    SeatOperatorError,
    UnlistedError,
    ValidityError,
    check_chain,
    check_in_force,
    check_past_roster,
    check_roster,
    check_roster_rules,
)
from tests.small_office import (
    OFFICE,
    OPERATOR,
    TODAY,
    make_card,
    make_cosigning_key,
    make_key,
    make_member,
    make_roster,
    replace_member,
    sign_by_roots,
)

Change = Callable[[Roster], Roster]


def _replace(**changes: object) -> Change:
    return lambda roster: dataclasses.replace(roster, **changes)  # type: ignore[arg-type]


def _member(name: str, **changes: object) -> Change:
    return lambda roster: replace_member(roster, name, **changes)


def _add(role: str, seat: int, name: str, institution: str = "notaries") -> Change:
    return lambda roster: dataclasses.replace(
        roster, members=(*roster.members, make_member(role, seat, name, institution, "CN"))
    )


def _without(*names: str) -> Change:
    return lambda roster: dataclasses.replace(
        roster, members=tuple(m for m in roster.members if m.id not in names)
    )


def _even(roster: Roster) -> Roster:
    return dataclasses.replace(
        _add(GATEKEEPER, 4, "gatekeeper-4")(roster), gatekeepers=Quorum(2, 4)
    )


def _one_of_two(roster: Roster) -> Roster:
    return dataclasses.replace(_without("gatekeeper-3")(roster), gatekeepers=Quorum(1, 2))


def _revoke(name: str) -> Revocation:
    return dataclasses.replace(make_roster().revoked[0], member=name)


def _huge(roster: Roster) -> Roster:
    """Return a roster of 33 gatekeepers, each of an institution of its own."""
    numbers = range(4, 34)
    houses = tuple(Institution(f"house-{n}", "CN", f"House {n}") for n in numbers)
    members = tuple(
        dataclasses.replace(make_member(GATEKEEPER, n, f"gatekeeper-{n}", f"house-{n}", "CN"))
        for n in numbers
    )
    return dataclasses.replace(
        roster,
        gatekeepers=Quorum(17, 33),
        institutions=roster.institutions + houses,
        members=roster.members + members,
    )


BAD_ROSTERS: dict[str, tuple[Change, type[RosterError]]] = {
    "another office": (_replace(office="other.example/log"), OfficeError),
    "valid for no day": (_replace(valid_until=datetime.date(2025, 1, 1)), ValidityError),
    "valid for 31 days": (_replace(valid_until=datetime.date(2025, 2, 1)), ValidityError),
    "one of two gatekeepers": (_one_of_two, QuorumTooSmallError),
    "one of five trustees": (_replace(trustees=Quorum(1, 5)), QuorumTooSmallError),
    "two of four gatekeepers": (_even, QuorumMinorityError),
    "two of five trustees": (_replace(trustees=Quorum(2, 5)), QuorumMinorityError),
    "three of three gatekeepers": (_replace(gatekeepers=Quorum(3, 3)), QuorumWithoutSpareError),
    "five of five trustees": (_replace(trustees=Quorum(5, 5)), QuorumWithoutSpareError),
    "a seat that nobody has": (_without("trustee-2"), SeatError),
    "a seat over n": (_add("trustee", 6, "trustee-6", "port-office"), SeatError),
    "a seat that two have": (_member("trustee-2", seat=1), SeatError),
    "thirty-three gatekeepers": (_huge, SeatError),
    "two gatekeepers of one institution": (
        _member("gatekeeper-2", institution="law-society"),
        SeatInstitutionError,
    ),
    "two trustees of one institution": (
        _member("trustee-2", institution="law-society"),
        SeatInstitutionError,
    ),
    "a gatekeeper of the operator": (
        _member("gatekeeper-2", institution=OPERATOR),
        SeatOperatorError,
    ),
    "a trustee of the operator": (_member("trustee-5", institution=OPERATOR), SeatOperatorError),
    "a panel of two": (_replace(panel_size=2), PanelError),
    "reviewers of too few institutions": (_replace(panel_size=5), ReviewerError),
    "too few reviewers who are not revoked": (
        _replace(revoked=(_revoke("reviewer-4"), _revoke("reviewer-5"))),
        ReviewerError,
    ),
    "a member twice": (_add("auditor", 0, "auditor-1"), DuplicateError),
    "a member called office": (_add("auditor", 0, "office"), DuplicateError),
    "a member called petitioner": (_add("auditor", 0, "petitioner"), DuplicateError),
    "a member called roots": (_add("auditor", 0, "roots"), DuplicateError),
    "a member called case": (_add("auditor", 0, "case"), DuplicateError),
    "one key for two members": (
        _member(
            "auditor-1",
            key=dataclasses.replace(make_key("mirror-1").verification_key, name="auditor-1"),
        ),
        DuplicateError,
    ),
    "the log's key for intake": (
        _replace(intake=make_key(OFFICE).verification_key),
        DuplicateError,
    ),
    "a root key for a member": (
        _member(
            "auditor-1",
            key=dataclasses.replace(make_key("root-a").verification_key, name="auditor-1"),
        ),
        DuplicateError,
    ),
    "one key for notes and for checkpoints": (
        _member(
            "mirror-1",
            key=dataclasses.replace(
                make_cosigning_key("mirror-1").verification_key, algorithm=0x01
            ),
        ),
        DuplicateError,
    ),
    "one recipient for two members": (
        _member("trustee-1", recipient=make_roster().member("gatekeeper-1").recipient),
        DuplicateError,
    ),
    "an institution twice": (
        lambda r: dataclasses.replace(r, institutions=(*r.institutions, r.institutions[0])),
        DuplicateError,
    ),
    "a jurisdiction twice": (
        lambda r: dataclasses.replace(
            r, jurisdictions=(*r.jurisdictions, Jurisdiction("CN-4403", "CN", "elsewhere"))
        ),
        DuplicateError,
    ),
    "a revocation twice": (
        _replace(revoked=(_revoke("reviewer-2"), _revoke("reviewer-2"))),
        DuplicateError,
    ),
    "a jurisdiction above which nothing is listed": (
        lambda r: dataclasses.replace(
            r, jurisdictions=(*r.jurisdictions, Jurisdiction("CN-9901", "CN-99", "nowhere"))
        ),
        UnlistedError,
    ),
    "a jurisdiction below itself": (
        lambda r: dataclasses.replace(
            r, jurisdictions=(*r.jurisdictions, Jurisdiction("LOOP", "LOOP", "a circle"))
        ),
        UnlistedError,
    ),
    "a jurisdiction before the one above it": (
        lambda r: dataclasses.replace(
            r,
            jurisdictions=(
                Jurisdiction("CN-4401", "CN-44", "too early"),
                *(j for j in r.jurisdictions if j.code != "CN-4401"),
            ),
        ),
        UnlistedError,
    ),
    "a member of an unlisted institution": (
        _member("reviewer-3", institution="ghosts"),
        UnlistedError,
    ),
    "a member of an unlisted jurisdiction": (
        _member("reviewer-3", jurisdiction="CN-99"),
        UnlistedError,
    ),
    "an institution of an unlisted jurisdiction": (
        lambda r: dataclasses.replace(
            r, institutions=(*r.institutions, Institution("ghosts", "CN-99", "Ghosts"))
        ),
        UnlistedError,
    ),
}

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
