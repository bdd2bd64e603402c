"""A context binds a share to its case, and hides whom the petitioner excludes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.statements.fields import CaseId
from dengwen_audit.text import TextError
from dengwen_keys.context import (
    MAX_EXCLUSIONS,
    Context,
    ExclusionKeyError,
    check_code,
    context_length,
    exclusion_tag,
    exclusion_tags,
    is_excluded,
)
from tests.keys.mangled_contents import MANGLED_CONTEXT
from tests.keys.office import seed

X = seed("x")
PANEL = ("reviewer-3", "reviewer-8", "reviewer-1")
CODES = ("institution:bar", "jurisdiction:CN-44", "member:reviewer-2")
TOKENS = st.from_regex(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?", fullmatch=True)


def make_context(codes: tuple[str, ...] = CODES) -> Context:
    """Return a context with these exclusions."""
    return Context(
        random=seed("random"),
        case=CaseId(seed("case")),
        compartment="petition",
        panel=PANEL,
        exclusions=hashlib.sha256(X).digest(),
        tags=exclusion_tags(X, codes, secrets.token_bytes),
    )


@given(
    st.lists(TOKENS, min_size=1, max_size=16, unique=True),
    st.sampled_from(["petition", "identity", "message/12"]),
    st.binary(min_size=32, max_size=32),
)
def test_a_context_is_read_back(panel: list[str], compartment: str, case: bytes) -> None:
    """What was written is read, and every context of one panel is equally long."""
    context = replace(
        make_context(), panel=tuple(panel), compartment=compartment, case=CaseId(case)
    )
    assert Context.parse(context.to_bytes()) == context
    assert len(context.to_bytes()) == context_length(compartment, tuple(panel))


def test_the_number_of_exclusions_does_not_show() -> None:
    """None or sixteen: as many tags, as many bytes."""
    many = tuple(f"member:m-{i}" for i in range(MAX_EXCLUSIONS))
    lengths = {len(make_context(codes).to_bytes()) for codes in ((), CODES, many)}
    assert len(lengths) == 1


@pytest.mark.parametrize("mangle", MANGLED_CONTEXT.values(), ids=MANGLED_CONTEXT)
def test_a_mangled_context_is_refused(mangle: Callable[[bytes], bytes]) -> None:
    """A context has one spelling."""
    data = make_context().to_bytes()
    mangled = mangle(data)
    assert mangled != data
    with pytest.raises(TextError):
        Context.parse(mangled)


def test_tags_in_another_order_are_refused() -> None:
    """Their order would be a place to hide something."""
    context = make_context()
    with pytest.raises(TextError, match="ascending"):
        Context.parse(replace(context, tags=context.tags[::-1]).to_bytes())


def test_an_excluded_code_is_recognised_with_x_only() -> None:
    """A body is judged by all its codes; another x than the committed one judges nothing."""
    context = make_context()
    assert all(is_excluded(context, X, [code]) for code in CODES)
    assert is_excluded(context, X, ["institution:court", "jurisdiction:CN", "jurisdiction:CN-44"])
    assert not is_excluded(context, X, ["institution:court", "jurisdiction:CN"])
    assert not is_excluded(context, X, [])
    for wrong in (seed("another x"), X[:-1], b""):
        with pytest.raises(ExclusionKeyError):
            is_excluded(context, wrong, [])


def test_tags_differ_from_petition_to_petition() -> None:
    """Two petitions that exclude the same place share no tag."""
    mine = exclusion_tags(X, CODES, secrets.token_bytes)
    hers = exclusion_tags(seed("another x"), CODES, secrets.token_bytes)
    assert not set(mine) & set(hers)
    assert exclusion_tag(X, CODES[0]) in mine


def test_more_exclusions_than_tags_are_refused() -> None:
    """Sixteen at most; one said twice counts once."""
    many = [f"member:m-{i}" for i in range(MAX_EXCLUSIONS + 1)]
    with pytest.raises(TextError):
        exclusion_tags(X, many, secrets.token_bytes)
    assert len(exclusion_tags(X, [*many[:-1], many[0]], secrets.token_bytes)) == MAX_EXCLUSIONS


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_accepted(code: str) -> None:
    """A jurisdiction, an institution, a member."""
    assert check_code(code) == code


MISSPELT = (
    *("", "CN-44", "jurisdiction:", "jurisdiction:cn-44", "jurisdiction:CN-44 ", "topic:water"),
    *("member:", "member:A", "member:a\n", "member:member:a", "Member:a", "institution:a b"),
)


@pytest.mark.parametrize("code", MISSPELT)
def test_a_misspelt_code_is_refused_and_not_repeated(code: str) -> None:
    """What she excludes tells what she complains about, so no message holds it."""
    with pytest.raises(TextError) as caught:
        check_code(code)
    assert not code or code not in str(caught.value)
