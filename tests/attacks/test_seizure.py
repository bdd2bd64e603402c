"""Everything the office has is seized, with every reviewer and one holder fewer than the quorum."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Sequence

import pytest

from dengwen_audit.note import Note
from dengwen_audit.statements.manifest import IDENTITY, PETITION, check_manifest
from dengwen_keys.age.header import check_shape
from dengwen_keys.age.identities import Identity, decrypt
from dengwen_keys.compartment import compartment_seed
from dengwen_keys.contents import Left
from dengwen_keys.errors import KeysError, NoMatchError
from dengwen_keys.opening import TooFewSharesError, open_identity, open_left, open_petition, rebuild
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.shamir import Share, combine
from tests.small_office import make_identity
from tests.town import NAMED, Town
from tests.town_operator import Operator

SECRET = "the third sluice gate was never built"
TEXT = f"I was there when {SECRET}.\n"
REVIEWERS = [f"reviewer-{number}" for number in range(1, 10)]
TRUSTEES = [f"trustee-{number}" for number in range(1, 6)]


def seize(operator: Operator, case: bytes) -> SealedPetition:
    """Take a sealed petition out of the seized data folder."""
    note = Note.parse(operator.papers(case).manifest)
    manifest, found, start = check_manifest(note), {}, 0
    parts = operator.parts(manifest)
    for part in manifest.parts:
        found[part.name] = parts[start : start + part.length]
        start += part.length
    return SealedPetition(note, manifest, found)


def open_all(sealed: SealedPetition, keys: Sequence[Identity]) -> dict[str, bytes]:
    """Try every key on every part; return what opens."""
    opened = {}
    for name, part in sealed.parts.items():
        for key in keys:
            try:
                opened[name] = decrypt([key], part)
            except NoMatchError:
                continue
    return opened


def left_of(sealed: SealedPetition) -> Left:
    """Open the petitioner's half as a member of the panel."""
    member = sealed.manifest.panel[0]
    return open_left(sealed.note, sealed.parts["left"], make_identity(member), member)


def shares_of(opened: dict[str, bytes], compartment: str) -> dict[int, bytes]:
    """Return what came out of the share files of one compartment, by seat."""
    prefix = f"share/{compartment}/"
    return {
        int(name.removeprefix(prefix)): plaintext
        for name, plaintext in opened.items()
        if name.startswith(prefix)
    }


@pytest.mark.parametrize("gatekeeper", ["gk-1", "gk-2", "gk-3"])
def test_all_reviewers_and_one_gatekeeper_do_not_open_a_petition(
    town: Town, operator: Operator, gatekeeper: str
) -> None:
    """Database, nine reviewers' keys and one share of two open the left and nothing else."""
    _, honest = town.received(TEXT, identity=NAMED)
    sealed = seize(operator, honest.manifest.case)
    keys = [make_identity(name) for name in [*REVIEWERS, gatekeeper]]
    opened = open_all(sealed, keys)
    shares = shares_of(opened, PETITION)

    assert opened.keys() == {"left", f"share/petition/{gatekeeper[-1]}"}
    assert not any(SECRET.encode() in plaintext for plaintext in opened.values())
    with pytest.raises(TooFewSharesError):
        rebuild(sealed.manifest, left_of(sealed), PETITION, shares)
    for guess in guesses(sealed, left_of(sealed), shares):
        with pytest.raises(NoMatchError):
            decrypt([guess], sealed.parts["compartment/petition"])

    other = next(name for name in ("gk-1", "gk-2") if name != gatekeeper)
    shares |= shares_of(open_all(sealed, [make_identity(other)]), PETITION)
    key = rebuild(sealed.manifest, left_of(sealed), PETITION, shares)
    part = sealed.parts["compartment/petition"]
    assert open_petition(sealed.manifest, part, key).petition.body == TEXT


def guesses(sealed: SealedPetition, left: Left, shares: dict[int, bytes]) -> Iterable[Identity]:
    """Yield the identities that somebody with too few shares might try."""
    manifest = sealed.manifest
    context = manifest.compartment(PETITION).context_hash
    lone = [share[:32] for share in shares.values()]
    for right in [*lone, bytes(32), left.left, secrets.token_bytes(32)]:
        seed = compartment_seed(left.left, right, manifest.case, PETITION, context)
        yield Identity.from_seed(seed)
        yield Identity.from_seed(right)


