"""Tests of epoch.py: a tick shows nothing of what is in it. Cases: vectors/epoch.json."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.epoch import (
    RECORD_SIZE,
    Empty,
    Epoch,
    Record,
    empty_leaf,
    events_root,
    is_empty,
    padded_count,
)
from dengwen_audit.merkle import Hash, check_inclusion, leaf_hash, root
from dengwen_audit.text import TextError
from tests.mangling import mangled, refuses_or_respells
from tests.small_log import seed

ROSTER = seed("roster")
RECORD = Record(Hash(seed("root")), ROSTER)
EVENTS = [f"dengwen/event/v1\nevent {number}\n".encode() for number in range(70)]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 16, 17, 64, 70])
def test_every_event_is_in_its_epoch_and_the_rest_is_empty(count: int) -> None:
    """Each event at the place that is told, each other leaf an empty one of its own."""
    epoch = Epoch.build(EVENTS[:count], seed("epoch"), ROSTER)
    assert len(epoch.leaves) == padded_count(count)
    assert [epoch.leaves[position] for position in epoch.positions] == EVENTS[:count]
    others = [leaf for leaf in epoch.leaves if leaf not in EVENTS]
    assert len(set(others)) == len(epoch.leaves) - count
    assert all(is_empty(leaf) for leaf in others)
    assert not any(is_empty(event) for event in EVENTS[:count])


def test_every_leaf_has_its_path_to_the_record() -> None:
    """Inclusion under the record's events root, events and empties alike."""
    epoch = Epoch.build(EVENTS[:5], seed("epoch"), ROSTER)
    for index, leaf in enumerate(epoch.leaves):
        path = epoch.path(index)
        check_inclusion(path, leaf_hash(leaf), index, 16, epoch.record.events_root)
    assert epoch.record.events_root == root(map(leaf_hash, epoch.leaves))
    assert epoch.record.roster == ROSTER


def test_the_same_tick_gives_the_same_record() -> None:
    """A sequencer that was stopped builds again what it had built; another seed hides it."""
    first = Epoch.build(EVENTS[:5], seed("epoch"), ROSTER)
    assert first == Epoch.build(EVENTS[:5], seed("epoch"), ROSTER)
    other = Epoch.build(EVENTS[:5], seed("another"), ROSTER)
    assert first.record != other.record
    assert first.positions != other.positions


def test_the_record_is_as_long_with_events_as_without() -> None:
    """Neither the number of events nor their order shows in the public log."""
    for count in (0, 1, 70):
        record = Epoch.build(EVENTS[:count], seed("epoch"), ROSTER).record
        assert len(record.to_bytes()) == RECORD_SIZE


def test_places_are_even() -> None:
    """Over many epochs a single event stands at each of the four places about equally often."""
    counts = [0, 0, 0, 0]
    for number in range(800):
        (position,) = Epoch.build(EVENTS[:1], seed(f"epoch {number}"), ROSTER).positions
        counts[position] += 1
    assert min(counts) > 150


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_record_is_written_and_read(events: bytes, roster: bytes) -> None:
    """Any two hashes."""
    record = Record(Hash(events), roster)
    assert Record.parse(record.to_bytes()) == record


@given(mangled(RECORD.to_bytes()))
def test_a_record_is_read_only_in_its_one_spelling(twin: bytes) -> None:
    """The fast reader is as strict as the slow ones."""
    assert refuses_or_respells(Record.parse, twin)


@given(st.binary(max_size=200))
def test_no_input_breaks_the_parsers(data: bytes) -> None:
    """They refuse with their own error, whatever comes."""
    assert refuses_or_respells(Record.parse, data)
    assert refuses_or_respells(Empty.parse, data)


@given(mangled(empty_leaf(seed("epoch"), 3)))
def test_an_empty_leaf_is_read_only_in_its_one_spelling(twin: bytes) -> None:
    """Whatever is accepted is spelt exactly so."""
    assert refuses_or_respells(Empty.parse, twin)


def test_hexadecimal_that_python_would_read_is_refused() -> None:
    """Capitals and spaces, which `bytes.fromhex` takes."""
    good = RECORD.to_bytes()
    capitals = good.replace(b"\nevents ", b"\nEVENTS ").upper()
    spaced = good[:24] + b" " * 64 + good[88:]
    for bad in (capitals, spaced, good[:30] + good[30:88].upper() + good[88:]):
        with pytest.raises(TextError):
            Record.parse(bad)


def test_a_number_of_leaves_that_no_epoch_has_is_refused() -> None:
    """4, 16, 64, … and nothing in between."""
    for count in (0, 1, 2, 3, 5, 8, 15, 32):
        with pytest.raises(TextError):
            events_root([b"leaf"] * count)
    assert events_root([b"leaf"] * 16)


def test_an_impossible_epoch_is_a_mistake_of_the_caller() -> None:
    """Too many events, half a seed."""
    with pytest.raises(AssertionError, match="internal error"):
        padded_count(4**10 + 1)
    with pytest.raises(AssertionError, match="internal error"):
        Epoch.build([], b"short", ROSTER)
