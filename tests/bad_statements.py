"""
Cards, rosters and manifests that each break one rule, with the refusal that is due.

The root keepers or the petitioner may well have signed them: nobody may act on them all the same.
"""

import dataclasses
import datetime
from collections.abc import Callable

from dengwen_audit.note import VerificationKey
from dengwen_audit.statements.card import (
    Card,
    CardError,
    LogNameError,
    Root,
    RootInstitutionError,
    RootKeyError,
    RootOperatorError,
    RootThresholdError,
    WitnessQuorumError,
)
from dengwen_audit.statements.manifest import (
    Manifest,
    ManifestError,
    ManifestPanelError,
    ManifestQuorumError,
    ManifestRosterError,
)
from dengwen_audit.statements.member import GATEKEEPER, Institution, Jurisdiction, Revocation
from dengwen_audit.statements.roster import Quorum, Roster, RosterError
from dengwen_audit.statements.roster_rules import (
    DuplicateError,
    OfficeError,
    PanelError,
    QuorumMinorityError,
    QuorumTooSmallError,
    QuorumWithoutSpareError,
    ReviewerError,
    SeatError,
    SeatInstitutionError,
    SeatOperatorError,
    UnlistedError,
    ValidityError,
)
from tests.small_office import (
    OFFICE,
    OPERATOR,
    ROOTS,
    make_cosigning_key,
    make_key,
    make_manifest,
    make_member,
    make_policy_lines,
    make_roster,
    replace_member,
)

CardChange = Callable[[Card], Card]
RosterChange = Callable[[Roster], Roster]
ManifestChange = Callable[[Manifest], Manifest]


def with_roots(card: Card, *roots: tuple[str, str], threshold: int = 2) -> Card:
    """Return *card* with the root keepers of these names and institutions."""
    keys = tuple(Root(make_key(name).verification_key, house) for name, house in roots)
    return dataclasses.replace(card, roots=keys, root_threshold=threshold)


def _with_root_key(card: Card, key: VerificationKey) -> Card:
    return dataclasses.replace(card, roots=(Root(key, "notaries"), *card.roots[1:]))


def _same_key_under_another_name(card: Card) -> Card:
    return _with_root_key(card, dataclasses.replace(card.roots[1].key, name="root-d"))


def _witness_key(card: Card) -> Card:
    witness = card.policy.witnesses[0].key
    return _with_root_key(card, VerificationKey("root-d", 0x01, witness.public_key))


BAD_CARDS: dict[str, tuple[CardChange, type[CardError]]] = {
    "a threshold of one": (lambda c: dataclasses.replace(c, root_threshold=1), RootThresholdError),
    "a threshold over the number of keys": (
        lambda c: dataclasses.replace(c, root_threshold=4),
        RootThresholdError,
    ),
    "two root keys": (lambda c: with_roots(c, *ROOTS[:2]), RootThresholdError),
    "one key for two root keepers": (_same_key_under_another_name, RootKeyError),
    "the log's key as a root key": (lambda c: _with_root_key(c, c.policy.log_key), RootKeyError),
    "a witness's key as a root key": (_witness_key, RootKeyError),
    "two root keepers of one institution": (
        lambda c: with_roots(c, *ROOTS, ("root-d", "university")),
        RootInstitutionError,
    ),
    "a root keeper of the operator": (
        lambda c: with_roots(c, *ROOTS, ("root-d", c.operator)),
        RootOperatorError,
    ),
    "a log of another name": (
        lambda c: dataclasses.replace(c, office="other.example/log"),
        LogNameError,
    ),
    "two of four witnesses": (
        lambda c: dataclasses.replace(c, policy_lines=make_policy_lines("2")),
        WitnessQuorumError,
    ),
    "no witness at all": (
        lambda c: dataclasses.replace(c, policy_lines=(c.policy_lines[0], "quorum none")),
        WitnessQuorumError,
    ),
}


def _roster(**changes: object) -> RosterChange:
    return lambda roster: dataclasses.replace(roster, **changes)  # type: ignore[arg-type]


