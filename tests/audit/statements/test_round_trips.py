"""Every statement has one spelling: what parses is spelt as it was read."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.statements.answer import Answer
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.grant import Grant, GrantEnd
from dengwen_audit.statements.head import Head
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.request import Request
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.statement import Statement
from dengwen_audit.text import TextError
from tests.mangling import Spelt, mangled, refuses_or_respells
from tests.small_office import make_card, make_manifest, make_roster
from tests.small_statements import (
    make_acceptance,
    make_answer,
    make_challenge,
    make_grant,
    make_grant_end,
    make_head,
    make_request,
    make_statement,
)

EXAMPLES: dict[Callable[[bytes], Spelt], bytes] = {
    Acceptance.parse: make_acceptance().to_bytes(),
    Answer.parse: make_answer().to_bytes(),
    Card.parse: make_card().to_bytes(),
    Challenge.parse: make_challenge().to_bytes(),
    Grant.parse: make_grant().to_bytes(),
    GrantEnd.parse: make_grant_end().to_bytes(),
    Head.parse: make_head().to_bytes(),
    Manifest.parse: make_manifest().to_bytes(),
    Request.parse: make_request().to_bytes(),
    Roster.parse: make_roster().to_bytes(),
    Statement.parse: make_statement().to_bytes(),
}
each_kind = pytest.mark.parametrize("parse", EXAMPLES, ids=lambda p: p.__self__.__name__)


@each_kind
def test_a_text_is_spelt_as_it_was_read(parse: Callable[[bytes], Spelt]) -> None:
    """A good text comes back byte for byte."""
    assert parse(EXAMPLES[parse]).to_bytes() == EXAMPLES[parse]


@each_kind
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_mangled_text_is_refused_or_another_text_in_its_one_spelling(
    parse: Callable[[bytes], Spelt], data: st.DataObject
) -> None:
    """No two texts read as the same statement."""
    assert refuses_or_respells(parse, data.draw(mangled(EXAMPLES[parse])))


@each_kind
def test_a_line_more_or_less_is_refused_or_another_text(parse: Callable[[bytes], Spelt]) -> None:
    """Every line left out, and every line added, is noticed."""
    lines = EXAMPLES[parse].splitlines(keepends=True)
    for place in range(len(lines)):
        assert refuses_or_respells(parse, b"".join(lines[:place] + lines[place + 1 :]))
    with pytest.raises(TextError):
        parse(EXAMPLES[parse] + b"further 1\n")


@each_kind
def test_no_text_is_read_as_another_kind(parse: Callable[[bytes], Spelt]) -> None:
    """The type line keeps every kind apart, so that a signature serves one purpose."""
    for other, text in EXAMPLES.items():
        if other is not parse:
            with pytest.raises(TextError):
                parse(text)
