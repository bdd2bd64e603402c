"""One good example of each small statement about the case of `small_office`."""

import datetime

from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.statements.answer import REFUSAL, RELEASE, Answer
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.grant import Grant, GrantEnd
from dengwen_audit.statements.head import Head
from dengwen_audit.statements.request import Request
from dengwen_audit.statements.statement import Statement
from tests.small_office import OFFICE, TODAY, make_manifest, make_recipient, make_roster, make_seed


def make_request() -> Request:
    """Return reviewer-1's request to open the petition."""
    manifest = make_manifest()
    return Request(
        office=OFFICE,
        case=manifest.case,
        manifest=manifest.hash,
        compartment="petition",
        purpose="review",
        requester="reviewer-1",
        roster=make_roster().hash,
        recipient=make_recipient("a fresh recipient"),
        after_size=1234,
        after_root=make_seed("root of 1234 records"),
        last_index=1294,
        nonce=make_seed("nonce of the request"),
    )


def make_answer(*, refusal: bool = False) -> Answer:
    """Return gatekeeper-1's answer to `make_request`."""
    return Answer(
        kind=REFUSAL if refusal else RELEASE,
        office=OFFICE,
        case=make_manifest().case,
        compartment="petition",
        request=make_request().hash,
        holder="gatekeeper-1",
        seat=1,
        sealed=make_seed("sealed bytes"),
    )


def make_acceptance() -> Acceptance:
    """Return the office's acceptance of `make_manifest`."""
    manifest = make_manifest()
    return Acceptance(OFFICE, manifest.case, manifest.hash, TODAY, 7200)


def make_challenge() -> Challenge:
    """Return the petitioner's challenge."""
    manifest = make_manifest()
    return Challenge(
        office=OFFICE,
        case=manifest.case,
        signing_key=manifest.signing_key,
        mailbox=manifest.mailbox,
        nonce=make_seed("nonce of the challenge"),
    )


def make_head() -> Head:
    """Return gatekeeper-1's answer to `make_challenge`."""
    released = sorted([make_request().hash, make_seed("another request")])
    return Head(
        office=OFFICE,
        case=make_manifest().case,
        nonce=make_challenge().nonce,
        holder="gatekeeper-1",
        seen_number=3,
        seen_hash=make_seed("newest event"),
        released=tuple(released),
    )


def make_grant() -> Grant:
    """Return the root keepers' leave for auditor-1."""
    return Grant(OFFICE, "auditor-1", "court-of-audit", 0, datetime.date(2025, 6, 30))


def make_grant_end() -> GrantEnd:
    """Return the end of `make_grant`."""
    return GrantEnd(OFFICE, make_grant().hash)


def make_statement() -> Statement:
    """Return the petitioner's withdrawal."""
    return Statement(OFFICE, make_manifest().case, "case.withdrawn")
