"""
The rules of opening: what stands between a request and a share that leaves; see `rules`.

Each rule takes a case and yields an event with what is wrong about it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator

from dengwen_audit.dossier import Case, Logged
from dengwen_audit.statements.answer import Answer
from dengwen_audit.statements.manifest import IDENTITY, PETITION
from dengwen_audit.statements.member import GATEKEEPER, HOLDERS, TRUSTEE
from dengwen_audit.statements.request import DANGER_TO_LIFE, Request

REQUESTS = ("open.requested", "disclosure.requested")
APPROVALS = "disclosure.approved"
RELEASES = ("share.released", APPROVALS)
ANSWERS = (*RELEASES, "share.refused", "disclosure.refused")
ENDS = ("case.withdrawn", "case.erased", "case.closed")
RELEASE_GRACE = 1  # records: a share may leave while the end of the case is on its way to the log

Finding = tuple[Logged, str]


def _check_requests(case: Case) -> Iterator[Finding]:
    for logged, request in case.requests.values():
        if logged.index > request.last_index:
            yield logged, f"logged after the last record that it allows, {request.last_index}"
        if logged.index < request.after_size:
            yield logged, "logged before the checkpoint that it says it follows"
        if (request.compartment == IDENTITY) != (logged.event.type == "disclosure.requested"):
            yield logged, "asks for a compartment that this kind of request does not open"
        roster = case.dossier.roster_or_none(logged.roster)
        if roster is not None and request.roster not in (roster.hash, roster.previous):
            yield logged, "made under a roster that was no longer in force"
        if _is_too_long(case, request):
            yield logged, "allows itself more time than its roster does"


def _is_too_long(case: Case, request: Request) -> bool:
    """Tell whether a request may be logged later than the roster that it names lets any be."""
    roster = case.dossier.roster_or_none(request.roster)
    seconds = (request.last_index - request.after_size) * case.dossier.cards[-1].tick
    return roster is not None and seconds > roster.request_lifetime


def _check_releases(case: Case) -> Iterator[Finding]:
    """Check that each answer has its request, and comes after it."""
    seen: set[tuple[bytes, str, str]] = set()
    for logged, answer in case.answers(*ANSWERS):
        if answer.request not in case.requests:
            if case.is_whole:
                yield logged, "answers a request that is not in this case"
            continue
        asked, request = case.requests[answer.request]
        if logged.index <= asked.index:
            yield logged, f"not later in the log than its request, event {asked.event.number}"
        if answer.compartment != request.compartment:
            yield logged, "answers for another compartment than the request's"
        yield from _check_holder(case, logged, answer)
        yield from _check_requester(case, logged, asked, request)
        key = (answer.request, answer.holder, logged.event.type)
        if key in seen:
            yield logged, "a second answer of this holder to one request"
        seen.add(key)


def _check_holder(case: Case, logged: Logged, answer: Answer) -> Iterator[Finding]:
    """Check that the holder's kind guards the compartment."""
    roster = case.dossier.roster_or_none(logged.roster)
    if roster is None or not roster.is_active(answer.holder):
        return  # `rules` judges the signature, by the roster before if need be
    allowed = {PETITION: (GATEKEEPER,), IDENTITY: HOLDERS}.get(answer.compartment, HOLDERS)
    if roster.member(answer.holder).role not in allowed:
        yield logged, f"by a holder who does not guard the {answer.compartment}"


def _check_requester(
    case: Case, logged: Logged, asked: Logged, request: Request
) -> Iterator[Finding]:
    """
    Check that no share left for a requester who was revoked when the request came into the log.

    A request itself may meet its author's revocation on the way to the log; no holder answers it.
    """
    roster = case.dossier.roster_or_none(asked.roster)
    if logged.event.type in RELEASES and roster and not roster.is_active(request.requester):
        yield logged, "released to a reviewer who was revoked"


def _check_disclosures(case: Case) -> Iterator[Finding]:
    """Check approvals and wait before an identity's shares leave."""
    if case.manifest is None:
        return
    quorum = case.manifest.compartment(IDENTITY).k
    for logged, answer in case.answers("share.released"):
        if answer.compartment != IDENTITY or answer.request not in case.requests:
            continue
        approvals = _count_approvals(case, answer.request, logged)
        if approvals < quorum:
            yield logged, f"released after {approvals} valid approvals of {quorum}"
        yield from _check_wait(case, logged, *case.requests[answer.request])


def _count_approvals(case: Case, request: bytes, release: Logged) -> int:
    """Return how many trustees approved before *release*, and after the last objection."""
    objections = [
        objection.event.number
        for objection in case.of_type("disclosure.objected")
        if objection.index < release.index
    ]
    voided = max(objections, default=0)
    return len(
        {
            answer.holder
            for approval, answer in case.answers(APPROVALS)
            if answer.request == request
            and approval.index < release.index
            and approval.event.number > voided
            and _is_trustee(case, approval, answer)
        }
    )


def _is_trustee(case: Case, approval: Logged, answer: Answer) -> bool:
    roster = case.dossier.roster_or_none(approval.roster)
    return (
        roster is not None
        and roster.is_active(answer.holder)
        and roster.member(answer.holder).role == TRUSTEE
    )


def _check_wait(case: Case, release: Logged, asked: Logged, request: Request) -> Iterator[Finding]:
    """Check the wait; from one day to another lie at most that many days and one."""
    roster = case.dossier.roster_or_none(asked.roster)
    if roster is None or request.purpose == DANGER_TO_LIFE:
        return
    most = release.event.day - asked.event.day + datetime.timedelta(days=1)
    if most.total_seconds() <= roster.disclosure_wait:
        yield release, f"released before the wait of {roster.disclosure_wait} seconds was over"


def _check_end(case: Case) -> Iterator[Finding]:
    """Check that nothing is asked or opened after the case has ended."""
    end = next(case.of_type(*ENDS), None)
    if end is None:
        return
    for logged in case.of_type(*REQUESTS):
        if logged.event.number > end.event.number:
            yield logged, f"after {end.event.type}, event {end.event.number}"
    for logged in case.of_type(*RELEASES):
        if logged.index > end.index + RELEASE_GRACE:
            yield logged, f"after {end.event.type}, event {end.event.number}"


OPENING_RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _check_requests,
    _check_releases,
    _check_disclosures,
    _check_end,
)
