"""What a dishonest petitioner or operator puts in the place of a share never leaves a holder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from dengwen_audit.statements.manifest import Commitment
from dengwen_audit.statements.member import GATEKEEPER
from dengwen_keys.compartment import SealedShareError
from dengwen_keys.context import Context
from dengwen_keys.gatekeeper import refusals as no
from dengwen_keys.gatekeeper.checks import judge
from dengwen_keys.gatekeeper.checks_share import REFUSALS
from dengwen_keys.gatekeeper.matter import GATEKEEPERS, Holder
from dengwen_keys.shamir import SHARE_SIZE
from tests.keys.gatekeeper_fixture import Petition, seal_petition
from tests.keys.gatekeeper_story import Told, tell
from tests.small_office import make_identity, make_roster, make_seed


def _with_context(**changes: object) -> Petition:
    """Seal another context beside the share, and commit to it."""
    petition = seal_petition()
    plaintext = petition.share()
    context = replace(Context.parse(plaintext[SHARE_SIZE:]), **changes)  # type: ignore[arg-type]
    line, other = petition.manifest.compartments
    committed = petition.signed(compartments=(replace(line, context_hash=context.hash), other))
    return committed.with_share(plaintext[:SHARE_SIZE] + context.to_bytes())


def _with_share_of_seat_2() -> Petition:
    petition = seal_petition()
    second = petition.share(2)
    commitment = petition.manifest.commitments[1]
    moved = Commitment("petition", 1, commitment.sha256)
    return petition.signed(commitments=(moved, *petition.manifest.commitments[1:])).with_share(
        second
    )


def _with_changed_share() -> Petition:
    petition = seal_petition()
    plaintext = petition.share()
    return petition.with_share(bytes([plaintext[0] ^ 1]) + plaintext[1:])


def _with_changed_context() -> Petition:
    """Seal another context beside the share, without committing to it."""
    petition = seal_petition()
    plaintext = petition.share()
    context = replace(Context.parse(plaintext[SHARE_SIZE:]), random=make_seed("other"))
    return petition.with_share(plaintext[:SHARE_SIZE] + context.to_bytes())


def _with_nonsense_context() -> Petition:
    """Commit to a context of the right length that is no context."""
    petition = seal_petition()
    plaintext = petition.share()
    nonsense = plaintext[SHARE_SIZE:].replace(b"random", b"rubber")
    line, other = petition.manifest.compartments
    digest = hashlib.sha256(nonsense).digest()
    committed = petition.signed(compartments=(replace(line, context_hash=digest), other))
    return committed.with_share(plaintext[:SHARE_SIZE] + nonsense)


def _with_longer_file() -> Petition:
    petition = seal_petition()
    return petition.with_share(petition.share() + b"\n")


def _for_two() -> Petition:
    """Seal the share to two recipients, in a file of exactly the length of one for one."""
    petition = seal_petition()
    two = petition.with_share(petition.share(), "gatekeeper-1", "gatekeeper-2")
    name = "share/petition/1"
    file = two.sealed.parts[name][: len(petition.sealed.parts[name])]
    return petition.with_part(name, file)


def _with_damaged_file() -> Petition:
    petition = seal_petition()
    name = "share/petition/1"
    file = petition.sealed.parts[name]
    return petition.with_part(name, file[:-1] + bytes([file[-1] ^ 1]))


def _as_fourth_gatekeeper() -> Told:
    """Let the roster give a fourth body a seat after the petition was sealed for three."""
    told = tell()
    roster = told.office.roster
    first = roster.seats(GATEKEEPER)[0]
    fourth = replace(first, id="gatekeeper-4", seat=4)
    current = replace(roster, members=(*roster.members, fourth))
    rosters = replace(told.matter.rosters, current=current)
    request = replace(told.matter.request, roster=current.hash)
    holder = Holder("gatekeeper-4", make_identity("gatekeeper-4"), GATEKEEPERS)
    return told.with_matter(rosters=rosters, request=request, holder=holder)


@dataclass(frozen=True)
class Broken:
    """A share that must not leave, and what the holder says of it."""

    refusal: type[no.NotHandedOver]
    tell: Callable[[], Told]


BROKEN = {
    "the petition was sealed for fewer seats": Broken(no.NoSuchSeat, _as_fourth_gatekeeper),
    "the share file is longer than one can be": Broken(
        no.WrongLength, lambda: tell(petition=_with_longer_file())
    ),
    "the desk serves a shorter file": Broken(
        no.WrongLength,
        lambda: tell().with_evidence(share=seal_petition().sealed.parts["share/petition/1"][1:]),
    ),
    "the desk serves another file": Broken(
        no.WrongPart,
        lambda: tell().with_evidence(share=seal_petition().sealed.parts["share/petition/2"]),
    ),
    "the share file is for two": Broken(no.WrongShape, lambda: tell(petition=_for_two())),
    "the share file is for somebody else": Broken(
        no.NotForThisSeat,
        lambda: tell(petition=seal_petition().with_share(seal_petition().share(), "gatekeeper-2")),
    ),
    "the share file does not open": Broken(
        no.NotForThisSeat, lambda: tell(petition=_with_damaged_file())
    ),
    "the share is of another seat": Broken(
        no.WrongShare, lambda: tell(petition=_with_share_of_seat_2())
    ),
    "the share is not the one committed to": Broken(
        no.WrongCommitment, lambda: tell(petition=_with_changed_share())
    ),
    "the context is not the one committed to": Broken(
        no.WrongContext, lambda: tell(petition=_with_changed_context())
    ),
    "the context is none": Broken(no.NotAShare, lambda: tell(petition=_with_nonsense_context())),
    "the context names another case": Broken(
        no.ContextCase, lambda: tell(petition=_with_context(case=make_seed("other case")))
    ),
    "the context names the other compartment": Broken(
        no.ContextCompartment, lambda: tell(petition=_with_context(compartment="identity"))
    ),
    "the context names the panel in another order": Broken(
        no.ContextPanel,
        lambda: tell(petition=_with_context(panel=seal_petition().manifest.panel[::-1])),
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_wrong_share_stays(broken: Broken) -> None:
    """Everything else is in order, and yet nothing leaves; the reason names what is wrong."""
    with pytest.raises(broken.refusal) as caught:
        judge(broken.tell().matter)
    assert type(caught.value) is broken.refusal


def test_every_refusal_of_a_share_is_tested() -> None:
    """A new way for a share to be wrong without a test fails here."""
    assert {broken.refusal for broken in BROKEN.values()} == {kind for kind, _ in REFUSALS.values()}


def test_every_error_of_a_sealed_share_has_a_refusal() -> None:
    """A new check in the compartment's module must be given a slug, or this fails."""
    assert {kind for kind in REFUSALS if issubclass(kind, SealedShareError)} == {
        *SealedShareError.__subclasses__()
    }


def test_a_holder_of_no_seat_holds_nothing() -> None:
    """A holder whom the roster in force does not name releases nothing, and says so to itself."""
    told = tell()
    members = tuple(m for m in make_roster().members if m.id != "gatekeeper-1")
    rosters = replace(told.matter.rosters, current=replace(make_roster(), members=members))
    request = replace(told.matter.request, roster=rosters.current.hash)
    with pytest.raises(no.NotSeated):
        judge(told.with_matter(rosters=rosters, request=request).matter)
