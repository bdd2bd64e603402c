"""What reviewers and trustees of the small office do once a quorum of holders has released."""

from __future__ import annotations

from dengwen_keys.contents import IdentityPart, Left
from dengwen_keys.opening import (
    CompartmentKey,
    OpenedPetition,
    open_identity,
    open_left,
    open_petition,
    rebuild,
)
from tests.keys.office import Case, identity_of


def open_left_of(case: Case, member: str | None = None) -> Left:
    """Open left as a member of the panel would, or as *member*."""
    who = member or case.panel[0]
    return open_left(case.sealed.note, case.sealed.parts["left"], identity_of(who), who)


def key_of(case: Case, compartment: str, seats: tuple[int, ...]) -> CompartmentKey:
    """Turn both locks of a compartment."""
    shares = case.release(compartment, seats)
    return rebuild(case.manifest, open_left_of(case), compartment, shares)


def open_case(case: Case, seats: tuple[int, ...] = (1, 2)) -> OpenedPetition:
    """Open the petition with these gatekeepers."""
    part = case.sealed.parts["compartment/petition"]
    return open_petition(case.manifest, part, key_of(case, "petition", seats))


def open_identity_of(case: Case, seats: tuple[int, ...] = (1, 3, 5)) -> IdentityPart:
    """Open the identity with these trustees."""
    part = case.sealed.parts["compartment/identity"]
    return open_identity(case.manifest, part, key_of(case, "identity", seats))