def _member(name: str, **changes: object) -> RosterChange:
    return lambda roster: replace_member(roster, name, **changes)


def _add(role: str, seat: int, name: str, institution: str = "notaries") -> RosterChange:
    return lambda roster: dataclasses.replace(
        roster, members=(*roster.members, make_member(role, seat, name, institution, "CN"))
    )


def _without(*names: str) -> RosterChange:
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


BAD_ROSTERS: dict[str, tuple[RosterChange, type[RosterError]]] = {
    "another office": (_roster(office="other.example/log"), OfficeError),
    "valid for no day": (_roster(valid_until=datetime.date(2025, 1, 1)), ValidityError),
    "valid for 31 days": (_roster(valid_until=datetime.date(2025, 2, 1)), ValidityError),
    "one of two gatekeepers": (_one_of_two, QuorumTooSmallError),
    "one of five trustees": (_roster(trustees=Quorum(1, 5)), QuorumTooSmallError),
    "two of four gatekeepers": (_even, QuorumMinorityError),
    "two of five trustees": (_roster(trustees=Quorum(2, 5)), QuorumMinorityError),
    "three of three gatekeepers": (_roster(gatekeepers=Quorum(3, 3)), QuorumWithoutSpareError),
    "five of five trustees": (_roster(trustees=Quorum(5, 5)), QuorumWithoutSpareError),
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
    "a panel of two": (_roster(panel_size=2), PanelError),
    "reviewers of too few institutions": (_roster(panel_size=5), ReviewerError),
    "too few reviewers who are not revoked": (
        _roster(revoked=(_revoke("reviewer-4"), _revoke("reviewer-5"))),
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
        _roster(intake=make_key(OFFICE).verification_key),
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
        _roster(revoked=(_revoke("reviewer-2"), _revoke("reviewer-2"))),
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


def _manifest(**changes: object) -> ManifestChange:
    return lambda manifest: dataclasses.replace(manifest, **changes)  # type: ignore[arg-type]


def manifest_quorum(place: int, k: int, n: int) -> ManifestChange:
    """Return the change of a compartment, by its place, to *k* of *n*."""

    def change(manifest: Manifest) -> Manifest:
        lines = list(manifest.compartments)
        lines[place] = dataclasses.replace(lines[place], k=k, n=n)
        return dataclasses.replace(manifest, compartments=tuple(lines))

    return change


def _one_gatekeeper_more(manifest: Manifest) -> Manifest:
    roster = dataclasses.replace(make_roster(), gatekeepers=Quorum(2, 4))
    return dataclasses.replace(make_manifest(roster), roster=manifest.roster)


BAD_MANIFESTS: dict[str, tuple[ManifestChange, type[ManifestError]]] = {
    "another office": (_manifest(office="other.example/log"), ManifestRosterError),
    "another roster": (_manifest(roster=bytes(32)), ManifestRosterError),
    "one gatekeeper is enough": (manifest_quorum(0, 1, 3), ManifestQuorumError),
    "one gatekeeper more": (_one_gatekeeper_more, ManifestQuorumError),
    "two trustees are enough": (manifest_quorum(1, 2, 5), ManifestQuorumError),
    "a panel of two": (_manifest(panel=("reviewer-1", "reviewer-4")), ManifestPanelError),
    "a panel of four": (
        _manifest(panel=("reviewer-1", "reviewer-3", "reviewer-4", "reviewer-5")),
        ManifestPanelError,
    ),
    "a stranger on the panel": (
        _manifest(panel=("reviewer-1", "reviewer-4", "reviewer-9")),
        ManifestPanelError,
    ),
    "a revoked reviewer on the panel": (
        _manifest(panel=("reviewer-2", "reviewer-4", "reviewer-5")),
        ManifestPanelError,
    ),
    "a gatekeeper on the panel": (
        _manifest(panel=("gatekeeper-1", "reviewer-4", "reviewer-5")),
        ManifestPanelError,
    ),
}
