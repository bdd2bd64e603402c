"""
Checks on the case: one manifest, one unbroken chain from it to the request, and no end to it.

Source: docs/formats/gatekeeper-checks.md; docs/formats/event.md.
"""

from __future__ import annotations

import contextlib

from dengwen_audit.errors import AuditError
from dengwen_audit.event import check_chain
from dengwen_audit.note import NoteHash
from dengwen_audit.statements.acceptance import Acceptance, check_acceptance
from dengwen_audit.statements.manifest import check_against_roster
from dengwen_keys.gatekeeper.matter import Matter
from dengwen_keys.gatekeeper.refusals import (
    CaseClosed,
    CaseErased,
    CaseForked,
    CaseWithdrawn,
    ChainBroken,
    ChainWithoutRequest,
    ManifestCase,
    ManifestRoster,
    ManifestRules,
    NotAccepted,
    NotInPanel,
    NotReceived,
    SecondManifest,
    WrongManifest,
)

RECEIVED = "petition.received"
WITHDRAWN = "case.withdrawn"
ERASED = "case.erased"
CLOSED = "case.closed"


def check_manifest_named(matter: Matter) -> None:
    """The request names the manifest that was served."""
    if matter.request.manifest != matter.evidence.manifest_hash:
        raise WrongManifest("the request names another manifest")


def check_manifest_case(matter: Matter) -> None:
    """The manifest is of the case that the request names."""
    if matter.evidence.manifest.case != matter.request.case:
        raise ManifestCase("the manifest is of another case")


def check_only_manifest(matter: Matter) -> None:
    """This holder has not served the case under another manifest."""
    if matter.memory.manifest not in (None, matter.evidence.manifest_hash):
        raise SecondManifest("this holder knows the case by another manifest")


def check_manifest_roster(matter: Matter) -> None:
    """The manifest's roster is one that this office had."""
    if matter.evidence.manifest.roster not in matter.rosters.history:
        raise ManifestRoster("the petition was sealed under a roster that this office never had")


def check_manifest_rules(matter: Matter) -> None:
    """Office, panel and quorums are as that roster had them."""
    manifest = matter.evidence.manifest
    try:
        check_against_roster(manifest, matter.rosters.history[NoteHash(manifest.roster)])
    except AuditError:
        raise ManifestRules("the manifest is not as its roster demands") from None


def check_unbroken(matter: Matter) -> None:
    """The events chain from the manifest on, without a gap."""
    try:
        check_chain(matter.evidence.events, matter.evidence.manifest_hash)
    except AuditError:
        raise ChainBroken("the chain of the case has a gap") from None


def check_received(matter: Matter) -> None:
    """The chain begins with the reception of the petition."""
    if not matter.evidence.events or matter.evidence.events[0].type != RECEIVED:
        raise NotReceived("the chain does not begin with the reception of the petition")


def check_accepted(matter: Matter) -> None:
    """Its cause is an acceptance of this very petition, by an intake key since its roster."""
    evidence = matter.evidence
    if evidence.first_cause.hash != evidence.events[0].cause:
        raise NotAccepted("the acceptance is not the cause that the log has")
    acceptance = _acceptance(matter)
    if (acceptance.case, acceptance.manifest) != (matter.request.case, evidence.manifest_hash):
        raise NotAccepted("the acceptance is of another petition")


def _acceptance(matter: Matter) -> Acceptance:
    """Check the acceptance by each roster that may have been in force when it was signed."""
    rosters = matter.rosters.history
    sealed_under = rosters[NoteHash(matter.evidence.manifest.roster)].version
    for roster in rosters.values():
        if roster.version >= sealed_under:
            with contextlib.suppress(AuditError):
                return check_acceptance(matter.evidence.first_cause, roster)
    raise NotAccepted("no intake key signed for the petition")


def check_chain_holds_request(matter: Matter) -> None:
    """The chain holds the event that the receipt proves."""
    event = matter.evidence.receipt.event
    if event not in matter.evidence.events:
        raise ChainWithoutRequest("the chain does not hold the event that the receipt proves")


def check_not_forked(matter: Matter) -> None:
    """The chain agrees with what this holder has seen of the case."""
    pairs = zip(matter.memory.chain, matter.evidence.events, strict=False)
    if any(seen != event.hash for seen, event in pairs):
        raise CaseForked("the case has another history than the one this holder has seen")


def check_not_withdrawn(matter: Matter) -> None:
    """The petitioner has not withdrawn the case."""
    if WITHDRAWN in _types(matter):
        raise CaseWithdrawn("the case was withdrawn")


def check_not_erased(matter: Matter) -> None:
    """The case is not erased."""
    if ERASED in _types(matter):
        raise CaseErased("the case was erased")


def check_not_closed(matter: Matter) -> None:
    """The case is not closed."""
    if CLOSED in _types(matter):
        raise CaseClosed("the case is closed")


def check_panel(matter: Matter) -> None:
    """The requester is in the panel that the manifest names."""
    if matter.request.requester not in matter.evidence.manifest.panel:
        raise NotInPanel("the requester is not in the panel of the case")


MANIFEST_CHECKS = (
    check_manifest_named,
    check_manifest_case,
    check_manifest_roster,
    check_manifest_rules,
    check_only_manifest,
)
CHAIN_CHECKS = (
    check_unbroken,
    check_received,
    check_accepted,
    check_chain_holds_request,
    check_not_forked,
)
CASE_CHECKS = (check_not_withdrawn, check_not_erased, check_not_closed, check_panel)


def _types(matter: Matter) -> frozenset[str]:
    """Every type of event of the case that this holder knows of, from this service or before."""
    return matter.memory.types.union(event.type for event in matter.evidence.events)
