"""The grant: only the root threshold lets an auditor read, or ends it."""

import dataclasses

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements.grant import (
    Grant,
    GrantEnd,
    GrantError,
    check_grant,
    check_grant_end,
)
from dengwen_audit.text import TextError
from tests.small_office import OFFICE, make_card, make_key, sign_by_roots
from tests.small_statements import make_grant, make_grant_end


def test_the_root_threshold_grants_and_ends() -> None:
    """Both are notes by the card's root keepers."""
    assert check_grant(sign_by_roots(make_grant().to_bytes()), make_card()) == make_grant()
    end = make_grant_end()
    assert check_grant_end(sign_by_roots(end.to_bytes()), make_card()) == end


def test_one_root_keeper_or_the_operator_grants_nothing() -> None:
    """Who runs the office cannot choose who audits it."""
    for note in (
        sign_by_roots(make_grant().to_bytes(), 1),
        sign_note(make_grant().to_bytes(), make_key(OFFICE), make_key("intake")),
    ):
        with pytest.raises(SignatureError):
            check_grant(note, make_card())
    with pytest.raises(SignatureError):
        check_grant_end(sign_by_roots(make_grant_end().to_bytes(), 1), make_card())


def test_a_grant_for_another_office_is_refused() -> None:
    """Root keepers of two offices grant for the one that the text names."""
    grant = dataclasses.replace(make_grant(), office="other.example/log")
    with pytest.raises(GrantError):
        check_grant(sign_by_roots(grant.to_bytes()), make_card())
    end = dataclasses.replace(make_grant_end(), office="other.example/log")
    with pytest.raises(GrantError):
        check_grant_end(sign_by_roots(end.to_bytes()), make_card())


def test_a_grant_is_not_its_own_end() -> None:
    """The two have types of their own."""
    with pytest.raises(TextError):
        GrantEnd.parse(make_grant().to_bytes())
    with pytest.raises(TextError):
        Grant.parse(make_grant_end().to_bytes())
