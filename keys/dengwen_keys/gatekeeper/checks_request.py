"""
Checks on the request: who asks, for what, under which roster, and that the log says the same.

The signature stands early: whatever depends on what a holder alone knows comes after it, so that
nobody who merely invents requests learns anything from a refusal.

Source: docs/formats/gatekeeper-checks.md.
"""

from __future__ import annotations

import datetime

from dengwen_audit.errors import SignatureError
from dengwen_audit.statements.member import REVIEWER
from dengwen_audit.statements.roster import UnknownMemberError
from dengwen_audit.statements.signers import check_signed_by
from dengwen_keys.gatekeeper.follow_rosters import HOLDER_CHANGE_WAIT
from dengwen_keys.gatekeeper.matter import Matter
from dengwen_keys.gatekeeper.refusals import (
    NonceUsed,
    NotReviewer,
    OldRoster,
    RequestSignature,
    Revoked,
    RosterNotValid,
    RosterWithheld,
    Tomorrow,
    UnknownRequester,
    WrongActor,
    WrongCause,
    WrongCompartment,
    WrongEventCase,
    WrongEventType,
    WrongOffice,
    WrongPurpose,
)

OPEN_REQUESTED = "open.requested"
PATIENCE = 24 * 3600  # seconds in which the log must show a roster that may be in force


def check_roster_valid(matter: Matter) -> None:
    """The roster that the newest record names is valid today."""
    today = datetime.datetime.fromtimestamp(matter.now, datetime.UTC).date()
    roster = matter.rosters.current
    if not roster.valid_from <= today < roster.valid_until:
        raise RosterNotValid("the roster in force is not valid today")


def check_not_withheld(matter: Matter) -> None:
    """The log has not kept back a later roster that the root keepers handed to this holder."""
    roster, handed = matter.rosters.current, matter.rosters.handed
    if handed is None or handed[0].version <= roster.version:
        return
    wait = HOLDER_CHANGE_WAIT if handed[0].holders_differ(roster) else 0
    if matter.now > handed[1] + wait + PATIENCE:
        raise RosterWithheld("the log still names an older roster than the root keepers handed out")


def check_event_type(matter: Matter) -> None:
    """The event in the log is the request to open."""
    if matter.evidence.receipt.event.type != OPEN_REQUESTED:
        raise WrongEventType(f"the event in the log is not {OPEN_REQUESTED}")


def check_cause(matter: Matter) -> None:
    """The event's cause is this request."""
    if matter.evidence.receipt.event.cause != matter.note.hash:
        raise WrongCause("the event in the log was caused by something else")


def check_event_case(matter: Matter) -> None:
    """The event stands in the chain of the case that the request names."""
    if matter.evidence.receipt.event.case != matter.request.case:
        raise WrongEventCase("the event in the log is of another case")


def check_actor(matter: Matter) -> None:
    """The event names the requester."""
    if matter.evidence.receipt.event.actor != matter.request.requester:
        raise WrongActor("the event in the log names another requester")


def check_known_requester(matter: Matter) -> None:
    """The requester is in the roster in force."""
    try:
        matter.rosters.current.member(matter.request.requester)
    except UnknownMemberError:
        raise UnknownRequester("the roster has no such requester") from None


def check_signature(matter: Matter) -> None:
    """The requester signed, with the key of the roster in force, and nobody else did."""
    key = matter.rosters.current.member(matter.request.requester).key
    try:
        check_signed_by(matter.note, key)
    except SignatureError:
        raise RequestSignature("the request is not signed by its requester") from None


def check_office(matter: Matter) -> None:
    """The request was made for this office's log."""
    if matter.request.office != matter.log.office:
        raise WrongOffice("the request is made for another office")


def check_roster_named(matter: Matter) -> None:
    """The request names the roster in force."""
    if matter.request.roster != matter.rosters.current.hash:
        raise OldRoster("the request names another roster than the one in force: ask again")


def check_reviewer(matter: Matter) -> None:
    """The requester is a reviewer."""
    if matter.rosters.current.member(matter.request.requester).role != REVIEWER:
        raise NotReviewer("the requester is not a reviewer")


def check_not_revoked(matter: Matter) -> None:
    """The requester is revoked neither by the roster in force nor by one that was handed over."""
    requester, handed = matter.request.requester, matter.rosters.handed
    later = {line.member for line in handed[0].revoked} if handed else set()
    if requester in later or not matter.rosters.current.is_active(requester):
        raise Revoked("the requester is revoked")


def check_compartment(matter: Matter) -> None:
    """The request asks for the compartment that this kind of holder guards."""
    if matter.request.compartment != matter.holder.kind.compartment:
        raise WrongCompartment("this kind of holder has no seat of that compartment")


def check_purpose(matter: Matter) -> None:
    """The request states a purpose that this kind of holder serves."""
    if matter.request.purpose not in matter.holder.kind.purposes:
        raise WrongPurpose("this kind of holder does not release for that purpose")


def check_nonce(matter: Matter) -> None:
    """No other request had this nonce."""
    if matter.memory.nonce_used:
        raise NonceUsed("another request had the same nonce")


def check_openings(matter: Matter) -> None:
    """The requester has not yet had today's number of openings."""
    if matter.memory.openings_today >= matter.rosters.current.openings_per_day:
        raise Tomorrow("the requester has had today's number of openings")


ROSTER_CHECKS = (check_roster_valid, check_not_withheld)
EVENT_CHECKS = (check_event_type, check_cause, check_event_case, check_actor)
REQUEST_CHECKS = (
    check_known_requester,
    check_signature,
    check_office,
    check_roster_named,
    check_reviewer,
    check_not_revoked,
    check_compartment,
    check_purpose,
    check_nonce,
)
CAP_CHECKS = (check_openings,)
