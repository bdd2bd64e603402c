"""Tests of event.py: events have one spelling, and form one chain. Cases: vectors/event.json."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.errors import AuditError, RuleError
from dengwen_audit.event import (
    EVENT_TYPES,
    MAX_EVENT_BYTES,
    OFFICE,
    ROOTS,
    ChainError,
    Event,
    check_chain,
)
from dengwen_audit.merkle import leaf_hash
from dengwen_audit.text import ZERO_HASH, TextError
from tests.mangling import byte_flips, mangled, refuses_or_respells
from tests.small_log import seed
from tests.vectors.samples import sample_events

EVENTS = sample_events()
MANIFEST = seed("manifest")


def rechained(events: list[Event]) -> list[Event]:
    """Return *events* numbered and chained anew, as a forger without the old ones would."""
    chained: list[Event] = []
    previous = MANIFEST
    for number, event in enumerate(events, start=1):
        chained.append(replace(event, number=number, previous=previous))
        previous = chained[-1].hash
    return chained


def test_an_event_is_called_by_the_hash_of_its_leaf() -> None:
    """So that the chain and the epoch's tree speak of the same bytes."""
    for event in EVENTS:
        assert Event.parse(event.to_bytes()) == event
        assert event.hash == leaf_hash(event.to_bytes())


@given(mangled(EVENTS[1].to_bytes()))
def test_an_event_is_read_only_in_its_one_spelling(twin: bytes) -> None:
    """Whatever is accepted is spelt exactly so, and is another event."""
    assert refuses_or_respells(Event.parse, twin)


@given(st.binary(max_size=MAX_EVENT_BYTES + 1))
def test_no_input_breaks_the_parser(data: bytes) -> None:
    """It refuses with its own error, whatever comes."""
    assert refuses_or_respells(Event.parse, data)


def test_what_could_not_be_read_cannot_be_made() -> None:
    """The office cannot log by mistake what nobody accepts."""
    event = EVENTS[1]
    for change in (
        {"type": "open.sesame"},
        {"number": 0},
        {"salt": bytes(31)},
        {"cause": bytes(33)},
        {"previous": b""},
        {"case": ZERO_HASH},
        {"type": "roster.published"},
        {"actor": "petitioner"},
        {"actor": "roots"},
    ):
        with pytest.raises(TextError):
            replace(event, **change)


def test_a_chain_is_accepted_whole_and_in_part() -> None:
    """Its beginning is a chain, and so is nothing at all."""
    for count in range(len(EVENTS) + 1):
        check_chain(EVENTS[:count], MANIFEST)


def test_a_changed_byte_of_an_event_breaks_the_chain() -> None:
    """Of any event but the last, whatever the byte: the next event names another hash."""
    for twin in byte_flips(EVENTS[1].to_bytes()):
        with pytest.raises(AuditError):
            check_chain([EVENTS[0], Event.parse(twin), EVENTS[2]], MANIFEST)


@pytest.mark.parametrize(
    ("claim", "events"),
    {
        "the first is missing": EVENTS[1:],
        "one in between is missing": [EVENTS[0], EVENTS[2]],
        "two are swapped": [EVENTS[1], EVENTS[0], EVENTS[2]],
        "one is there twice": [EVENTS[0], EVENTS[0], *EVENTS[1:]],
        "numbered anew after a gap": [EVENTS[0], replace(EVENTS[2], number=2)],
        "another event with the same number": [
            EVENTS[0],
            replace(EVENTS[1], actor="reviewer-8"),
            EVENTS[2],
        ],
        "one of another case, chained": rechained([EVENTS[0], replace(EVENTS[1], case=seed("c"))]),
    }.items(),
)
def test_what_is_no_chain_is_refused(claim: str, events: list[Event]) -> None:
    """Left out, doubled, swapped, changed, or of two cases."""
    with pytest.raises(ChainError):
        check_chain(events, MANIFEST)
    assert issubclass(ChainError, RuleError), claim


def test_a_chain_hangs_on_its_manifest() -> None:
    """The same events under another manifest are no case."""
    with pytest.raises(ChainError, match="event 1 does not follow"):
        check_chain(EVENTS, seed("another manifest"))


def test_every_type_says_what_may_cause_it_and_who() -> None:
    """The list is closed and complete, and only two types are the operator's own word."""
    for name, kind in EVENT_TYPES.items():
        assert kind.name == name
        assert kind.actors
        assert all(cause.startswith("dengwen/") for cause in kind.cause_kinds)
        assert kind.signers == 2 or ROOTS not in kind.actors
    by_office = {name for name, kind in EVENT_TYPES.items() if OFFICE in kind.actors}
    assert by_office == {"petition.received", "attachment.received"}


def test_the_page_of_the_format_lists_the_same_types() -> None:
    """With cause, actors and signers; an event of the office is marked."""
    page = Path(__file__).parents[2] / "docs" / "formats" / "event.md"
    rows = [line for line in page.read_text(encoding="utf-8").split("\n") if line.startswith("| `")]
    assert rows == [
        f"| `{kind.name}`{' °' if kind.of_office else ''} "
        f"| {', '.join(f'`{cause}`' for cause in kind.cause_kinds)} "
        f"| {', '.join(kind.actors)} "
        f"| {'threshold' if ROOTS in kind.actors else kind.signers} |"
        for kind in EVENT_TYPES.values()
    ]


def test_one_member_alone_cannot_end_a_case_or_ask_for_an_identity() -> None:
    """These take two signatures."""
    assert {
        name for name, kind in EVENT_TYPES.items() if kind.signers == 2 and ROOTS not in kind.actors
    } == {"case.closed", "case.unopenable", "disclosure.requested"}


def test_an_actor_is_judged_by_role_or_by_its_own_word() -> None:
    """A member's id that reads like a reserved word gains nothing by it."""
    asked, withdrawn = EVENT_TYPES["open.requested"], EVENT_TYPES["case.withdrawn"]
    assert asked.is_actor("anna", "reviewer")
    assert not asked.is_actor("anna", "trustee")
    assert not asked.is_actor("anna", None)
    assert not asked.is_actor("petitioner", "reviewer")
    assert withdrawn.is_actor("petitioner", None)
    assert not withdrawn.is_actor("anna", "petitioner")
