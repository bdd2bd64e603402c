"""Tests of rules.py: a good case is clean, and each broken rule is one line."""

import dataclasses
import datetime
from collections.abc import Callable

import pytest

from dengwen_audit.note import Note, sign_note
from dengwen_audit.rules import Breach
from dengwen_audit.statements.member import Revocation
from tests.audit.case_book import (
    ASKED_AT,
    CaseBook,
    disclosed_case,
    disclosure,
    good_case,
)
from tests.audit.public_office import follow
from tests.small_office import TODAY, make_case_key, make_key, make_manifest, make_roster, make_seed
from tests.small_statements import make_request

DAY = datetime.timedelta(days=1)


def test_a_good_case_is_clean() -> None:
    """Received, asked for, released, answered, closed: nothing is to be said."""
    assert good_case().findings() == []


def test_a_disclosure_by_the_rules_is_clean() -> None:
    """Two reviewers, three trustees, the wait, then the shares."""
    assert disclosed_case().findings() == []


def test_danger_to_life_waives_the_wait_only() -> None:
    """The same quorum, the same log."""
    assert disclosed_case(days=0, purpose="danger-to-life").findings() == []


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


def case_event(book: CaseBook, number: int) -> bytes:
    """Return the hash of the cause of an event of the case."""
    return next(
        logged.event.cause
        for logged in book.events
        if logged.event.case == book.manifest.case and logged.event.number == number
    )


def withhold_cause(book: CaseBook, number: int) -> None:
    """Serve an event without its cause."""
    del book.causes[case_event(book, number)]  # type: ignore[arg-type]


def withhold_manifest(book: CaseBook) -> None:
    """Serve no manifest."""
    book.manifests.clear()


def move(book: CaseBook, number: int, index: int) -> None:
    """Put an event of the case into another record."""
    book.events = [
        dataclasses.replace(logged, index=index)
        if logged.event.case == book.manifest.case and logged.event.number == number
        else logged
        for logged in book.events
    ]


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


def revoke(book: CaseBook, member: str) -> None:
    """Let the next records name a roster in which *member* is revoked."""
    revoked = (*make_roster().revoked, Revocation(member, TODAY))
    book.use(follow(make_roster(), revoked=revoked))


def received(book: CaseBook) -> CaseBook:
    """Return a case that was received."""
    book.receive()
    return book


def after_end(end: str, signers: tuple[str, ...] = ()) -> Callable[[], CaseBook]:
    """Return what makes a case in which a request follows its end."""

    def make() -> CaseBook:
        book = received(CaseBook())
        if signers:
            book.say(end, ASKED_AT - 1, signers)
        else:
            book.petitioner_says(end, ASKED_AT - 1)
        book.ask()
        return book

    return make


def bent(bend: Callable[[CaseBook], object]) -> Callable[[], CaseBook]:
    """Return what makes a good case and bends it."""

    def make() -> CaseBook:
        book = good_case()
        bend(book)
        return book

    return make


def extended(extend: Callable[[CaseBook], object]) -> Callable[[], CaseBook]:
    """Return what makes a received case and goes on from there."""

    def make() -> CaseBook:
        book = received(CaseBook())
        extend(book)
        return book

    return make


def ask_and_release(book: CaseBook, holder: str, index: int, **changes: object) -> None:
    """Ask, and release."""
    book.ask()
    book.release(holder, index, **changes)  # type: ignore[arg-type]


def release_after_withdrawal(book: CaseBook, records: int) -> None:
    """Ask, withdraw, and release so many records later."""
    book.ask()
    book.petitioner_says("case.withdrawn", ASKED_AT + 1)
    book.release("gatekeeper-1", ASKED_AT + 1 + records)


def ask_too_early(book: CaseBook) -> None:
    """Ask in a record before the checkpoint that the request says it follows."""
    move(book, 1, 1200)
    book.ask(index=1233)


def release_twice(book: CaseBook) -> None:
    """Let one holder answer one request with two different releases."""
    ask_and_release(book, "gatekeeper-1", ASKED_AT + 1)
    book.release("gatekeeper-1", ASKED_AT + 2)


def receive_late() -> CaseBook:
    """Return a case whose reception is two days younger than its acceptance."""
    book = CaseBook()
    book.receive(day=TODAY + 2 * DAY)
    return book


def ask_while_revoked(book: CaseBook) -> None:
    """A request meets the revocation of its author on its way, and a holder answers it anyway."""
    revoke(book, "reviewer-1")
    book.ask()
    book.release("gatekeeper-1", ASKED_AT + 1)


