"""The vector files of sealed petitions hold, byte for byte; the browser is held to the same."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import check_against_roster
from dengwen_audit.statements.roster import Roster
from dengwen_audit.text import TextError
from dengwen_keys.age.identities import Identity
from dengwen_keys.compartment import SharePlain, compartment_seed, open_share
from dengwen_keys.contents import AttachmentLine, IdentityPart, Left, Petition
from dengwen_keys.context import Context, context_length, exclusion_tag, is_excluded
from dengwen_keys.draw import NoPanelError, draw_order, draw_panel
from dengwen_keys.opening import open_identity, open_left, open_petition, rebuild
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.words import Words
from tests.vectors.petition_vectors import FOLDER, to_json, vector_roster, vectors

Vector = dict[str, Any]


def load(name: str) -> Vector:
    """Read one vector file."""
    content: Vector = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def comment(case: Vector) -> str:
    """Name a case by its comment."""
    return str(case["comment"])


@pytest.mark.parametrize("name", ["draw", "compartment", "contents"])
def test_the_files_are_those_that_their_maker_writes(name: str) -> None:
    """Nothing was edited by hand, and nobody needs to trust that."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == to_json(vectors()[name])


@pytest.mark.parametrize("case", load("draw")["cases"], ids=comment)
def test_a_panel_is_drawn_as_in_the_vectors(case: Vector) -> None:
    """Order, panel, and whom to blame if there is none."""
    roster, key = vector_roster(), bytes.fromhex(case["draw-key"])
    assert [member.id for member in draw_order(roster, key)] == case["order"]
    if case["panel"] is not None:
        assert list(draw_panel(roster, key, case["exclusions"])) == case["panel"]
        return
    with pytest.raises(NoPanelError) as caught:
        draw_panel(roster, key, case["exclusions"])
    assert list(caught.value.exclusions) == sorted(case["to-blame"])


@pytest.mark.parametrize("case", load("compartment")["seeds"], ids=comment)
def test_a_seed_is_derived_as_in_the_vectors(case: Vector) -> None:
    """And leads to the same recipient."""
    left, right, id_, context = (
        bytes.fromhex(case[name]) for name in ("left", "right", "case", "context-hash")
    )
    seed = compartment_seed(left, right, CaseId(id_), case["compartment"], context)
    assert seed.hex() == case["seed"]
    assert Identity.from_seed(seed).recipient.hash.hex() == case["recipient-hash"]


def test_tags_are_those_of_the_vectors() -> None:
    """One for each kind of code."""
    for case in load("compartment")["tags"]:
        assert exclusion_tag(bytes.fromhex(case["x"]), case["code"]).hex() == case["tag"]


@pytest.mark.parametrize("case", load("compartment")["contexts"], ids=comment)
def test_a_context_is_read_as_in_the_vectors(case: Vector) -> None:
    """Its bytes, its hash, and whom it excludes."""
    context, x = Context.parse(case["text"].encode()), bytes.fromhex(case["x"])
    assert context.to_bytes() == case["text"].encode()
    assert context.hash.hex() == case["hash"]
    assert len(context.to_bytes()) == context_length("petition", context.panel)
    assert all(is_excluded(context, x, [code]) for code in case["excluded"])
    assert not is_excluded(context, x, case["admitted"])


@pytest.mark.parametrize("case", load("compartment")["refuse"], ids=comment)
def test_a_context_of_the_vectors_is_refused(case: Vector) -> None:
    """Each breaks one rule."""
    with pytest.raises(TextError):
        Context.parse(case["text"].encode())


def plain(value: object) -> object:
    """Return a field as JSON has it."""
    match value:
        case bytes():
            return value.hex()
        case AttachmentLine():
            return [value.media_type, value.length, value.name]
        case tuple():
            return [plain(item) for item in value]
        case _:
            return value


CONTENTS: dict[str, type[Left | Petition | IdentityPart]] = {
    "left": Left,
    "petition": Petition,
    "identity": IdentityPart,
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_contents_are_read_as_in_the_vectors(kind: str) -> None:
    """What is to be read is read, field by field, and what is mangled is refused."""
    vector, content = load("contents")[kind], CONTENTS[kind]
    parsed = content.parse(bytes.fromhex(vector["data"]))
    assert parsed.to_bytes().hex() == vector["data"]
    for name, expected in vector["fields"].items():
        assert plain(getattr(parsed, name)) == expected
    for case in vector["refuse"]:
        with pytest.raises(TextError):
            content.parse(bytes.fromhex(case["data"]))


@pytest.fixture(scope="module")
def sealed() -> SealedPetition:
    """Read the sealed petition of the vectors."""
    return SealedPetition.parse((FOLDER / "petition.petition").read_bytes())


@pytest.fixture(scope="module")
def told() -> Vector:
    """Read what is told of it."""
    return load("petition")


def test_the_sealed_petition_is_accepted(sealed: SealedPetition, told: Vector) -> None:
    """By every check that needs no key, and as a petition under its roster."""
    roster = Roster.parse(told["roster"].encode())
    check_against_roster(sealed.manifest, roster)
    assert sealed.manifest.case.hex() == told["case"]
    assert sealed.note.hash.hex() == told["manifest-hash"]
    assert list(sealed.manifest.panel) == told["panel"]


def test_the_words_lead_to_the_same_case_and_panel(sealed: SealedPetition, told: Vector) -> None:
    """Keys, mailbox and draw follow from the entropy alone."""
    words, roster = Words(bytes.fromhex(told["entropy"])), Roster.parse(told["roster"].encode())
    assert words.signing_key().verification_key == sealed.manifest.case_key
    assert words.mailbox().recipient.text == sealed.manifest.mailbox
    assert list(draw_panel(roster, words.draw_key(roster.hash), told["exclude"])) == told["panel"]


def shares_of(
    sealed: SealedPetition, told: Vector, compartment: str, holders: str
) -> list[SharePlain]:
    """Let every holder of a compartment open its share."""
    line = sealed.manifest.compartment(compartment)
    return [
        open_share(
            sealed.parts[f"share/{compartment}/{seat}"],
            Identity.from_seed(bytes.fromhex(told["sealing-seeds"][f"{holders}-{seat}"])),
            sealed.manifest,
            compartment,
            seat,
        )
        for seat in range(1, line.n + 1)
    ]


def test_the_sealed_petition_opens(sealed: SealedPetition, told: Vector) -> None:
    """With the keys of the vectors, to what the vectors tell."""
    reader = told["panel"][0]
    key = Identity.from_seed(bytes.fromhex(told["sealing-seeds"][reader]))
    left = open_left(sealed.note, sealed.parts["left"], key, reader)
    assert (left.language, left.urgent) == (told["language"], told["urgent"])
    keys = {
        compartment: rebuild(
            sealed.manifest,
            left,
            compartment,
            {
                seat: share.to_bytes()
                for seat, share in enumerate(shares_of(sealed, told, compartment, holders), 1)
            },
        )
        for compartment, holders in (("petition", "gate"), ("identity", "trust"))
    }
    part = sealed.parts["compartment/petition"]
    opened = open_petition(sealed.manifest, part, keys["petition"])
    assert (opened.petition.body, list(opened.petition.exclude)) == (told["body"], told["exclude"])
    assert opened.is_consistent
    file = io.BytesIO()
    opened.open_attachment(1, io.BytesIO(sealed.parts["attachment/1"]), file)
    assert file.getvalue().decode() == told["attachments"][0][3]
    part = sealed.parts["compartment/identity"]
    identity = open_identity(sealed.manifest, part, keys["identity"])
    assert identity == IdentityPart(**told["identity"])
