"""A refusal looks like every other refusal, except to the requester; the page names them all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given

from dengwen_audit.errors import FormatError
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.answer import Answer, check_answer
from dengwen_audit.text import TextError, check_token
from dengwen_keys.age.identities import decrypt
from dengwen_keys.gatekeeper import refusals as no
from dengwen_keys.gatekeeper.answers import REASON_SIZE, Question, Reason, refuse, release
from dengwen_keys.gatekeeper.checks import judge
from dengwen_keys.padding import pad
from tests.architecture.tree import ROOT
from tests.keys import test_gatekeeper_checks, test_gatekeeper_share, test_gatekeeper_work
from tests.keys.gatekeeper_story import tell
from tests.mangling import mangled, refuses_or_respells
from tests.small_office import (
    OFFICE,
    make_identity,
    make_key,
    make_recipient,
    make_roster,
    make_seed,
)

PAGE = (ROOT / "docs/formats/gatekeeper-checks.md").read_text(encoding="utf-8")
VECTORS = json.loads((ROOT / "tests/vectors/reason.json").read_text(encoding="utf-8"))
ROW = re.compile(r"^\| `([a-z-]+)` \| (.+) \| (.+) \|$", re.MULTILINE)
REASON = Reason(NoteHash(make_seed("request")), "not-in-panel", "the requester was not drawn")


def _kinds(base: type[no.NotHandedOver] = no.NotHandedOver) -> list[type[no.NotHandedOver]]:
    """Return every refusal that can be raised: the classes without subclasses."""
    below = base.__subclasses__()
    return [kind for subclass in below for kind in _kinds(subclass)] if below else [base]


def _question() -> Question:
    told = tell()
    return Question(
        office=OFFICE,
        case=told.petition.case,
        compartment="petition",
        request=told.request.hash,
        recipient=make_recipient("fresh"),
        holder="gatekeeper-1",
        seat=1,
    )


def test_all_refusals_have_one_length_and_one_form() -> None:
    """Whoever carries them cannot tell them apart: neither the note nor what travels beside it."""
    question, key = _question(), make_key("gatekeeper-1")
    lengths = set()
    for kind in (kind for kind in _kinds() if issubclass(kind, no.Refused)):
        answer = refuse(question, kind("w" * 100), key)
        lengths.add((len(answer.note), len(answer.sealed)))
        assert kind.slug.encode() not in answer.note
    assert len(lengths) == 1


def test_the_requester_reads_the_reason() -> None:
    """Sealed to the fresh recipient of the request, and to nobody else."""
    question = _question()
    answer = refuse(question, no.NotInPanel("not drawn"), make_key("gatekeeper-1"))
    reason = Reason.unpad(decrypt([make_identity("fresh")], answer.sealed))
    assert reason == Reason(question.request, "not-in-panel", "not drawn")
    assert not answer.released


def test_a_release_seals_the_share_with_its_context() -> None:
    """What the holder found is what the requester gets, under the holder's signature."""
    told = tell()
    question = _question()
    answer = release(question, judge(told.matter), make_key("gatekeeper-1"))
    checked: Answer = check_answer(Note.parse(answer.note), make_roster())
    assert (checked.is_release, checked.seat, checked.request) == (True, 1, question.request)
    assert decrypt([make_identity("fresh")], answer.sealed) == told.petition.share()


@given(mangled(REASON.to_bytes()))
def test_a_reason_has_one_spelling(twin: bytes) -> None:
    """A changed byte gives another reason, or none."""
    assert refuses_or_respells(Reason.parse, twin)


@pytest.mark.parametrize("case", VECTORS["reasons"], ids=lambda case: case["comment"])
def test_reasons_are_as_in_the_vectors(case: dict[str, str]) -> None:
    """Text, fields and padding."""
    reason = Reason(NoteHash(bytes.fromhex(case["request"])), case["code"], case["words"])
    assert reason.to_bytes() == case["text"].encode()
    assert Reason.unpad(pad(case["text"].encode(), REASON_SIZE)) == reason


@pytest.mark.parametrize("case", VECTORS["refuse"], ids=lambda case: case["comment"])
def test_malformed_reasons_are_refused(case: dict[str, str]) -> None:
    """As another implementation must refuse them."""
    with pytest.raises(FormatError):
        Reason.parse(case["text"].encode())


def test_a_reason_of_another_length_is_refused() -> None:
    """Padding has one length, and holds zeros."""
    padded = pad(REASON.to_bytes(), REASON_SIZE)
    assert Reason.unpad(padded) == REASON
    for wrong in (padded[:-1] + b"\1", REASON.to_bytes(), b""):
        with pytest.raises(FormatError):
            Reason.unpad(wrong)


def test_every_slug_is_a_word_of_its_own() -> None:
    """No two checks share one, and each can stand in a reason."""
    slugs = [kind.slug for kind in _kinds()]
    assert len(set(slugs)) == len(slugs)
    for slug in slugs:
        assert check_token(slug, "slug") == slug


def test_the_page_names_every_slug_with_its_reason() -> None:
    """The table in the documents and the classes in the code are the same list."""
    written = {slug: why for slug, why, _ in ROW.findall(PAGE)}
    coded = {kind.slug: str(kind.__doc__).splitlines()[0].strip() for kind in _kinds()}
    assert written == coded


def test_the_page_names_for_every_slug_a_test_that_is_there() -> None:
    """Each twin exists, and meets the refusal beside which it stands."""
    twins = {(slug, twin) for slug, _, twin in ROW.findall(PAGE)}
    told = {
        *((b.refusal.slug, twin) for twin, b in test_gatekeeper_checks.BROKEN.items()),
        *((b.refusal.slug, twin) for twin, b in test_gatekeeper_share.BROKEN.items()),
        *((b[0].slug, twin) for twin, b in test_gatekeeper_work.BROKEN.items()),
    }
    functions = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(__file__).parent.glob("test_gatekeeper_*.py")
    )
    for slug, twin in twins - told:
        assert twin.startswith("`test_"), (slug, twin)
        assert f"def {twin.strip('`')}(" in functions


def test_a_text_that_is_too_long_is_no_reason() -> None:
    """It would not fit the padding."""
    long = Reason(REASON.request, "x", "w" * 600).to_bytes()
    with pytest.raises(TextError):
        Reason.parse(long)
