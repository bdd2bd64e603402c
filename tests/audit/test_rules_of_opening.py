"""Tests of rules_of_opening.py: what must stand in the log before a share leaves."""

import dataclasses
import datetime
from collections.abc import Callable

import pytest

from dengwen_audit.note import sign_note
from tests.audit.case_book import (
    ASKED_AT,
    CaseBook,
    ask_and_release,
    disclosed_case,
    disclosure,
    extended,
    move,
    received,
    revoke,
)
from tests.audit.public_office import follow
from tests.small_office import TODAY, make_key, make_roster, make_seed
from tests.small_statements import make_request

DAY = datetime.timedelta(days=1)


def test_a_disclosure_by_the_rules_is_clean() -> None:
    """Two reviewers, three trustees, the wait, then the shares."""
    assert disclosed_case().findings() == []


def test_danger_to_life_waives_the_wait_only() -> None:
    """The same quorum, the same log."""
    assert disclosed_case(days=0, purpose="danger-to-life").findings() == []


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
    # Request
    "logged too late": (
        extended(lambda b: b.ask(index=1295)),
        ["2: logged after the last record that it allows, 1294"],
    ),
    "logged too early": (
        extended(ask_too_early),
        ["2: logged before the checkpoint that it says it follows"],
    ),
    "a longer life than the roster allows": (
        extended(lambda b: b.ask(dataclasses.replace(make_request(), last_index=1295))),
        ["2: allows itself more time than its roster does"],
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
}


@pytest.mark.parametrize("name", CASES)
def test_each_broken_rule_is_found_and_nothing_else(name: str) -> None:
    """One bend, one line; unless the bend breaks more, and then all of it."""
    make, expected = CASES[name]
    assert make().findings() == expected


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
