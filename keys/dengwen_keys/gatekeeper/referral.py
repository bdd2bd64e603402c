"""
Where a referral may go: never to a body that the petitioner excluded.

The reviewer's client and every gatekeeper that countersigns ask the same question of the same
context, so that neither can refer past the other. The exclusions themselves stay hidden: x, which
lies in the petition, opens no more than the answer for one body.

Source: promise P7; docs/formats/gatekeeper-checks.md.
"""

from __future__ import annotations

from dengwen_audit.statements.member import BODY
from dengwen_audit.statements.roster import Roster
from dengwen_keys.context import Context, is_excluded
from dengwen_keys.errors import KeysError


class ReferralError(KeysError):
    """A referral may not go there."""


class NotABodyError(ReferralError):
    """The roster has no such body, or has revoked it."""


class ExcludedBodyError(ReferralError):
    """The petitioner excluded this body, its institution, or a jurisdiction that it lies in."""


def check_referral_target(context: Context, x: bytes, roster: Roster, body: str) -> None:
    """
    Check that a case may be referred to a body.

    Args:
        context: What lies beside the shares, checked against the manifest (`check_share`).
        x: From the petition; 32 bytes.
        roster: The one in force.
        body: The body's member id.

    Raises:
        NotABodyError: If it is no active body of the roster.
        ExclusionKeyError: If *x* is not the one that the context commits to.
        ExcludedBodyError: If the petitioner excluded it.
    """
    target = {member.id: member for member in roster.active(BODY)}.get(body)
    if target is None:
        raise NotABodyError("the roster has no such body")
    if is_excluded(context, x, roster.codes_of(target)):
        raise ExcludedBodyError("the petitioner excluded this body")
