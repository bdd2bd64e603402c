"""Two locks open a petition; anything less, or anything else, opens nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.text import TextError
from dengwen_keys.age.identities import Identity
from dengwen_keys.age.recipients import encrypt
from dengwen_keys.compartment import (
    ContextCaseError,
    ContextHashError,
    SealedShareError,
    ShareCommitmentError,
    ShareSeatError,
    compartment_seed,
)
from dengwen_keys.errors import FormatError, KeysError, NoMatchError
from dengwen_keys.opening import (
    CompartmentKey,
    LeftCaseError,
    NotInPanelError,
    TooFewSharesError,
    UnopenableError,
    open_identity,
    open_left,
    open_petition,
    rebuild,
)
from dengwen_keys.padding import LEFT_BUCKET, pad
from dengwen_keys.petition_file import PartHashError, PartLengthError
from dengwen_keys.shamir import Share, combine
from tests.keys.office import (
    ANONYMOUS,
    DRAFT,
    NAMED,
    first_case,
    identity_of,
    seal_case,
    second_case,
)
from tests.keys.readers import key_of, open_case, open_identity_of, open_left_of


def test_every_panel_member_with_every_quorum_opens_the_petition() -> None:
    """It does not matter which reviewer, nor which gatekeepers, as long as they are enough."""
    case = first_case()
    for member in case.panel:
        for seats in itertools.combinations((1, 2, 3), 2):
            left, shares = open_left_of(case, member), case.release("petition", seats)
            key = rebuild(case.manifest, left, "petition", shares)
            opened = open_petition(case.manifest, case.sealed.parts["compartment/petition"], key)
            assert opened.petition.body == DRAFT.body
            assert opened.is_consistent


def test_more_shares_than_the_quorum_do_no_harm() -> None:
    """Three gatekeepers open what two of them open."""
    assert open_case(first_case(), (1, 2, 3)).petition.body == DRAFT.body


def test_an_identity_opens_with_every_quorum_of_trustees() -> None:
    """Three of five, whichever."""
    for seats in itertools.combinations(range(1, 6), 3):
        assert open_identity_of(first_case(), seats) == NAMED


def test_an_anonymous_identity_opens_to_nothing() -> None:
    """Who did not say cannot be disclosed."""
    assert open_identity_of(second_case()) == ANONYMOUS
    assert not open_identity_of(second_case()).is_named


def test_left_tells_language_and_urgency() -> None:
    """What triage needs is there before anything is opened."""
    left = open_left_of(seal_case(replace(DRAFT, language="zh-hant", urgent=True), "urgent"))
    assert (left.language, left.urgent) == ("zh-hant", True)


def test_left_is_for_the_panel_only() -> None:
    """Who was not drawn is told so, and her key opens nothing."""
    case = first_case()
    outsider = next(f"reviewer-{i}" for i in range(1, 7) if f"reviewer-{i}" not in case.panel)
    with pytest.raises(NotInPanelError):
        open_left_of(case, outsider)
    with pytest.raises(NoMatchError):
        open_left(case.sealed.note, case.sealed.parts["left"], identity_of(outsider), case.panel[0])


def test_left_of_another_case_is_refused() -> None:
    """A left that was copied under another manifest names its own case."""
    first, second = first_case(), second_case()
    recipients = [identity_of(member).recipient for member in second.panel]
    stolen = encrypt(recipients, pad(open_left_of(first).to_bytes(), LEFT_BUCKET))
    with pytest.raises(LeftCaseError):
        open_left_of(second.with_part("left", stolen))
    with pytest.raises(LeftCaseError):
        rebuild(second.manifest, open_left_of(first), "petition", {})


def test_a_manifest_that_others_signed_is_refused() -> None:
    """A reviewer checks who signed before she spends a key."""
    first, second = first_case(), second_case()
    forged = sign_note(first.sealed.note.text, second.words.signing_key())
    with pytest.raises(SignatureError):
        open_left(forged, first.sealed.parts["left"], identity_of(first.panel[0]), first.panel[0])


def test_parts_of_two_petitions_cannot_be_swapped() -> None:
    """Whatever part a server takes from another case, the manifest refuses it."""
    first, second = first_case(), second_case()
    swapped = replace(first, sealed=replace(first.sealed, parts=second.sealed.parts))
    with pytest.raises(PartHashError):
        open_left_of(swapped)
    key = key_of(first, "petition", (1, 2))
    with pytest.raises(PartHashError):
        open_petition(first.manifest, second.sealed.parts["compartment/petition"], key)
    with pytest.raises(PartLengthError):
        open_petition(first.manifest, first.sealed.parts["compartment/petition"][:-1], key)


def garble_share(plaintext: bytes) -> bytes:
    """Change the first byte of the share."""
    return bytes([plaintext[0] ^ 1]) + plaintext[1:]


def garble_seat(plaintext: bytes) -> bytes:
    """Say that the share is of seat 3."""
    return plaintext[:32] + b"\x03" + plaintext[33:]


def zero_seat(plaintext: bytes) -> bytes:
    """Say that the share is of seat 0."""
    return plaintext[:32] + b"\x00" + plaintext[33:]


def garble_context(plaintext: bytes) -> bytes:
    """Change the last tag of the context."""
    return plaintext[:-3] + bytes([plaintext[-3] ^ 1]) + plaintext[-2:]


@pytest.mark.parametrize(
    ("garble", "error"),
    [
        (garble_share, ShareCommitmentError),
        (garble_seat, ShareSeatError),
        (zero_seat, ShareSeatError),
        (garble_context, ContextHashError),
    ],
)
def test_a_holder_that_releases_something_else_is_named(
    garble: Callable[[bytes], bytes], error: type[SealedShareError]
) -> None:
    """A wrong release is blamed on its seat, and on no other."""
    case = first_case()
    shares = case.release("petition", (1, 2))
    shares[2] = garble(shares[2])
    with pytest.raises(error) as caught:
        rebuild(case.manifest, open_left_of(case), "petition", shares)
    assert caught.value.seat == 2


def test_one_share_under_two_seats_is_one_share() -> None:
    """A holder cannot be counted twice."""
    case = first_case()
    share = case.share_plaintext("petition", 1)
    with pytest.raises(ShareSeatError):
        rebuild(case.manifest, open_left_of(case), "petition", {1: share, 2: share})


def test_shares_of_the_other_compartment_do_not_serve() -> None:
    """What trustees release for an identity opens no petition, nor the other way round."""
    case = first_case()
    shares = case.release("identity", (1, 2))
    with pytest.raises(ShareCommitmentError):
        rebuild(case.manifest, open_left_of(case), "petition", shares)


def test_shares_of_another_case_do_not_serve() -> None:
    """Nor do those of another petition."""
    with pytest.raises(ShareCommitmentError):
        rebuild(
            first_case().manifest,
            open_left_of(first_case()),
            "petition",
            second_case().release("petition", (1, 2)),
        )


def test_one_share_fewer_than_the_quorum_gives_nothing() -> None:
    """All reviewers together with one gatekeeper, or with two trustees, are not enough."""
    case = first_case()
    for member in case.panel:
        left = open_left_of(case, member)
        with pytest.raises(TooFewSharesError):
            rebuild(case.manifest, left, "petition", case.release("petition", (2,)))
        with pytest.raises(TooFewSharesError):
            rebuild(case.manifest, left, "identity", case.release("identity", (2, 4)))


def test_who_ignores_the_rules_gets_nothing_from_too_few_shares() -> None:
    """
    All reviewer keys, left in clear and two of the three trustees' shares give another seed.

    Here the attacker uses no function that refuses: the seed itself is wrong.
    """
    case = first_case()
    line = case.manifest.compartment("identity")
    stolen = [Share(plain[:33]) for plain in case.release("identity", (1, 2)).values()]
    guess = combine(stolen)
    seed = compartment_seed(
        open_left_of(case).left, guess, case.manifest.case, "identity", line.context_hash
    )
    identity = Identity.from_seed(seed)
    assert identity.recipient.hash != line.recipient_hash
    keys = [identity, *(identity_of(f"reviewer-{i}") for i in range(1, 7))]
    for key in keys:
        with pytest.raises(NoMatchError):
            open_identity(
                case.manifest,
                case.sealed.parts["compartment/identity"],
                CompartmentKey("identity", key, key_of(case, "identity", (1, 2, 3)).context),
            )


def test_holders_alone_open_nothing() -> None:
    """Every gatekeeper and every trustee together lack left, and a wrong left is another seed."""
    case = first_case()
    nobody = replace(open_left_of(case), left=bytes(32))
    with pytest.raises(UnopenableError):
        rebuild(case.manifest, nobody, "petition", case.release("petition", (1, 2, 3)))


def test_an_altered_share_with_its_commitment_is_unopenable() -> None:
    """A petitioner who commits to nonsense is found out by the recipient's hash."""
    case = first_case()
    garbled = garble_share(case.share_plaintext("petition", 1))
    case = case.with_commitment("petition", 1, garbled[:33]).with_share("petition", 1, garbled)
    with pytest.raises(UnopenableError):
        open_case(case, (1, 2))
    assert open_case(case, (2, 3)).petition.body == DRAFT.body


