"""The vectors are what their maker makes, and every check judges each case as it says."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from dengwen_audit.errors import FormatError, RuleError, SignatureError
from dengwen_audit.http_signature import HttpSignatureError, Signed, check_request
from dengwen_audit.note import Note, NoteSignature, SigningKey
from dengwen_audit.statements.acceptance import Acceptance, check_acceptance
from dengwen_audit.statements.answer import Answer, check_answer
from dengwen_audit.statements.card import Card, check_card, check_card_rules
from dengwen_audit.statements.challenge import Challenge, check_challenge
from dengwen_audit.statements.grant import Grant, GrantEnd, check_grant, check_grant_end
from dengwen_audit.statements.head import Head, check_head
from dengwen_audit.statements.manifest import Manifest, check_against_roster, check_manifest
from dengwen_audit.statements.request import Request
from dengwen_audit.statements.request import check_request as check_request_note
from dengwen_audit.statements.roster import Roster, UnknownJurisdictionError
from dengwen_audit.statements.roster_rules import check_roster, check_roster_rules
from dengwen_audit.statements.statement import Statement, check_petitioner_statement
from tests.mangling import Spelt
from tests.vectors.spelling import to_json
from tests.vectors.statement_vectors import FOLDER, files, rule_name

Case = dict[str, Any]  # as JSON has it


def _read(name: str) -> Case:
    content: Case = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


STATEMENTS = _read("statements")
REQUESTS = _read("http_signature")
TEXTS = {case["kind"]: case["text"] for case in STATEMENTS["texts"]}
CARD = Card.parse(TEXTS["card"].encode())
ROSTER = Roster.parse(TEXTS["roster"].encode())
MANIFEST = Manifest.parse(TEXTS["manifest"].encode())
TODAY = datetime.date.fromisoformat(STATEMENTS["today"])

PARSE: dict[str, Callable[[bytes], Spelt]] = {
    "card": Card.parse,
    "roster": Roster.parse,
    "manifest": Manifest.parse,
    "request": Request.parse,
    "release": Answer.parse,
    "refusal": Answer.parse,
    "acceptance": Acceptance.parse,
    "challenge": Challenge.parse,
    "head": Head.parse,
    "grant": Grant.parse,
    "grant-end": GrantEnd.parse,
    "statement": Statement.parse,
}
CHECK: dict[str, Callable[[Note], object]] = {
    "card": lambda note: check_card(note, None),
    "roster": lambda note: check_roster(note, CARD, TODAY, None),
    "manifest": check_manifest,
    "request": lambda note: check_request_note(note, ROSTER),
    "release": lambda note: check_answer(note, ROSTER),
    "refusal": lambda note: check_answer(note, ROSTER),
    "acceptance": lambda note: check_acceptance(note, ROSTER),
    "challenge": check_challenge,
    "head": lambda note: check_head(note, ROSTER, Challenge.parse(TEXTS["challenge"].encode())),
    "grant": lambda note: check_grant(note, CARD),
    "grant-end": lambda note: check_grant_end(note, CARD),
    "statement": lambda note: check_petitioner_statement(note, MANIFEST),
}
RULES: dict[str, Callable[[bytes], None]] = {
    "card": lambda text: check_card_rules(Card.parse(text)),
    "roster": lambda text: check_roster_rules(Roster.parse(text), CARD),
    "manifest": lambda text: check_against_roster(Manifest.parse(text), ROSTER),
}


def _named(case: Case) -> str:
    return f"{case.get('kind', '')} {case.get('comment', '')}"


@pytest.mark.parametrize("name", ["statements", "http_signature"])
def test_the_files_are_what_their_maker_makes(name: str) -> None:
    """Nobody edits a vector file by hand, and none is stale."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == to_json(files()[name])


@pytest.mark.parametrize("case", STATEMENTS["texts"], ids=_named)
def test_a_good_text_reads_back_and_has_its_hash(case: Case) -> None:
    """A text of each kind, byte for byte."""
    text = case["text"].encode()
    assert PARSE[case["kind"]](text).to_bytes() == text
    assert Note(text, ()).hash.hex() == case["hash"]


@pytest.mark.parametrize("case", STATEMENTS["malformed"], ids=_named)
def test_a_malformed_text_is_refused(case: Case) -> None:
    """The first place where the old words stand gets the new ones, and the text is none."""
    text = TEXTS[case["kind"]].replace(case["old"], case["new"], 1)
    with pytest.raises(FormatError):
        PARSE[case["kind"]](text.encode())


@pytest.mark.parametrize("case", STATEMENTS["notes"], ids=_named)
def test_signatures_are_judged_as_the_case_says(case: Case) -> None:
    """The right lines pass; fewer, changed, foreign or doubled ones do as each kind demands."""
    lines = tuple(NoteSignature.parse(line) for line in case["signatures"])
    note = Note.parse(Note(TEXTS[case["kind"]].encode(), lines).to_bytes())
    if case["expect"] == "ok":
        CHECK[case["kind"]](note)
    else:
        with pytest.raises(SignatureError):
            CHECK[case["kind"]](note)


@pytest.mark.parametrize("case", STATEMENTS["rules"], ids=_named)
def test_a_broken_rule_is_refused_by_its_name(case: Case) -> None:
    """Each bad card, roster and manifest breaks the rule that the case names."""
    kind = case["kind"]
    lines = TEXTS[kind].split("\n")
    for start, stop, new in reversed(case["lines"]):
        lines[start:stop] = new
    with pytest.raises(RuleError) as refusal:
        RULES[kind]("\n".join(lines).encode())
    assert rule_name(refusal.type) == case["expect"]


@pytest.mark.parametrize("case", STATEMENTS["chains"], ids=lambda case: str(case["code"]))
def test_a_chain_of_jurisdictions_is_that_of_the_case(case: Case) -> None:
    """From the code to the top; an unknown code has none."""
    if case["chain"]:
        assert list(ROSTER.jurisdiction_chain(case["code"])) == case["chain"]
    else:
        with pytest.raises(UnknownJurisdictionError):
            ROSTER.jurisdiction_chain(case["code"])


def test_the_codes_of_a_member_are_those_of_the_case() -> None:
    """What an exclusion may name to mean this member."""
    for case in STATEMENTS["codes"]:
        assert sorted(ROSTER.codes_of(ROSTER.member(case["member"]))) == case["codes"]


def _ask(request: Case, fields: dict[str, str]) -> Signed:
    return check_request(
        request["method"],
        request["url"],
        fields.items(),
        request["body"].encode(),
        ROSTER.key_of,
        float(REQUESTS["now"]),
    )


@pytest.mark.parametrize("request_", REQUESTS["requests"], ids=lambda request: str(request["url"]))
def test_a_signed_request_passes(request_: Case) -> None:
    """The base is what the key of the seed signed."""
    assert _ask(request_, request_["fields"]).key_id == "reviewer-1"
    key = SigningKey("reviewer-1", bytes.fromhex(REQUESTS["seed"])).verification_key
    assert key == ROSTER.key_of("reviewer-1")


@pytest.mark.parametrize("case", REQUESTS["edits"], ids=_named)
def test_an_edited_request_is_refused_by_its_slug(case: Case) -> None:
    """Each edit is told apart by the end of the problem's type."""
    request = REQUESTS["requests"][0]
    fields = dict(request["fields"])
    assert case["old"] in fields[case["field"]]
    fields[case["field"]] = fields[case["field"]].replace(case["old"], case["new"], 1)
    with pytest.raises(HttpSignatureError) as refusal:
        _ask(request, fields)
    assert refusal.value.slug == f"http-signature-{case['expect']}"
