"""`dengwen-submit send`: attached files follow the letter, one by one, until all are there."""

import dataclasses
import json

import pytest
import requests
from flask import Response

from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_audit.text import parse_base64
from dengwen_submit.intake import PATH
from dengwen_submit.web import create_door
from dengwen_vault.vault import Vault
from tests.small_office import make_card
from tests.submit.door_office import DoorOffice
from tests.submit.terminal import Terminal
from tests.vault.office import seal_with_files
from tests.wsgi_adapter import WsgiAdapter

WITH_FILES = seal_with_files("first")
CASE = WITH_FILES.manifest.case


@pytest.fixture
def courier(office: DoorOffice, her: Terminal) -> Terminal:
    """Give a terminal with a sealed petition with two files, and without its words."""
    her.write("my.petition", WITH_FILES.to_bytes())
    office.door.calls.clear()
    return her


def _problem(status: int, slug: str, retry_after: int | None = None) -> Response:
    problem = {"type": f"urn:dengwen:problem:{slug}", "title": "No", "status": status}
    answer = Response(json.dumps(problem), status, content_type=PROBLEM_TYPE)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def test_attached_files_follow_the_letter(office: DoorOffice, courier: Terminal) -> None:
    """One request each, when the office has signed; each arrives as it was sealed."""
    shown = courier.run("send", "my.petition")
    assert shown.code == 0
    assert shown.out.endswith("Files that have arrived: 2, which is all.\n")
    assert "Sending file 1 of 2" in shown.err
    assert office.vault.arrived(CASE) == (1, 2)
    (post,) = [request for request in office.door.requests if request.path_url == PATH]
    puts = [request for request in office.door.requests if request.method == "PUT"]
    assert post.headers["Content-Length"] == str(len(WITH_FILES.letter()))
    assert [put.path_url for put in puts] == ["/v1/attachments/1", "/v1/attachments/2"]
    kept = (courier.folder / "my.petition.acceptance").read_bytes()
    for put, part in zip(puts, WITH_FILES.manifest.attachments, strict=True):
        assert parse_base64(put.headers["Dengwen-Acceptance"], "acceptance") == kept
        assert put.headers["Content-Length"] == str(part.length)
        assert set(put.headers) <= {
            "User-Agent",
            "Accept-Encoding",
            "Content-Type",
            "Content-Length",
            "Dengwen-Acceptance",
        }


def test_in_chinese_it_is_told_in_chinese(courier: Terminal) -> None:
    """Every line, the progress too."""
    shown = courier.run("send", "my.petition", "--language", "zh")
    assert shown.code == 0
    assert shown.out == (
        "已受理并签收：my.petition.acceptance。\n"
        "受理机构须在 2 小时内把它记入日志；请用 `status` 查看。\n"
        "附件已全部收到，共 2 个。\n"
    )
    assert "正在发送第 1 个附件，共 2 个" in shown.err


def test_after_an_interruption_the_same_command_goes_on(
    office: DoorOffice, courier: Terminal
) -> None:
    """What had arrived stays one; what had not arrives."""
    office.front.path = "/v1/attachments"
    office.front.is_late = True
    office.front.instead = [Response("", 500) for _ in range(5)]
    shown = courier.run("send", "my.petition")
    assert shown.code == 1
    assert "the petition is accepted, and 0 of its 2 files have arrived" in shown.err
    assert "my.petition.acceptance" in courier.files()
    assert office.vault.arrived(CASE) == (1,)  # late answers: it came, and she does not know
    rows = office.rows()
    again = courier.run("send", "my.petition")
    assert again.code == 0
    assert office.vault.arrived(CASE) == (1, 2)
    assert office.rows() == {**rows, "attachment": 2}


def test_a_file_that_is_asked_to_wait_waits(office: DoorOffice, courier: Terminal) -> None:
    """The door says how long; the letter is not sent again for it."""
    office.front.path = "/v1/attachments"
    office.front.instead = [_problem(503, "busy", 3), _problem(503, "unavailable", 10)]
    shown = courier.run("send", "my.petition")
    assert shown.code == 0
    assert office.slept == [3, 10]
    assert office.door.calls.count(("POST", "/v1/petitions")) == 1
    assert office.vault.arrived(CASE) == (1, 2)


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("other-bytes", "a file arrived damaged: try again"),
        ("not-accepted", "send the whole file again"),
    ],
)
def test_a_refused_file_is_told_and_the_petition_stays_accepted(
    office: DoorOffice, courier: Terminal, slug: str, said: str
) -> None:
    """She learns that the petition is in, which file is not, and what to do."""
    office.front.path = "/v1/attachments"
    office.front.instead = [Response(status=204), _problem(422, slug)]
    shown = courier.run("send", "my.petition")
    assert shown.code == 1
    assert "Accepted and signed for" in shown.out
    assert "1 of its 2 files have arrived" in shown.err
    assert said in shown.err


def test_files_over_the_allowance_are_refused_in_words(
    office: DoorOffice, courier: Terminal
) -> None:
    """Before one of them is sent."""
    settings = office.folder / "vault.toml"
    settings.write_text(settings.read_text().replace("33554432", "100000"))
    small = Vault(office.folder, office.clock)
    courier.surroundings = dataclasses.replace(
        office.surroundings, open_session=lambda proxy: _session(office, small, proxy)
    )
    shown = courier.run("send", "my.petition")
    assert (shown.code, shown.out) == (1, "")
    assert "its files are together more than the office takes for one petition" in shown.err
    assert office.rows()["petition"] == 0
    small.close()


def _session(office: DoorOffice, vault: Vault, proxy: str | None) -> requests.Session:
    session = office.open_session(proxy)
    session.mount(make_card().door, WsgiAdapter(create_door(vault, office.clock)))
    return session
