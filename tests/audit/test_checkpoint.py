"""Tests of checkpoint.py: three lines, one spelling. The cases are in vectors/checkpoint.json."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.checkpoint import MAX_CHECKPOINT_BYTES, Checkpoint
from dengwen_audit.merkle import EMPTY_ROOT, Hash
from dengwen_audit.text import MAX_NUMBER, TextError
from tests.mangling import mangled, refuses_or_respells
from tests.small_log import ORIGIN, seed

GOOD = Checkpoint(ORIGIN, 7, Hash(seed("root")))


@given(st.integers(1, MAX_NUMBER), st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read_back(size: int, root: bytes) -> None:
    """Every size and root that a log can have."""
    checkpoint = Checkpoint(ORIGIN, size, Hash(root))
    assert Checkpoint.parse(checkpoint.to_bytes()) == checkpoint


@given(mangled(GOOD.to_bytes()))
def test_a_checkpoint_is_read_only_in_its_one_spelling(twin: bytes) -> None:
    """Whatever is accepted is spelt exactly so."""
    assert refuses_or_respells(Checkpoint.parse, twin)


@given(st.binary(max_size=MAX_CHECKPOINT_BYTES + 1))
def test_no_input_breaks_the_parser(data: bytes) -> None:
    """It refuses with its own error, whatever comes."""
    assert refuses_or_respells(Checkpoint.parse, data)


def test_what_could_not_be_read_cannot_be_made() -> None:
    """A log cannot sign by mistake what nobody accepts."""
    for origin, size, root in (
        ("", 7, seed("root")),
        ("a log", 7, seed("root")),
        ("a\nlog", 7, seed("root")),
        ("日志", 7, seed("root")),
        (ORIGIN, -1, seed("root")),
        (ORIGIN, MAX_NUMBER + 1, seed("root")),
        (ORIGIN, 7, seed("root")[1:]),
        (ORIGIN, 0, seed("root")),
    ):
        with pytest.raises(TextError):
            Checkpoint(origin, size, Hash(root))
    assert Checkpoint(ORIGIN, 0, EMPTY_ROOT).size == 0