def ask_under_old_roster(book: CaseBook) -> None:
    """Ask under the roster before the one before."""
    second = follow(make_roster())
    book.use(second)
    book.use(follow(second))
    book.ask()


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
    # Request
    "logged too late": (
        extended(lambda b: b.ask(index=1295)),
        ["2: logged after the last record that it allows, 1294"],
    ),
    "logged too early": (
        extended(ask_too_early),
        ["2: logged before the checkpoint that it says it follows"],
    ),
    "an identity by the way of petitions": (
        extended(
            lambda b: b.add(
                "open.requested",
                sign_note(disclosure().to_bytes(), make_key("reviewer-1")),
                "reviewer-1",
                ASKED_AT,
            )
        ),
        ["2: asks for a compartment that this kind of request does not open"],
    ),
    "under an old roster": (
        extended(ask_under_old_roster),
        ["2: made under a roster that was no longer in force"],
    ),
    # Release
    "released without a request": (
        extended(lambda b: b.release("gatekeeper-1", ASKED_AT)),
        ["2: answers a request that is not in this case"],
    ),
    "released in the record of the request": (
        extended(lambda b: ask_and_release(b, "gatekeeper-1", ASKED_AT)),
        ["3: not later in the log than its request, event 2"],
    ),
    "released for another compartment": (
        extended(
            lambda b: ask_and_release(b, "gatekeeper-1", ASKED_AT + 1, compartment="identity")
        ),
        [
            "3: answers for another compartment than the request's",
            "3: released after 0 valid approvals of 3",
            "3: released before the wait of 259200 seconds was over",
        ],
    ),
    "released by a trustee": (
        extended(lambda b: ask_and_release(b, "trustee-1", ASKED_AT + 1)),
        ["3: by a holder who does not guard the petition"],
    ),
    "released twice by one holder": (
        extended(release_twice),
        ["4: a second answer of this holder to one request"],
    ),
    "released to a revoked reviewer": (
        extended(ask_while_revoked),
        ["3: released to a reviewer who was revoked"],
    ),
    # End
    "asked after a withdrawal": (
        after_end("case.withdrawn"),
        ["3: after case.withdrawn, event 2"],
    ),
    "asked after a closing": (
        after_end("case.closed", ("reviewer-1", "reviewer-4")),
        ["3: after case.closed, event 2"],
    ),
    "released after a withdrawal": (
        extended(lambda b: release_after_withdrawal(b, 2)),
        ["4: after case.withdrawn, event 3"],
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


def test_a_share_on_its_way_when_the_petitioner_withdraws_is_no_breach() -> None:
    """The holder could not have known."""
    book = received(CaseBook())
    release_after_withdrawal(book, 1)
    assert book.findings() == []


def test_a_request_that_meets_its_authors_revocation_is_no_breach() -> None:
    """Nobody answered it."""
    book = received(CaseBook())
    revoke(book, "reviewer-1")
    book.ask()
    assert book.findings() == []


def test_a_refusal_is_an_answer_too() -> None:
    """It needs its request like a release."""
    book = received(CaseBook())
    book.release("gatekeeper-1", ASKED_AT, type_="share.refused", kind="dengwen/refusal/v1")
    assert book.findings() == ["2: answers a request that is not in this case"]


# Disclosure


def test_shares_of_an_identity_before_the_quorum_are_found() -> None:
    """Two approvals of three are none."""
    book = disclosed_case()
    book.events = [logged for logged in book.events if logged.event.actor != "trustee-3"]
    found = book.findings()
    assert "6: released after 2 valid approvals of 3" in found
    assert "7: released after 2 valid approvals of 3" in found


def test_an_approval_in_the_record_of_the_release_comes_too_late() -> None:
    """Holders see only what is in the log before."""
    book = disclosed_case()
    move(book, 5, ASKED_AT + 10)
    assert book.findings() == [
        "6: released after 2 valid approvals of 3",
        "7: released after 2 valid approvals of 3",
    ]


@pytest.mark.parametrize(("days", "is_clean"), [(0, False), (2, False), (3, True)])
def test_shares_before_the_wait_are_found(days: int, is_clean: bool) -> None:
    """Three days lie between for certain only from the fourth on; on the third they may."""
    found = disclosed_case(days).findings()
    wait = "released before the wait of 259200 seconds was over"
    assert found == ([] if is_clean else [f"6: {wait}", f"7: {wait}"])


def test_an_objection_voids_the_approvals_before_it() -> None:
    """The trustees must approve again, knowing it."""
    request, book = disclosure(), CaseBook()
    book.receive()
    book.ask(request, signers=("reviewer-1", "reviewer-4"))
    for trustee in ("trustee-1", "trustee-2", "trustee-3"):
        book.release(trustee, ASKED_AT + 1, request, "disclosure.approved")
    book.petitioner_says("disclosure.objected", ASKED_AT + 2)
    later = TODAY + 4 * DAY
    book.release("gatekeeper-1", ASKED_AT + 10, request, day=later)
    assert book.findings() == ["7: released after 0 valid approvals of 3"]
    for trustee in ("trustee-1", "trustee-4", "trustee-5"):
        book.release(trustee, ASKED_AT + 11, request, "disclosure.approved", later)
    book.release("gatekeeper-2", ASKED_AT + 12, request, day=later)
    assert [line for line in book.findings() if line.startswith("11:")] == []


def test_approvals_of_another_request_do_not_count() -> None:
    """One approval here and two there are not three."""
    first, second = disclosure(), disclosure(nonce=make_seed("second"))
    book = CaseBook()
    book.receive()
    for request in (first, second):
        book.ask(request, signers=("reviewer-1", "reviewer-4"))
    book.release("trustee-1", ASKED_AT + 1, first, "disclosure.approved")
    for trustee in ("trustee-2", "trustee-3"):
        book.release(trustee, ASKED_AT + 1, second, "disclosure.approved")
    book.release("gatekeeper-1", ASKED_AT + 10, first, day=TODAY + 4 * DAY)
    assert book.findings() == ["7: released after 1 valid approvals of 3"]


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
