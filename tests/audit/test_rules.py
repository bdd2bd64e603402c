"""Tests of rules.py: a good case is clean, and each broken rule is one line."""

import dataclasses
import datetime
from collections.abc import Callable

import pytest

from dengwen_audit.note import Note, sign_note
from dengwen_audit.rules import Breach
from tests.audit.case_book import (
    ASKED_AT,
    CaseBook,
    ask_and_release,
    bent,
    case_event,
    disclosure,
    extended,
    good_case,
    move,
    received,
)
from tests.small_office import TODAY, make_case_key, make_manifest, make_seed
from tests.small_statements import make_request

DAY = datetime.timedelta(days=1)


def test_a_good_case_is_clean() -> None:
    """Received, asked for, released, answered, closed: nothing is to be said."""
    assert good_case().findings() == []


def test_a_breach_is_told_in_one_line() -> None:
    """Which case, which event, what."""
    line = str(Breach(make_seed("case"), 3, "released too early"))
    assert line == f"case {make_seed('case').hex()} event 3: released too early"


def refuse_cause(book: CaseBook, number: int) -> None:
    """Change the last signature byte of an event's cause."""
    event = case_event(book, number)
    note = book.causes[event]  # type: ignore[index]
    line = note.signatures[0]
    wrong = dataclasses.replace(line, blob=line.blob[:-1] + bytes([line.blob[-1] ^ 1]))
    book.causes[event] = Note(note.text, (wrong,))  # type: ignore[index]


def withhold_cause(book: CaseBook, number: int) -> None:
    """Serve an event without its cause."""
    del book.causes[case_event(book, number)]  # type: ignore[arg-type]


def withhold_manifest(book: CaseBook) -> None:
    """Serve no manifest."""
    book.manifests.clear()


def change_event(book: CaseBook, number: int, **changes: object) -> None:
    """Change an event of the case, and none after it."""
    for place, logged in enumerate(book.events):
        if logged.event.case == book.manifest.case and logged.event.number == number:
            event = dataclasses.replace(logged.event, **changes)  # type: ignore[arg-type]
            book.events[place] = dataclasses.replace(logged, event=event)


def ask_by(book: CaseBook, *signers: str, **changes: object) -> None:
    """Ask once more, by these reviewers."""
    fields = {"requester": signers[0], "nonce": make_seed("again")} | changes
    request = dataclasses.replace(make_request(), **fields)  # type: ignore[arg-type]
    book.ask(request, ASKED_AT + 5, signers)


def receive_late() -> CaseBook:
    """Return a case whose reception is two days younger than its acceptance."""
    book = CaseBook()
    book.receive(day=TODAY + 2 * DAY)
    return book


