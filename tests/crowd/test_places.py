"""Asking for a place: what a crowd is told before anybody has sent a petition."""

from __future__ import annotations

import requests

from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_submit.intake import PLACES
from dengwen_submit.puzzle import solve
from dengwen_submit.ticket import case_hash
from dengwen_submit.web import HEADERS, create_door
from tests.crowd.open_door import OpenDoor
from tests.patience import PATIENCE, wait_until
from tests.small_office import make_roster
from tests.vault.office import seal_petition


def test_whoever_may_send_is_told_so_and_gets_a_ticket(door: OpenDoor) -> None:
    """With it she is let in before those who did not ask."""
    place = door.ask("first")
    assert (place.status_code, place.content) == (204, b"")
    assert "Content-Length" not in place.headers
    assert HEADERS.items() <= place.headers.items()
    assert place.headers["Cache-Control"] == "no-store"
    assert door.send("first", Dengwen_Ticket=place.headers["Dengwen-Ticket"]).ok
    assert door.office.rows()["petition"] == 1


def test_whoever_asks_again_keeps_her_ticket(door: OpenDoor) -> None:
    """It tells how long she has waited."""
    ticket = door.ask("first").headers["Dengwen-Ticket"]
    assert door.ask("first", Dengwen_Ticket=ticket).headers["Dengwen-Ticket"] == ticket


def test_a_paused_intake_says_so_before_anything_is_sent(door: OpenDoor) -> None:
    """And keeps the place."""
    door.settings('intake = "paused"\n')
    answer = door.ask("first")
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, PROBLEM_TYPE)
    assert answer.json()["type"] == "urn:dengwen:problem:paused"
    ticket = answer.headers["Dengwen-Ticket"]
    door.settings('intake = "open"\n')
    assert door.ask("first", Dengwen_Ticket=ticket).headers["Dengwen-Ticket"] == ticket


def test_work_is_asked_for_and_judged_before_anything_is_sent(door: OpenDoor) -> None:
    """The same puzzle, and its solution opens both."""
    door.settings("puzzle = 8\n")
    wait_until(lambda: door.line._roster)
    answer = door.ask("first")
    assert answer.json()["type"] == "urn:dengwen:problem:puzzle"
    bits, roster = answer.headers["Dengwen-Puzzle"].split(" ")
    hers = case_hash(seal_petition("first").manifest.case)
    work = {
        "Dengwen_Puzzle": solve(hers, bytes.fromhex(roster), int(bits), lambda _: None),
        "Dengwen_Ticket": answer.headers["Dengwen-Ticket"],
    }
    assert roster == make_roster().hash.hex()
    assert door.ask("second", **work).status_code == 503
    assert door.ask("first", **work).status_code == 204
    assert door.send("first", **work).ok


def test_whoever_announces_no_case_is_answered_without_a_ticket(door: OpenDoor) -> None:
    """A ticket is bound to a case."""
    for case in ({}, {"Dengwen-Case": "river"}):
        answer = requests.post(door.url + PLACES, headers=case, timeout=PATIENCE)
        assert answer.status_code == 204
        assert "Dengwen-Ticket" not in answer.headers


def test_a_question_has_no_body(door: OpenDoor) -> None:
    """It is refused at its header."""
    answer = requests.post(door.url + PLACES, b"x", timeout=PATIENCE)
    assert answer.status_code == 413


def test_a_door_without_a_line_has_a_place_for_everybody(door: OpenDoor) -> None:
    """The application alone, as other servers run it."""
    flask = create_door(door.office.vault, door.office.clock).test_client()
    answer = flask.post(PLACES)
    assert (answer.status_code, answer.data) == (204, b"")
    assert flask.post(PLACES, data=b"x").status_code == 413
    assert flask.get(PLACES).status_code in (404, 405)
