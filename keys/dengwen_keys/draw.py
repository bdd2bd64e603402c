"""
The draw: who of the reviewers gets a petition, decided by the petitioner's own client.

The active reviewers of the signed roster are put in the order of HMAC-SHA256(draw key, id). The
panel is the first p of that order whom she does not exclude, no two of one institution. The draw
key comes from her receipt words and the roster's hash and never leaves her client, so nobody else
can steer a petition to a friend, and nobody can compute who was passed over.

Source: docs/formats/draw.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection

from dengwen_audit.statements.member import REVIEWER, Member
from dengwen_audit.statements.roster import Roster
from dengwen_keys.context import check_code
from dengwen_keys.errors import KeysError

DRAW_KEY_SIZE = 32  # bytes


class DrawError(KeysError):
    """
    No panel can be drawn; *exclusions* holds what to take back or to spell otherwise.

    They stand beside the message, not in it: they tell what the complaint is about.
    """

    def __init__(self, message: str, exclusions: tuple[str, ...]) -> None:
        """Keep the exclusions apart from the message."""
        super().__init__(message)
        self.exclusions = exclusions


class UnknownExclusionError(DrawError):
    """An exclusion names nothing in the roster: misspelt, it would leave nobody out."""


class NoPanelError(DrawError):
    """
    Too few reviewers are left.

    *exclusions* are those of which taking back any one suffices; if no single one does, all that
    leave somebody out; if there is none, the roster itself is too small.
    """


def draw_order(roster: Roster, draw_key: bytes) -> list[Member]:
    """Return every active reviewer in this petition's own order."""
    if len(draw_key) != DRAW_KEY_SIZE:
        raise AssertionError("internal error: a draw key is not of 32 bytes")
    return sorted(
        roster.active(REVIEWER),
        key=lambda member: hmac.digest(draw_key, member.id.encode(), "sha256"),
    )


def draw_panel(roster: Roster, draw_key: bytes, exclusions: Collection[str]) -> tuple[str, ...]:
    """
    Return the ids of the panel, in the order of the draw.

    Args:
        draw_key: 32 secret bytes, `Words.draw_key`.
        exclusions: Codes of jurisdictions (with everything below), institutions and members.

    Raises:
        UnknownExclusionError: If an exclusion names nothing in the roster.
        NoPanelError: If fewer reviewers than a panel are left, of different institutions.
    """
    check_exclusions(roster, exclusions)
    order = draw_order(roster, draw_key)
    panel = _first_admissible(roster, order, frozenset(exclusions))
    if len(panel) < roster.panel_size:
        raise NoPanelError("too few reviewers are left", _to_blame(roster, order, exclusions))
    return panel


def check_exclusions(roster: Roster, exclusions: Collection[str]) -> None:
    """Check that every exclusion names something in *roster*; raise `UnknownExclusionError`."""
    known = {f"jurisdiction:{jurisdiction.code}" for jurisdiction in roster.jurisdictions}
    known |= {f"institution:{institution.id}" for institution in roster.institutions}
    known |= {f"member:{member.id}" for member in roster.members}
    unknown = tuple(sorted(code for code in set(exclusions) if check_code(code) not in known))
    if unknown:
        raise UnknownExclusionError("an exclusion names nothing in the roster", unknown)


def _first_admissible(
    roster: Roster, order: list[Member], exclusions: frozenset[str]
) -> tuple[str, ...]:
    panel: list[str] = []
    institutions: set[str] = set()
    for member in order:
        if len(panel) == roster.panel_size:
            break
        if member.institution in institutions or exclusions & roster.codes_of(member):
            continue
        panel.append(member.id)
        institutions.add(member.institution)
    return tuple(panel)


def _to_blame(roster: Roster, order: list[Member], exclusions: Collection[str]) -> tuple[str, ...]:
    """Return the exclusions to name in a `NoPanelError`, ascending."""
    given = frozenset(exclusions)

    def suffices(kept: frozenset[str]) -> bool:
        return len(_first_admissible(roster, order, kept)) == roster.panel_size

    if not suffices(frozenset()):
        return ()
    alone = sorted(code for code in given if suffices(given - {code}))
    if alone:
        return tuple(alone)
    touched = frozenset[str]().union(*(roster.codes_of(member) for member in order))
    return tuple(sorted(given & touched))
