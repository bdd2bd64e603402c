"""Parts of petitions swapped, manifests doubled, terms forged, case ids squatted."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

import pytest

from dengwen_audit.note import sign_note
from dengwen_keys.context import Context, exclusion_tags, is_excluded
from dengwen_keys.gatekeeper.refusals import ManifestSignature, SecondManifest, WrongPart
from dengwen_keys.petition_file import PartHashError
from dengwen_keys.words import Words
from dengwen_submit.errors import DoorError
from tests.town import TEXT, Town
from tests.town_operator import Operator
from tests.town_petitioner import (
    seal_to,
    share_of,
    signed_again,
    stored_parts,
    with_parts,
)


def send_refused(town: Town, sealed: bytes) -> str:
    """Send something to the door, which refuses; return the problem's name."""
    with pytest.raises(DoorError) as refused:
        town.send(sealed)
    return refused.value.problem


@pytest.mark.parametrize(
    "name", ["left", "compartment/petition", "compartment/identity", "share/petition/1"]
)
def test_parts_of_two_petitions_do_not_go_together(town: Town, name: str) -> None:
    """On its way to the door a part is swapped for the same part of another petition."""
    _, first = town.seal()
    _, second = town.seal()
    mixed = with_parts(first, {name: second.parts[name]})

    assert send_refused(town, mixed.to_bytes()) == "malformed"
    town.send(first.to_bytes())
    town.tick()
    assert town.asked_and_opened(first).petition.body == TEXT


def test_a_share_swapped_in_the_database_is_named(town: Town, operator: Operator) -> None:
    """Each gatekeeper is given its share file of another petition: the manifest has its hash."""
    _, mine = town.received()
    _, other = town.received()
    shares = {name: data for name, data in other.parts.items() if name.startswith("share/")}
    mixed = with_parts(mine, shares)
    operator.swap_parts(mine.manifest.case, stored_parts(mixed))
    asked = town.ask(mine.manifest.panel[0], mine.manifest.case)

    assert operator.reasons(asked) == {WrongPart.slug}
    assert town.asked_and_opened(other).petition.body == TEXT


@pytest.mark.parametrize("name", ["left", "compartment/petition"])
def test_a_part_swapped_in_the_database_is_seen_by_the_reviewer(
    town: Town, operator: Operator, name: str
) -> None:
    """The panel is shown another petition's text under this case: nothing of it is opened."""
    _, mine = town.received("Mine.\n")
    _, other = town.received("Another one.\n")
    swapped = with_parts(mine, {name: other.parts[name]})
    operator.swap_parts(mine.manifest.case, stored_parts(swapped))

    with pytest.raises(PartHashError):
        town.asked_and_opened(mine)
    operator.swap_parts(mine.manifest.case, stored_parts(mine))
    assert town.asked_and_opened(mine).petition.body == "Mine.\n"


def test_a_second_manifest_of_a_case_is_refused(town: Town) -> None:
    """The petitioner seals two petitions with one set of words: the first one stands."""
    words, first = town.received("The first.\n")
    _, second = town.seal("The second.\n", words=words)

    assert second.manifest.case == first.manifest.case
    assert send_refused(town, second.to_bytes()) == "second-manifest"
    assert town.asked_and_opened(first).petition.body == "The first.\n"


def test_a_second_manifest_is_refused_by_whoever_served_the_first(
    town: Town, operator: Operator
) -> None:
    """
    Petitioner and operator replace a case that has been opened, in every row of the database.

    The gatekeepers, the witnesses of the first manifest, do not serve the second one.
    """
    words, first = town.received("The first.\n")
    assert town.asked_and_opened(first).petition.body == "The first.\n"
    _, second = town.seal("The second.\n", words=words)
    operator.delete_case(first.manifest.case)
    town.mirror.collude()
    town.send(second.to_bytes())
    town.tick()
    asked = town.request(second.manifest.panel[0], second)
    town.post(asked)

    assert operator.reasons(asked) == {SecondManifest.slug}


def test_a_manifest_takes_the_case_key(town: Town, operator: Operator) -> None:
    """The operator signs a manifest of her own over an accepted case: nobody serves it."""
    _, sealed = town.received()
    mine = Words.generate()
    forged = sign_note(
        replace(sealed.manifest, panel=sealed.manifest.panel[::-1]).to_bytes(), mine.signing_key()
    )
    papers = operator.papers(sealed.manifest.case)
    operator.swap_papers(sealed.manifest.case, replace(papers, manifest=forged.to_bytes()))
    operator.run(
        "UPDATE petition SET manifest = :hash WHERE case_id = :case",
        hash=forged.hash,
        case=sealed.manifest.case,
    )
    asked = town.request(sealed.manifest.panel[0], sealed, manifest=forged.hash)
    operator.log_request(asked)
    assert operator.reasons(asked) == {ManifestSignature.slug}


def test_terms_without_exclusions_cannot_be_forged(town: Town, operator: Operator) -> None:
    """
    The operator seals share files of her own, whose context excludes nobody.

    The petitioner's context lies under the hash in her manifest, and says whom she left out.
    """
    _, sealed = town.received(exclusions=["jurisdiction:CN-4401"])
    context = Context.parse(share_of(sealed, 1)[1])
    x = bytes(32)
    tags = exclusion_tags(x, (), secrets.token_bytes)
    forged = replace(context, exclusions=hashlib.sha256(x).digest(), tags=tags).to_bytes()
    files = {
        f"share/petition/{seat}": seal_to(share_of(sealed, seat)[0] + forged, f"gk-{seat}")
        for seat in (1, 2, 3)
    }
    honest = town.ask(sealed.manifest.panel[0], sealed.manifest.case)
    operator.swap_parts(sealed.manifest.case, stored_parts(with_parts(sealed, files)))
    asked = town.ask(sealed.manifest.panel[1], sealed.manifest.case)

    assert operator.reasons(asked) == {WrongPart.slug}
    opened = town.open(sealed.manifest.panel[0], honest)
    assert is_excluded(opened.key.context, opened.petition.x, ["jurisdiction:CN-4401"])
    assert opened.is_consistent


def test_a_case_cannot_be_squatted(town: Town) -> None:
    """Whoever saw a sealed petition on its way cannot put another one under its case id."""
    words, sealed = town.seal()
    thief = Words.generate()
    public = thief.signing_key().verification_key.public_key
    for stolen in (
        signed_again(thief, sealed),
        signed_again(thief, sealed, signing_key=public),
        signed_again(thief, sealed, signing_key=public, mailbox=thief.mailbox().recipient.text),
    ):
        assert send_refused(town, stolen.to_bytes()) in {"signature", "rule", "malformed"}

    town.send(sealed.to_bytes())
    town.tick()
    assert town.follow_up(words).is_complete
    assert town.asked_and_opened(sealed).petition.body == TEXT