def test_all_others_and_two_trustees_do_not_open_an_identity(
    town: Town, operator: Operator
) -> None:
    """Database, all reviewers, all gatekeepers, and every two of five trustees learn no name."""
    _, honest = town.received(TEXT, identity=NAMED)
    sealed = seize(operator, honest.manifest.case)
    others = [make_identity(name) for name in [*REVIEWERS, "gk-1", "gk-2", "gk-3"]]
    for pair in itertools.combinations(TRUSTEES, 2):
        opened = open_all(sealed, [*others, *map(make_identity, pair)])
        shares = shares_of(opened, IDENTITY)
        assert len(shares) == 2
        assert "compartment/identity" not in opened
        with pytest.raises(TooFewSharesError):
            rebuild(sealed.manifest, left_of(sealed), IDENTITY, shares)

    opened = open_all(sealed, [make_identity(name) for name in TRUSTEES[:3]])
    key = rebuild(sealed.manifest, left_of(sealed), IDENTITY, shares_of(opened, IDENTITY))
    found = open_identity(sealed.manifest, sealed.parts["compartment/identity"], key)
    assert found.name == NAMED.name


def test_all_holders_without_a_reviewer_open_nothing(town: Town, operator: Operator) -> None:
    """All gatekeepers and trustees together hold one lock of two: the right, never the left."""
    _, honest = town.received(TEXT, identity=NAMED)
    sealed = seize(operator, honest.manifest.case)
    holders = [make_identity(name) for name in ["gk-1", "gk-2", "gk-3", *TRUSTEES]]
    opened = open_all(sealed, holders)
    manifest = sealed.manifest
    rights = [
        combine([Share(plaintext[:33]) for plaintext in shares_of(opened, name).values()][:k])
        for name, k in ((PETITION, 2), (IDENTITY, 3))
    ]

    assert "left" not in opened
    assert not opened.keys() & {"compartment/petition", "compartment/identity"}
    for left, right in itertools.product([bytes(32), *rights], rights):
        line = manifest.compartment(PETITION)
        seed = compartment_seed(left, right, manifest.case, PETITION, line.context_hash)
        with pytest.raises(NoMatchError):
            decrypt([Identity.from_seed(seed)], sealed.parts["compartment/petition"])
    assert town.asked_and_opened(honest).petition.body == TEXT


def test_one_share_fits_every_secret(town: Town, operator: Operator) -> None:
    """For every secret there is a second share that gives it: one share tells nothing."""
    _, honest = town.received()
    sealed = seize(operator, honest.manifest.case)
    (plaintext,) = shares_of(open_all(sealed, [make_identity("gk-1")]), PETITION).values()
    first, origin = Share(plaintext[:33]), bytes(32)
    for wanted in (bytes(32), b"\xff" * 32, secrets.token_bytes(32)):
        # Over GF(2^8) the secret is linear in the shares: solve for the second, byte by byte.
        second = bytearray(32)
        for place in range(32):
            for value in range(256):
                trial = origin[:place] + bytes([value]) + origin[place + 1 :]
                if combine([first, Share(trial + b"\2")])[place] == wanted[place]:
                    second[place] = value
                    break
        assert combine([first, Share(bytes(second) + b"\2")]) == wanted


def test_a_share_of_one_compartment_does_not_serve_another(town: Town, operator: Operator) -> None:
    """With everything to open the petition, the identity stays shut: no half serves for both."""
    _, honest = town.received(TEXT, identity=NAMED)
    sealed = seize(operator, honest.manifest.case)
    keys = [make_identity(name) for name in [*REVIEWERS, "gk-1", "gk-2", "gk-3"]]
    petition = rebuild(
        sealed.manifest, left_of(sealed), PETITION, shares_of(open_all(sealed, keys), PETITION)
    )
    with pytest.raises(NoMatchError):
        decrypt([petition.identity], sealed.parts["compartment/identity"])
    with pytest.raises(KeysError):
        rebuild(
            sealed.manifest, left_of(sealed), IDENTITY, shares_of(open_all(sealed, keys), PETITION)
        )


def test_the_seized_disk_holds_no_plaintext(town: Town) -> None:
    """No file of the office or of any house holds a word of the petition or of her identity."""
    town.received(TEXT, identity=NAMED, language="qya")
    town.tick()
    wanted = [SECRET, NAMED.name, NAMED.contact, NAMED.address, "language qya"]
    for file in town.folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not [text for text in wanted if text and text.encode() in data], file.name


def test_no_part_is_sealed_to_anybody_in_common_use(town: Town) -> None:
    """Every part is for as many hybrid recipients as it must be, and for no others."""
    _, sealed = town.seal()
    for name, part in sealed.parts.items():
        check_shape(part, 3 if name == "left" else 1)
