"""A holder opens its own share of the right case and panel, and says exactly what else it was."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace

import pytest

from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import ManifestError
from dengwen_keys.age import identities
from dengwen_keys.age.recipients import encrypt
from dengwen_keys.compartment import (
    ContextCaseError,
    ContextCompartmentError,
    ContextHashError,
    ContextPanelError,
    SealedShareError,
    ShareCommitmentError,
    ShareFormatError,
    SharePlain,
    ShareSeatError,
    check_share,
    compartment_seed,
    open_share,
)
from dengwen_keys.context import Context, exclusion_tags
from dengwen_keys.errors import DamagedError, FormatError, NoMatchError
from dengwen_keys.petition_file import PartHashError, PartLengthError
from tests.keys.office import (
    DRAFT,
    Case,
    first_case,
    identity_of,
    seal_case,
    second_case,
    seed,
)


def open_seat(case: Case, compartment: str = "petition", seat: int = 1) -> SharePlain:
    """Open a share file as the holder of the seat does."""
    part = case.sealed.parts[f"share/{compartment}/{seat}"]
    holder = identity_of(case.holder(compartment, seat))
    return open_share(part, holder, case.manifest, compartment, seat)


def test_each_holder_opens_its_own_share() -> None:
    """Share and context come out, as committed, and go back into the same bytes."""
    case = first_case()
    for compartment, seats in (("petition", 3), ("identity", 5)):
        for seat in range(1, seats + 1):
            plain = open_seat(case, compartment, seat)
            assert plain.share[-1] == seat
            assert plain.context.panel == case.panel
            assert plain.to_bytes() == case.share_plaintext(compartment, seat)


def test_the_two_contexts_hide_how_many_are_excluded() -> None:
    """They carry the same tags, so that comparing them tells nothing, and other random bytes."""
    petition, identity = (
        open_seat(first_case(), name).context for name in ("petition", "identity")
    )
    assert petition.tags == identity.tags
    assert petition.exclusions == identity.exclusions
    assert petition.random != identity.random


def test_a_share_file_of_another_seat_case_or_compartment_is_refused() -> None:
    """Whatever a server hands a holder in place of its own file has another hash."""
    case, other = first_case(), second_case()
    wrong = [
        case.sealed.parts["share/petition/2"],
        other.sealed.parts["share/petition/1"],
    ]
    for part in wrong:
        with pytest.raises(PartHashError):
            open_share(part, identity_of("gate-1"), case.manifest, "petition", 1)
    with pytest.raises(NoMatchError):
        open_share(wrong[0], identity_of("gate-1"), case.manifest, "petition", 2)
    with pytest.raises(ManifestError):
        open_share(wrong[0], identity_of("gate-1"), case.manifest, "petition", 4)
    with pytest.raises(ManifestError):
        open_share(wrong[0], identity_of("gate-1"), case.manifest, "message/1", 1)


def test_a_share_file_of_another_length_is_refused() -> None:
    """Cut, lengthened, or signed for with a length that no share has."""
    case, key = first_case(), identity_of("gate-1")
    part = case.sealed.parts["share/petition/1"]
    for data in (part[:-1], part + b"\x00", b""):
        with pytest.raises(PartLengthError):
            open_share(data, key, case.manifest, "petition", 1)
    with pytest.raises(PartLengthError):
        open_seat(case.with_share("petition", 1, case.share_plaintext("petition", 1) + b"\n"))


def test_no_key_is_used_on_a_file_of_another_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder's key touches nothing that was not sealed to exactly one hybrid recipient."""
    case = first_case()
    plaintext = case.share_plaintext("petition", 1)
    two = [identity_of("gate-1").recipient, identity_of("gate-2").recipient]
    garbage = bytes(len(case.sealed.parts["share/petition/1"]))

    def unwrap(self: identities.Identity, encapsulation: bytes, body: bytes) -> None:
        raise AssertionError("a key was used")

    monkeypatch.setattr(identities.Identity, "unwrap", unwrap)
    with pytest.raises(PartLengthError):
        open_seat(case.with_part("share/petition/1", encrypt(two, plaintext)))
    with pytest.raises(FormatError, match="age"):
        open_seat(case.with_part("share/petition/1", garbage))


def test_a_garbled_share_file_is_refused() -> None:
    """Sealed to nobody, or damaged since, and signed for all the same."""
    case = first_case()
    part = case.sealed.parts["share/petition/1"]
    with pytest.raises(DamagedError):
        open_seat(case.with_part("share/petition/1", part[:-1] + bytes([part[-1] ^ 1])))
    stray = encrypt([identity_of("nobody").recipient], case.share_plaintext("petition", 1))
    with pytest.raises(NoMatchError):
        open_seat(case.with_part("share/petition/1", stray))