def test_a_context_of_another_case_is_refused_although_committed() -> None:
    """Even a petitioner cannot hand her holders another case's context."""
    first, second = first_case(), second_case()
    share = first.share_plaintext("petition", 1)[:33]
    context = second.share_plaintext("petition", 1)[33:]
    line = replace(
        first.manifest.compartment("petition"),
        context_hash=second.manifest.compartment("petition").context_hash,
    )
    case = first.with_compartment_line(line).with_share("petition", 1, share + context)
    with pytest.raises(ContextCaseError) as caught:
        rebuild(case.manifest, open_left_of(case), "petition", case.release("petition", (1,)))
    assert caught.value.seat == 1


def test_a_garbled_left_is_refused() -> None:
    """A left that is no left, or no padded one, says so."""
    case = first_case()
    recipients = [identity_of(member).recipient for member in case.panel]
    nonsense = encrypt(recipients, pad(b"dengwen/left/v1\n", LEFT_BUCKET))
    with pytest.raises(TextError):
        open_left_of(case.with_part("left", nonsense))
    unpadded = encrypt(recipients, bytes(LEFT_BUCKET - 1) + b"\x01")
    with pytest.raises(FormatError):
        open_left_of(case.with_part("left", unpadded))
    elsewhere = encrypt([identity_of("nobody").recipient] * 3, bytes(LEFT_BUCKET))
    with pytest.raises(NoMatchError):
        open_left_of(case.with_part("left", elsewhere))


