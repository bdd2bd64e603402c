"""
`dengwen-submit send` at a crowded door: it asks before it sends, keeps her place, and works.

A door may also refuse at the petition itself: between asking and sending others came.
"""

import json

import pytest
from flask import Response

from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_submit.intake import PATH, PLACES
from dengwen_submit.puzzle import is_solution
from dengwen_submit.ticket import case_hash
from tests.small_office import make_roster
from tests.submit.door_office import DoorOffice
from tests.submit.terminal import Terminal
from tests.vault.office import seal_petition

PETITION = seal_petition("first")
TICKET = "173568960.0.9f3c"


@pytest.fixture
def sender(office: DoorOffice, her: Terminal) -> Terminal:
    """Give a terminal with a sealed petition."""
    her.write("my.petition", PETITION.to_bytes())
    office.door.calls.clear()
    return her


@pytest.fixture(params=[PLACES, PATH], autouse=True)
def _refused_at(office: DoorOffice, request: pytest.FixtureRequest) -> None:
    """Let the door refuse whoever asks, or whoever sends."""
    office.front.path = request.param


def _come_back(slug: str, seconds: int, **headers: str) -> Response:
    body = {"type": f"urn:dengwen:problem:{slug}", "title": "Come back", "status": 503}
    answer = Response(json.dumps(body), 503, content_type=PROBLEM_TYPE)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    answer.headers.update({"Retry-After": str(seconds)} | fields)
    return answer


def test_a_crowded_door_keeps_her_place(office: DoorOffice, sender: Terminal) -> None:
    """However often it calls her: each time she shows the ticket that it gave her."""
    again = [_come_back("busy", 3) for _ in range(11)]
    office.front.instead = [_come_back("busy", 3, Dengwen_Ticket=TICKET), *again]
    shown = sender.run("send", "my.petition")
    assert (shown.code, office.slept) == (0, [3] * 12)
    assert "the office keeps your place" in shown.err
    at = [request for request in office.door.requests if request.path_url == office.front.path]
    assert at[0].headers.get("Dengwen-Ticket") != TICKET
    assert [request.headers.get("Dengwen-Ticket") for request in at[1:]] == [TICKET] * 12


def test_nothing_is_sent_before_there_is_a_place(office: DoorOffice, sender: Terminal) -> None:
    """A crowd that is told to come back has sent no petitions for it."""
    office.front.path = PLACES
    office.front.instead = [_come_back("busy", 3) for _ in range(2)]
    assert sender.run("send", "my.petition").code == 0
    posts = [path for method, path in office.door.calls if method == "POST"]
    assert posts == [PLACES] * 3 + [PATH]
    asked = [request for request in office.door.requests if request.path_url == PLACES]
    announced = case_hash(PETITION.manifest.case).hex()
    assert {request.headers["Dengwen-Case"] for request in asked} == {announced}
    assert {request.headers["Content-Length"] for request in asked} == {"0"}


def test_a_door_that_asks_for_work_gets_it_at_once(office: DoorOffice, sender: Terminal) -> None:
    """Some seconds of hashing, for this case and this roster, and it is shown as it goes on."""
    roster = make_roster().hash
    office.front.instead = [_come_back("puzzle", 2, Dengwen_Puzzle=f"8 {roster.hex()}")]
    shown = sender.run("send", "my.petition")
    assert (shown.code, office.slept) == (0, [])
    assert "Working for a place" in shown.err
    solution = office.door.requests[-1].headers["Dengwen-Puzzle"]
    assert is_solution(solution, case_hash(PETITION.manifest.case), roster, 8)


@pytest.mark.parametrize("asked", ["15 " + "0" * 64, "99 " + "0" * 64, "8 river", "8", ""])
def test_no_door_can_keep_her_device_busy(office: DoorOffice, sender: Terminal, asked: str) -> None:
    """More work than the rules allow is not done: she waits, as without it."""
    office.front.instead = [_come_back("puzzle", 2, Dengwen_Puzzle=asked)]
    shown = sender.run("send", "my.petition")
    assert (shown.code, office.slept) == (0, [2])
    assert "Working" not in shown.err