def test_a_share_of_another_seat_is_refused() -> None:
    """The last byte is the seat: another one, and zero above all, is not this holder's share."""
    case = first_case()
    own, other = (case.share_plaintext("petition", seat) for seat in (1, 2))
    for plaintext in (other, own[:32] + b"\x00" + own[33:]):
        with pytest.raises(ShareSeatError) as caught:
            open_seat(case.with_share("petition", 1, plaintext))
        assert caught.value.seat == 1
    zero = own[:32] + b"\x00"
    committed = case.with_commitment("petition", 1, zero).with_share("petition", 1, zero + own[33:])
    with pytest.raises(ShareSeatError):
        open_seat(committed)
    with pytest.raises(ShareSeatError):
        check_share(zero + own[33:], case.manifest, "petition", 0)


def test_a_share_that_is_not_as_committed_is_refused() -> None:
    """So that a wrong share has a culprit."""
    case = first_case()
    own = case.share_plaintext("petition", 1)
    with pytest.raises(ShareCommitmentError):
        open_seat(case.with_share("petition", 1, bytes([own[0] ^ 1]) + own[1:]))


def forge(case: Case, change: Callable[[Context], Context], *, commit: bool = True) -> Case:
    """Change the context beside the first gatekeeper's share, and commit to it or not."""
    plain = open_seat(case)
    context = change(plain.context)
    if commit:
        line = replace(case.manifest.compartment("petition"), context_hash=context.hash)
        case = case.with_compartment_line(line)
    return case.with_share("petition", 1, plain.share + context.to_bytes())


def test_a_context_without_the_exclusions_is_refused() -> None:
    """A share file that an operator forged, with no exclusion in it, does not have its hash."""
    case = seal_case(replace(DRAFT, exclusions=("jurisdiction:CN-4403",)), "excluding")
    x = bytes(32)

    def exclude_nobody(context: Context) -> Context:
        tags = exclusion_tags(x, (), secrets.token_bytes)
        return replace(context, exclusions=hashlib.sha256(x).digest(), tags=tags)

    with pytest.raises(ContextHashError):
        open_seat(forge(case, exclude_nobody, commit=False))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda c: replace(c, case=CaseId(seed("other case"))), ContextCaseError),
        (lambda c: replace(c, compartment="identity"), ContextCompartmentError),
        (lambda c: replace(c, panel=c.panel[::-1]), ContextPanelError),
    ],
)
def test_a_context_that_contradicts_the_manifest_is_refused(
    change: Callable[[Context], Context], error: type[SealedShareError]
) -> None:
    """Even if the petitioner's own client committed to it. Only equal lengths come this far."""
    with pytest.raises(error):
        open_seat(forge(first_case(), change))


def test_a_committed_context_that_is_none_is_refused() -> None:
    """Bytes that are not a context say nothing about a request."""
    case = first_case()
    plaintext = case.share_plaintext("petition", 1)
    nonsense = plaintext[33:-1] + b"x"
    context_hash = hashlib.sha256(nonsense).digest()
    line = replace(case.manifest.compartment("petition"), context_hash=context_hash)
    forged = case.with_compartment_line(line).with_share("petition", 1, plaintext[:33] + nonsense)
    with pytest.raises(ShareFormatError):
        open_seat(forged)
    with pytest.raises(ShareFormatError):
        check_share(plaintext[:32], case.manifest, "petition", 1)


def test_a_seed_belongs_to_one_case_compartment_and_context() -> None:
    """Change any of the five, and the seed is another."""
    left, right, context = seed("left"), seed("right"), seed("context")
    case = CaseId(seed("case"))
    seeds = {
        compartment_seed(left, right, case, "petition", context),
        compartment_seed(right, left, case, "petition", context),
        compartment_seed(left, right, CaseId(context), "petition", context),
        compartment_seed(left, right, case, "identity", context),
        compartment_seed(left, right, case, "petition", case),
        compartment_seed(left, left, case, "petition", context),
    }
    assert len(seeds) == 6
    assert {len(value) for value in seeds} == {32}


@pytest.mark.parametrize("halves", [(b"", bytes(64)), (bytes(31), bytes(33)), (bytes(32), b"")])
def test_halves_have_one_length(halves: tuple[bytes, bytes]) -> None:
    """So that no byte can move from one half to the other."""
    with pytest.raises(AssertionError, match="internal error"):
        compartment_seed(*halves, CaseId(bytes(32)), "petition", bytes(32))


def test_no_share_is_printed() -> None:
    """Neither in a repr nor in the message of an error."""
    plain = open_seat(first_case())
    assert plain.share.hex() not in repr(plain)
    assert isinstance(plain.context, Context)
    with pytest.raises(ShareCommitmentError) as caught:
        check_share(bytes(32) + b"\x01" + bytes(99), first_case().manifest, "petition", 1)
    assert str(caught.value) == "seat 1: the share is not as committed"
