"""JSON that comes in: one shape, and anything else is malformed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.text import TextError, to_base64
from dengwen_vault.shapes import parse_answer


@given(st.text(), st.binary())
def test_an_answer_is_read_as_it_was_sent(note: str, sealed: bytes) -> None:
    """Text and bytes come through unchanged."""
    try:
        expected = note.encode()
    except UnicodeEncodeError:
        return
    body = json.dumps({"note": note, "sealed": to_base64(sealed)}).encode()
    assert parse_answer(body) == (expected, sealed)


MALFORMED = {
    "no JSON": b"note",
    "no UTF-8": b"\xff",
    "no object": b"[]",
    "half of it": b'{"note": ""}',
    "more than it": b'{"note": "", "sealed": "", "more": ""}',
    "a number": b'{"note": "", "sealed": 1}',
    "no base64": b'{"note": "", "sealed": "?"}',
    "another base64": b'{"note": "", "sealed": "AB=="}',
    "half a character": b'{"note": "\\ud800", "sealed": ""}',
    "a pit": b"[" * 100_000,
}


@pytest.mark.parametrize("case", MALFORMED)
def test_anything_else_is_malformed(case: str) -> None:
    """Never a crash, whatever a body holds."""
    with pytest.raises(TextError):
        parse_answer(MALFORMED[case])


@given(st.binary())
def test_no_bytes_crash_it(body: bytes) -> None:
    """It is read, or it is refused."""
    try:
        parse_answer(body)
    except TextError:
        return