def test_a_changed_byte_in_any_sealed_part_does_not_open() -> None:
    """Without the hashes, age itself refuses what was changed; here the petitioner signed it."""
    case = first_case()
    left = case.sealed.parts["left"]
    for position in range(0, len(left), 97):
        changed = left[:position] + bytes([left[position] ^ 1]) + left[position + 1 :]
        with pytest.raises(KeysError):
            open_left_of(case.with_part("left", changed))


def test_exclusions_that_the_holders_would_not_recognise_are_shown() -> None:
    """A list that the tags do not bear out opens, and is told to be inconsistent."""
    opened = open_case(seal_case(replace(DRAFT, exclusions=("jurisdiction:CN-4403",)), "excluding"))
    assert opened.petition.exclude == ("jurisdiction:CN-4403",)
    assert opened.is_consistent
    other_list = replace(opened.petition, exclude=("jurisdiction:CN-11",))
    assert not replace(opened, petition=other_list).is_consistent
    assert not replace(opened, petition=replace(opened.petition, x=bytes(32))).is_consistent


def test_nothing_secret_is_printed() -> None:
    """Neither keys nor contents show in a traceback or a log."""
    case = first_case()
    opened = open_case(case)
    secrets = [open_left_of(case), opened, opened.key, opened.petition, open_identity_of(case)]
    for thing in secrets:
        assert repr(thing).startswith("<dengwen_keys.")


def test_a_key_is_used_for_its_own_compartment_only() -> None:
    """To take one for the other is a mistake in the code, found before anything is opened."""
    case = first_case()
    with pytest.raises(AssertionError, match="internal error"):
        open_identity(case.manifest, b"", key_of(case, "petition", (1, 2)))
    with pytest.raises(AssertionError, match="internal error"):
        open_petition(case.manifest, b"", key_of(case, "identity", (1, 2, 3)))
