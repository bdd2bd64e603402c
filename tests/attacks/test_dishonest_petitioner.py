"""A petitioner signs for locks that open nothing: whose fault it is can be seen."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import requests

from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.statement import Statement
from dengwen_keys.contents import Left
from dengwen_keys.gatekeeper.refusals import (
    NotForThisSeat,
    WrongCommitment,
    WrongContext,
    WrongShare,
)
from dengwen_keys.opening import LeftCaseError, TooFewSharesError, UnopenableError
from dengwen_keys.padding import LEFT_BUCKET, pad
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.words import Words
from dengwen_submit.errors import DoorError
from tests.small_office import make_key
from tests.town import TEXT, Town
from tests.town_operator import Operator
from tests.town_people import DESK, OFFICE
from tests.town_petitioner import committed_to, seal_to, share_of, signed_again, with_share


def received(town: Town, sealed: SealedPetition) -> SealedPetition:
    """Let the office receive a petition."""
    town.send(sealed.to_bytes())
    town.tick()
    return sealed


def state(town: Town, note: Note, member: str) -> requests.Response:
    """Leave a member's statement at the desk."""
    auth = MemberAuth(member, make_key(member), town.clock)
    return town.session.post(f"{DESK}/v1/statements", data=note.to_bytes(), auth=auth)


def with_left(words: Words, sealed: SealedPetition, left: Left) -> SealedPetition:
    """Seal another left to the panel, and sign for it."""
    file = seal_to(pad(left.to_bytes(), LEFT_BUCKET), *sealed.manifest.panel)
    return signed_again(words, sealed, {"left": file})


def test_a_garbled_left_is_found_out_and_two_reviewers_say_so(town: Town) -> None:
    """
    Every hash fits and every share is as committed, yet the seed leads elsewhere.

    The opening is logged like any other. Two of the panel sign that it cannot be opened, one alone
    may not; the petitioner sees it.
    """
    words, sealed = town.seal()
    garbled = Left(sealed.manifest.case, secrets.token_bytes(32), "en", urgent=False)
    sealed = received(town, with_left(words, sealed, garbled))
    with pytest.raises(UnopenableError):
        town.asked_and_opened(sealed)
    first, second, _ = sealed.manifest.panel
    text = Statement(OFFICE, sealed.manifest.case, "case.unopenable").to_bytes()

    assert state(town, sign_note(text, make_key(first)), first).status_code == 403
    both = sign_note(text, make_key(first), make_key(second))
    assert state(town, both, first).status_code == 202
    town.tick()
    view = town.follow_up(words)
    assert view.entries[-1].event.type == "case.unopenable"
    assert view.is_complete
    town.grant()
    assert not town.audit()


def test_a_left_of_another_case_is_none_of_this(town: Town) -> None:
    """She seals the left of another petition of hers: it names its own case."""
    words, sealed = town.seal()
    _, other = town.seal()
    left = Left(other.manifest.case, words.left(), "en", urgent=False)
    sealed = received(town, with_left(words, sealed, left))
    with pytest.raises(LeftCaseError):
        town.asked_and_opened(sealed)


@dataclass(frozen=True)
class Garbling:
    """What she seals to seat 1 in place of share and context, to whom, and who finds it out how."""

    make: Callable[[bytes, bytes], bytes]
    slug: str
    holder: str = "gk-1"


GARBLINGS = {
    "a share that she did not commit to": Garbling(
        lambda _, context: bytes(32) + b"\1" + context, WrongCommitment.slug
    ),
    "the share of another seat": Garbling(
        lambda share, context: share[:-1] + b"\2" + context, WrongShare.slug
    ),
    "another context": Garbling(
        lambda share, context: share + context.replace(b"random ", b"randoM "), WrongContext.slug
    ),
    "noise": Garbling(
        lambda share, context: secrets.token_bytes(32) + b"\1" + bytes(len(context)),
        WrongCommitment.slug,
    ),
    "something for another holder": Garbling(
        lambda share, context: share + context, NotForThisSeat.slug, "gk-2"
    ),
}


@pytest.mark.parametrize("garbling", GARBLINGS.values(), ids=GARBLINGS.keys())
def test_a_garbled_share_is_blamed_and_the_others_open(
    town: Town, operator: Operator, garbling: Garbling
) -> None:
    """One seat of three is garbled: its holder says how, and two shares are enough."""
    words, sealed = town.seal()
    plaintext = garbling.make(*share_of(sealed, 1))
    sealed = received(town, with_share(words, sealed, 1, plaintext, garbling.holder))
    reviewer = sealed.manifest.panel[0]
    asked = town.ask(reviewer, sealed.manifest.case)

    assert operator.answered(asked) == {
        "gk-1": garbling.slug,
        "gk-2": "released",
        "gk-3": "released",
    }
    assert town.open(reviewer, asked).petition.body == TEXT


def test_two_garbled_shares_lock_her_own_petition(town: Town, operator: Operator) -> None:
    """She garbles two seats: nobody can open it, and two signed refusals name the reason."""
    words, sealed = town.seal()
    for seat in (1, 2):
        _, context = share_of(sealed, seat)
        sealed = with_share(words, sealed, seat, bytes(32) + bytes([seat]) + context)
    received(town, sealed)
    reviewer = sealed.manifest.panel[0]
    asked = town.ask(reviewer, sealed.manifest.case)

    assert sorted(operator.answered(asked).values()) == ["released", *["wrong-commitment"] * 2]
    with pytest.raises(TooFewSharesError):
        town.open(reviewer, asked)


def test_shares_of_another_secret_are_found_out(town: Town) -> None:
    """She commits to three shares of noise: each holder releases, and the seed leads elsewhere."""
    words, sealed = town.seal()
    noise = {seat: secrets.token_bytes(32) + bytes([seat]) for seat in (1, 2, 3)}
    for seat, share in noise.items():
        sealed = with_share(words, sealed, seat, share + share_of(sealed, seat)[1])
    commitments = committed_to(sealed, noise)
    sealed = received(town, signed_again(words, sealed, commitments=commitments))
    with pytest.raises(UnopenableError):
        town.asked_and_opened(sealed)


@pytest.mark.parametrize("name", ["left", "share/petition/2"])
def test_files_made_to_wear_out_keys_do_not_come_in(town: Town, name: str) -> None:
    """A file with more recipients than it can have is refused before any key is used."""
    words, sealed = town.seal()
    names = [*sealed.manifest.panel, "gk-1", "gk-2"]
    file = seal_to(bytes(LEFT_BUCKET), *names)
    with pytest.raises(DoorError) as refused:
        town.send(signed_again(words, sealed, {name: file}).to_bytes())
    assert refused.value.problem == "malformed"