CASES: dict[str, tuple[Callable[[], CaseBook], list[str]]] = {
    # Chain
    "an event is missing": (bent(lambda b: b.drop(3)), ["4: event 3 is missing before it"]),
    "two events are missing": (
        bent(lambda b: b.drop(3, 4)),
        ["5: events 3 to 4 are missing before it"],
    ),
    "a second event for a number": (
        bent(lambda b: b.events.append(dataclasses.replace(b.events[-1], index=ASKED_AT + 40))),
        ["6: a second event with this number"],
    ),
    "an event that was changed": (
        bent(lambda b: change_event(b, 3, salt=make_seed("another"))),
        ["4: does not follow the event before it"],
    ),
    "a chain that hangs on another manifest": (
        bent(lambda b: change_event(b, 1, previous=make_seed("another"))),
        ["1: does not follow the event before it", "2: does not follow the event before it"],
    ),
    "an event before its predecessor": (
        bent(lambda b: move(b, 5, ASKED_AT)),
        ["5: stands in the log before the event before it"],
    ),
    "no reception": (
        bent(lambda b: b.drop(1)),
        ["2: event 1 is missing before it"],
    ),
    "another beginning": (
        bent(lambda b: change_event(b, 1, type="attachment.received")),
        [
            "1: a case that does not begin with its reception",
            "2: does not follow the event before it",
        ],
    ),
    "received twice": (
        extended(lambda b: b.receive(ASKED_AT)),
        ["2: received a second time"],
    ),
    # Cause
    "a cause is withheld": (
        bent(lambda b: withhold_cause(b, 5)),
        ["5: its cause is not served"],
    ),
    "no acceptance": (
        bent(lambda b: withhold_cause(b, 1)),
        ["1: its cause is not served"],
    ),
    "a signature is wrong": (
        bent(lambda b: refuse_cause(b, 5)),
        ["5: its cause does not hold: the signature by reviewer-1 is wrong"],
    ),
    "an actor who did not sign": (
        bent(lambda b: change_event(b, 6, actor="reviewer-1")),
        ["6: its cause does not hold: the event names an actor who did not sign"],
    ),
    "closed by one": (
        extended(lambda b: b.say("case.closed", ASKED_AT)),
        ["2: its cause does not hold: too few known signatures: 1 of 2"],
    ),
    "answered by a reviewer of another panel": (
        extended(lambda b: b.say("case.answered", ASKED_AT, ("reviewer-3",))),
        ["2: its cause does not hold: a signer is not of the case's panel"],
    ),
    "asked by a reviewer of another panel": (
        extended(lambda b: ask_by(b, "reviewer-3")),
        ["2: its cause does not hold: a signer is not of the case's panel"],
    ),
    "asked by a revoked reviewer": (
        extended(lambda b: ask_by(b, "reviewer-2")),
        [
            "2: its cause does not hold: too few known signatures: 0 of 1",
        ],
    ),
    "a disclosure asked for by one": (
        extended(lambda b: b.ask(disclosure())),
        ["2: its cause does not hold: too few members of the panel signed"],
    ),
    "withdrawn by somebody else": (
        extended(lambda b: b.say("case.withdrawn", ASKED_AT)),
        ["2: its cause does not hold: the event names another actor, or one who may not do this"],
    ),
    "another seat": (
        extended(lambda b: ask_and_release(b, "gatekeeper-1", ASKED_AT + 1, seat=2)),
        ["3: its cause does not hold: no holder, or another seat"],
    ),
    # Manifest
    "no manifest": (
        bent(withhold_manifest),
        ["1: the manifest does not hold: its manifest is not served"],
    ),
    "a manifest that the petitioner did not sign": (
        bent(
            lambda b: b.manifests.update(
                {
                    bytes(b.manifest.case): sign_note(
                        b.manifest.to_bytes(), make_case_key("another case")
                    )
                }
            )
        ),
        ["1: the manifest does not hold: too few known signatures: 0 of 1"],
    ),
    "the manifest of another case": (
        bent(
            lambda b: b.manifests.update(
                {
                    bytes(b.manifest.case): sign_note(
                        make_manifest(case="another case").to_bytes(),
                        make_case_key("another case"),
                    )
                }
            )
        ),
        ["1: the manifest does not hold: its manifest is that of another case"],
    ),
    # Deadlines
    "in the log two days late": (
        receive_late,
        [f"1: in the log too late: accepted on {TODAY}"],
    ),
    "answered late": (
        extended(lambda b: b.say("case.answered", ASKED_AT, day=TODAY + 61 * DAY)),
        [f"2: late: the deadline was {TODAY + 60 * DAY}"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_broken_rule_is_found_and_nothing_else(name: str) -> None:
    """One bend, one line; unless the bend breaks more, and then all of it."""
    make, expected = CASES[name]
    assert make().findings() == expected


def test_a_petition_that_waits_its_hour_over_midnight_is_in_time() -> None:
    """The next day is in time; days are too coarse to say more."""
    book = CaseBook()
    book.receive(day=TODAY + DAY)
    assert book.findings() == []


def test_a_case_is_overdue_from_the_day_after_its_deadline() -> None:
    """Auditors publish this list."""
    book = received(CaseBook())
    book.today = TODAY + 60 * DAY
    assert book.findings() == []
    book.today += DAY
    assert book.findings() == [f"1: overdue: no answer, and the deadline was {TODAY + 60 * DAY}"]


@pytest.mark.parametrize("end", ["case.withdrawn", "case.erased"])
def test_a_case_that_its_petitioner_ended_is_not_overdue(end: str) -> None:
    """She no longer waits."""
    book = received(CaseBook())
    book.petitioner_says(end, ASKED_AT)
    book.today = TODAY + 100 * DAY
    assert book.findings() == []


# The office's chain, and the edges of a grant


def test_a_gap_in_the_offices_chain_is_found() -> None:
    """Grants and rosters are events like any other."""
    book = CaseBook()
    for index in (1, 2, 3):
        book.grant(index)
    del book.events[1]
    assert book.findings() == ["3: event 2 is missing before it"]


def test_a_grant_that_one_root_keeper_signed_is_found() -> None:
    """Nobody is let in by one."""
    book = CaseBook()
    book.grant(1)
    note = book.causes[book.events[0].event.cause]  # type: ignore[index]
    book.causes[note.hash] = Note(note.text, note.signatures[:1])
    assert book.findings() == ["1: its cause does not hold: too few known signatures: 1 of 2"]


def test_what_began_before_the_grant_is_judged_from_there_on() -> None:
    """A later beginning is no gap; what follows is judged as ever."""
    book = good_case()
    book.start = ASKED_AT + 1
    book.events = [logged for logged in book.events if logged.index >= book.start]
    assert book.findings() == []
    book.drop(5)
    assert book.findings() == ["6: event 5 is missing before it"]


def test_events_of_one_record_may_come_in_any_order() -> None:
    """The leaves of an epoch are shuffled."""
    book = good_case()
    for number in range(2, 7):
        move(book, number, ASKED_AT + number)
    move(book, 5, ASKED_AT + 6)
    book.events.reverse()
    book.events.sort(key=lambda logged: logged.index)
    assert book.findings() == []


def test_a_roster_that_is_not_shown_is_one_finding_and_no_crash() -> None:
    """`verify` reports the roster itself."""
    book = good_case()
    book.rosters.clear()
    assert book.findings() != []
    assert all("does not hold" in line for line in book.findings())
