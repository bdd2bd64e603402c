"""What lies inside the seals is read strictly: one spelling, bounded, nothing clever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.text import TextError
from dengwen_keys.contents import (
    MAX_ATTACHMENT_BYTES,
    MAX_IDENTITY_BYTES,
    MAX_LEFT_BYTES,
    MAX_PETITION_BYTES,
    AttachmentLine,
    IdentityPart,
    Left,
    Petition,
)
from tests.keys.mangled_contents import (
    FENCE,
    IDENTITY,
    LEFT,
    MANGLED_IDENTITY,
    MANGLED_LEFT,
    MANGLED_PETITION,
    PETITION,
)
from tests.keys.office import seed

# What may stand in a line: anything printable; spaces inside only.
LINES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


@given(
    st.binary(min_size=32, max_size=32),
    st.from_regex(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}", fullmatch=True),
    st.booleans(),
)
def test_left_is_read_back(left: bytes, language: str, urgent: bool) -> None:
    """Whatever the language, it fits into the one bucket."""
    content = replace(LEFT, left=left, language=language, urgent=urgent)
    assert Left.parse(content.to_bytes()) == content
    assert len(content.to_bytes()) <= MAX_LEFT_BYTES


@given(
    st.text(st.characters(exclude_categories=["C"], include_characters="\n\t")),
    st.lists(st.sampled_from(["member:a", "institution:b", "jurisdiction:CN"]), unique=True),
    st.lists(st.builds(AttachmentLine, st.just("a/b"), st.integers(0, 2**31), LINES), max_size=3),
)
def test_a_petition_is_read_back(
    body: str, exclude: list[str], attachments: list[AttachmentLine]
) -> None:
    """Any body, empty lines at its beginning and end included."""
    names = [a for a in attachments if "/" not in a.name and "\\" not in a.name]
    names = [a for a in names if a.name not in (".", "..")]
    petition = Petition(seed("x"), tuple(sorted(exclude)), tuple(names), body)
    assert Petition.parse(petition.to_bytes()) == petition


@given(LINES, st.none() | LINES, st.none() | LINES, st.none() | LINES)
def test_an_identity_is_read_back(
    name: str, contact: str | None, address: str | None, note: str | None
) -> None:
    """Everything but the name may be missing; who is anonymous says nothing."""
    identity = IdentityPart(name, contact, address, note)
    assert IdentityPart.parse(identity.to_bytes()) == identity
    assert IdentityPart.parse(IdentityPart().to_bytes()) == IdentityPart()


@pytest.mark.parametrize("mangle", MANGLED_LEFT.values(), ids=MANGLED_LEFT)
def test_a_mangled_left_is_refused(mangle: Callable[[bytes], bytes]) -> None:
    """A left has one spelling."""
    data = LEFT.to_bytes()
    assert mangle(data) != data
    with pytest.raises(TextError):
        Left.parse(mangle(data))


@pytest.mark.parametrize("mangle", MANGLED_PETITION.values(), ids=MANGLED_PETITION)
def test_a_mangled_petition_is_refused(mangle: Callable[[bytes], bytes]) -> None:
    """A petition has one spelling, and no control characters that could trick a terminal."""
    data = PETITION.to_bytes()
    assert mangle(data) != data
    with pytest.raises(TextError):
        Petition.parse(mangle(data))


def test_only_the_first_empty_line_ends_the_head() -> None:
    """What follows is body, however it looks."""
    body = "\n\nexclude jurisdiction:CN\n\nattachment 1 a/b 1 c\n\n"
    petition = replace(PETITION, attachments=(), exclude=(), body=body)
    parsed = Petition.parse(petition.to_bytes())
    assert (parsed.body, parsed.exclude, parsed.attachments) == (body, (), ())


@pytest.mark.parametrize(
    "line",
    [
        replace(FENCE, name=name)
        for name in ("", ".", "..", "a/b", "a\\b", "a\nb", " a", "a\u202egpj.exe", "名" * 86)
    ]
    + [
        replace(FENCE, media_type=kind)
        for kind in ("", "image", "a/b/c", "text/html; charset=utf-8", "/a", "a" * 64 + "/b")
    ]
    + [replace(FENCE, length=length) for length in (-1, MAX_ATTACHMENT_BYTES + 1)],
)
def test_an_attachment_line_that_a_reader_would_refuse_is_not_written(line: AttachmentLine) -> None:
    """Neither names that leave their folder or run backwards, nor types that are none."""
    with pytest.raises(TextError):
        replace(PETITION, attachments=(line,)).to_bytes()


@pytest.mark.parametrize("body", ["a\r\nb", "\x00", "\x1b[31m", "\x7f", "\x85"])
def test_a_body_with_control_characters_is_not_written(body: str) -> None:
    """The writer refuses what the reader refuses."""
    with pytest.raises(TextError):
        replace(PETITION, body=body).to_bytes()


def test_a_petition_holds_sixteen_exclusions_and_64_attachments() -> None:
    """And not one more, on either side."""
    codes = tuple(sorted(f"member:m-{i}" for i in range(17)))
    assert Petition.parse(replace(PETITION, exclude=codes[:16]).to_bytes()).exclude == codes[:16]
    with pytest.raises(TextError):
        replace(PETITION, exclude=codes).to_bytes()
    lines = (FENCE,) * 65
    full = replace(PETITION, attachments=lines[:64])
    assert Petition.parse(full.to_bytes()) == full
    with pytest.raises(TextError):
        replace(PETITION, attachments=lines).to_bytes()
    seventeen = b"".join(b"exclude %b\n" % code.encode() for code in codes)
    head, body = replace(PETITION, exclude=()).to_bytes().split(b"attachment 1", 1)
    with pytest.raises(TextError):
        Petition.parse(head + seventeen + b"attachment 1" + body)


def test_a_petition_fills_its_largest_bucket_and_no_more() -> None:
    """The longest body is refused by one byte, when written and when read."""
    room = MAX_PETITION_BYTES - len(replace(PETITION, body="").to_bytes())
    full = replace(PETITION, body="a" * room)
    assert Petition.parse(full.to_bytes()) == full
    with pytest.raises(TextError):
        replace(PETITION, body="a" * (room + 1)).to_bytes()
    with pytest.raises(TextError):
        Petition.parse(full.to_bytes() + b"a")


@pytest.mark.parametrize("mangle", MANGLED_IDENTITY.values(), ids=MANGLED_IDENTITY)
def test_a_mangled_identity_is_refused(mangle: Callable[[bytes], bytes]) -> None:
    """An identity has one spelling."""
    data = IDENTITY.to_bytes()
    assert mangle(data) != data
    with pytest.raises(TextError):
        IdentityPart.parse(mangle(data))


@pytest.mark.parametrize(
    "identity",
    [
        IdentityPart(contact="a"),
        IdentityPart(note="a"),
        IdentityPart(name=""),
        IdentityPart(name="a\nstatus anonymous"),
        IdentityPart(name="a", address="b" * MAX_IDENTITY_BYTES),
    ],
)
def test_an_identity_that_says_too_much_is_not_written(identity: IdentityPart) -> None:
    """Nothing without a name, nothing in two lines, nothing over the one size."""
    with pytest.raises(TextError):
        identity.to_bytes()


def test_contents_do_not_print() -> None:
    """A traceback shows no petition."""
    for content in (LEFT, PETITION, FENCE, IDENTITY):
        assert repr(content).startswith("<dengwen_keys.contents.")
