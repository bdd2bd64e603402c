"""A referral never goes where the petitioner said it must not."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

import pytest

from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.member import Revocation
from dengwen_keys.context import Context, ExclusionKeyError, exclusion_tags
from dengwen_keys.gatekeeper.referral import (
    ExcludedBodyError,
    NotABodyError,
    check_referral_target,
)
from tests.small_office import TODAY, make_roster, make_seed

BODY = "water-board"  # of the south office, in CN-44
X = make_seed("x")


def _context(*exclusions: str) -> Context:
    """Return what lies beside a share when the petitioner excluded these."""
    return Context(
        random=make_seed("random"),
        case=CaseId(make_seed("case")),
        compartment="petition",
        panel=("reviewer-1", "reviewer-4", "reviewer-5"),
        exclusions=hashlib.sha256(X).digest(),
        tags=exclusion_tags(X, exclusions, secrets.token_bytes),
    )


@pytest.mark.parametrize(
    "exclusion",
    ["member:water-board", "institution:south-office", "jurisdiction:CN-44", "jurisdiction:CN"],
)
def test_an_excluded_body_is_refused(exclusion: str) -> None:
    """By its name, its institution, its jurisdiction, or one above."""
    with pytest.raises(ExcludedBodyError):
        check_referral_target(_context(exclusion), X, make_roster(), BODY)


def test_other_exclusions_do_not_stand_in_the_way() -> None:
    """What lies beside or below the body is not the body."""
    context = _context("jurisdiction:CN-4401", "institution:press-club", "member:auditor-1")
    check_referral_target(context, X, make_roster(), BODY)
    check_referral_target(_context(), X, make_roster(), BODY)


def test_another_x_proves_nothing() -> None:
    """Who could choose x could make every exclusion vanish."""
    with pytest.raises(ExclusionKeyError):
        check_referral_target(_context("member:water-board"), make_seed("y"), make_roster(), BODY)


def test_a_referral_goes_to_an_active_body_only() -> None:
    """Not to another member, a stranger, or a body that was revoked."""
    roster = make_roster()
    revoked = (*roster.revoked, Revocation(BODY, TODAY))
    for name, of in (
        ("reviewer-3", roster),
        ("stranger", roster),
        (BODY, replace(roster, revoked=revoked)),
    ):
        with pytest.raises(NotABodyError):
            check_referral_target(_context(), X, of, name)
