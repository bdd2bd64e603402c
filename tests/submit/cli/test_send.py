"""`dengwen-submit send`: the same bytes until the office signs for them, once."""

import dataclasses
import datetime
import json
from collections.abc import Callable

import pytest
from flask import Response

from dengwen_audit.note import Note
from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_submit.intake import PATH
from dengwen_submit.ticket import case_hash
from tests.small_office import make_key, make_roster
from tests.submit.door_office import DoorOffice
from tests.submit.office_files import next_roster
from tests.submit.terminal import Terminal
from tests.vault.office import seal_petition

POST = ("POST", PATH)
PETITION = seal_petition("first")
DAY = datetime.timedelta(days=1).total_seconds()


@pytest.fixture
def sender(office: DoorOffice, her: Terminal) -> Terminal:
    """Give a terminal with a sealed petition, which may have been made on another machine."""
    her.write("my.petition", PETITION.to_bytes())
    office.door.calls.clear()
    return her


@pytest.fixture
def standing_sender(standing_her: Terminal) -> Terminal:
    """Give the same at an office that other tests use as well."""
    standing_her.write("my.petition", PETITION.to_bytes())
    return standing_her


def _posts(office: DoorOffice) -> int:
    return office.door.calls.count(POST)


def test_a_petition_is_sent_and_signed_for(office: DoorOffice, sender: Terminal) -> None:
    """The acceptance lies beside the file; what it promises is told."""
    shown = sender.run("send", "my.petition")
    assert shown.code == 0
    assert shown.out == (
        "Accepted and signed for: my.petition.acceptance.\n"
        "The office must show it in its log within 2 hours; look with `status`.\n"
    )
    note = Note.parse((sender.folder / "my.petition.acceptance").read_bytes())
    assert Acceptance.parse(note.text).manifest == PETITION.note.hash
    assert office.rows()["petition"] == 1


def test_twice_is_one_petition_and_the_first_acceptance_stays(
    office: DoorOffice, sender: Terminal
) -> None:
    """The earliest day is the one worth having; the second answer does not replace it."""
    assert sender.run("send", "my.petition").code == 0
    first = (sender.folder / "my.petition.acceptance").read_bytes()
    rows, files = office.rows(), sender.files()
    office.now += DAY
    again = sender.run("send", "my.petition", "--at-once")
    assert again.code == 0
    assert again.out.startswith("Accepted and signed for: my.petition.acceptance.\n")
    assert (office.rows(), sender.files()) == (rows, files)
    assert (sender.folder / "my.petition.acceptance").read_bytes() == first


@pytest.mark.parametrize("content", [b"not an acceptance", None])
def test_an_acceptance_of_another_petition_is_not_replaced(
    sender: Terminal, content: bytes | None
) -> None:
    """A file name may come back; what lies beside it may be the only proof of something else."""
    if content is None:
        sender.write("other.petition", seal_petition("other").to_bytes())
        assert sender.run("send", "other.petition").code == 0
        (sender.folder / "other.petition.acceptance").rename(
            sender.folder / "my.petition.acceptance"
        )
    else:
        sender.write("my.petition.acceptance", content)
    before = (sender.folder / "my.petition.acceptance").read_bytes()
    for _ in range(2):
        shown = sender.run("send", "my.petition")
        assert shown.out.startswith("Accepted and signed for: my.petition.acceptance-2.\n")
    assert (sender.folder / "my.petition.acceptance").read_bytes() == before
    assert "my.petition.acceptance-3" not in sender.files()


def test_at_once_enters_the_next_record(office: DoorOffice, sender: Terminal) -> None:
    """Only if she says so; the help tells what it costs."""
    assert sender.run("send", "my.petition", "--at-once").code == 0
    office.tick()
    assert len(office.events(PETITION.manifest)) == 1
    told = " ".join(sender.run("send", "--help").out.split())
    assert "it shows the minute at which you sent" in told


def _problem(status: int, slug: str, retry_after: int | None = None) -> Response:
    problem = {"type": f"urn:dengwen:problem:{slug}", "title": "No", "status": status}
    answer = Response(json.dumps(problem), status, content_type=PROBLEM_TYPE)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(
    office: DoorOffice, sender: Terminal
) -> None:
    """The office has it, she does not know; the third try gets the answer, for one petition."""
    office.front.is_late = True
    office.front.instead = [Response("<html>", 502), Response("", 504)]
    shown = sender.run("send", "my.petition")
    assert shown.code == 0
    assert _posts(office) == 3
    assert office.slept == [2, 4]
    assert "Not yet: the office refused with status 502. Trying again in 2 seconds." in shown.err
    assert office.rows()["petition"] == 1


def test_a_door_that_asks_for_patience_gets_it(office: DoorOffice, sender: Terminal) -> None:
    """It says how long, and the command waits so long, up to two minutes."""
    office.front.instead = [_problem(503, "not-ready", 30), _problem(429, "busy", 120)]
    shown = sender.run("send", "my.petition")
    assert shown.code == 0
    assert office.slept == [30, 120]
    assert "Trying again in 30 seconds." in shown.err


def test_a_door_that_asks_for_a_day_is_left_alone(
    standing_office: DoorOffice, standing_sender: Terminal
) -> None:
    """No command hangs for a day: the sentence is told, and she decides."""
    standing_office.front.instead = [_problem(429, "tomorrow", 86_400)]
    shown = standing_sender.run("send", "my.petition")
    assert (shown.code, shown.out) == (1, "")
    assert (_posts(standing_office), standing_office.slept) == (1, [])


def test_after_five_attempts_it_gives_up(office: DoorOffice, sender: Terminal) -> None:
    """Nothing is lost: the file is there, and the same command goes on."""
    office.front.instead = [Response("", 500) for _ in range(5)]
    shown = sender.run("send", "my.petition")
    assert (shown.code, shown.out) == (1, "")
    assert _posts(office) == 5
    assert office.slept == [2, 4, 8, 16]
    assert sender.run("send", "my.petition").code == 0


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("second-manifest", "another petition under the same words"),
        ("seal-again", "fetch the office anew with `dengwen-submit card`, and seal it again"),
        ("malformed", "the office refused with status 409, and says: No"),
    ],
)
def test_a_refusal_is_final(
    standing_office: DoorOffice, standing_sender: Terminal, slug: str, said: str
) -> None:
    """What would be refused again is not sent again."""
    standing_office.front.instead = [_problem(409, slug)]
    shown = standing_sender.run("send", "my.petition")
    assert (shown.code, shown.out) == (1, "")
    assert said in shown.err
    assert _posts(standing_office) == 1
    assert "my.petition.acceptance" not in standing_sender.files()


def test_a_petition_for_a_roster_of_another_office_must_be_sealed_again(
    standing_sender: Terminal,
) -> None:
    """The same by the real door."""
    roster = next_roster(make_roster(), openings_per_day=1)
    standing_sender.write("old.petition", seal_petition("old", roster).to_bytes())
    shown = standing_sender.run("send", "old.petition")
    assert shown.code == 1
    assert "seal it again" in shown.err


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "a text": lambda _: b"The dam leaks.\n",
    "half of it": lambda data: data[: len(data) // 2],
    "the last byte missing": lambda data: data[:-1],
    "a byte more": lambda data: data + b"\n",
    "a byte changed": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_file_that_suffered_on_its_way_is_not_sent(
    standing_office: DoorOffice, standing_sender: Terminal, case: str
) -> None:
    """It is checked whole before anything leaves, and before the office hears of her."""
    standing_sender.write("my.petition", DAMAGED[case](PETITION.to_bytes()))
    shown = standing_sender.run("send", "my.petition")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith("Not done: ")
    assert standing_office.door.calls == []


def _acceptance(**changes: object) -> bytes:
    acceptance = Acceptance(
        office=make_roster().office,
        case=PETITION.manifest.case,
        manifest=PETITION.note.hash,
        day=datetime.date(2025, 1, 10),
        deadline=7200,
    )
    text = dataclasses.replace(acceptance, **changes).to_bytes()  # type: ignore[arg-type]
    return Note(text, (make_key("intake").sign(text),)).to_bytes()


NO_ACCEPTANCES: dict[str, tuple[bytes, str]] = {
    "thanks": (b"Thank you!\n", "is no acceptance"),
    "another petition's": (
        _acceptance(manifest=bytes(range(32))),
        "signed for another petition",
    ),
    "another case's": (_acceptance(case=bytes(range(32))), "signed for another petition"),
    "a later deadline than the roster's": (_acceptance(deadline=7201), "is no acceptance"),
    "another office's": (_acceptance(office="other.example/log"), "is no acceptance"),
    "unsigned": (_acceptance().partition(b"\n\n")[0] + b"\n\n", "is no acceptance"),
}


@pytest.mark.parametrize("case", NO_ACCEPTANCES)
def test_an_answer_that_signs_for_nothing_is_not_kept(
    standing_office: DoorOffice, standing_sender: Terminal, case: str
) -> None:
    """She is told that she has no promise, and nothing is written that looks like one."""
    body, said = NO_ACCEPTANCES[case]
    standing_office.front.instead = [Response(body)]
    shown = standing_sender.run("send", "my.petition")
    assert (shown.code, shown.out) == (1, "")
    assert said in shown.err
    assert "my.petition.acceptance" not in standing_sender.files()


def test_a_good_acceptance_made_by_hand_is_taken(office: DoorOffice, sender: Terminal) -> None:
    """The twin of those above: it is what is in them that is refused."""
    office.front.instead = [Response(_acceptance())]
    assert sender.run("send", "my.petition").code == 0


def test_an_old_folder_is_no_obstacle_to_sending(office: DoorOffice, sender: Terminal) -> None:
    """What is sealed already may be sent for months; the office is looked at anew, in memory."""
    before = {name: (sender.folder / name).read_bytes() for name in sender.files()}
    office.now += 60
    office.tick()
    office.now += 40 * DAY
    assert sender.run("send", "my.petition").code == 0
    assert all((sender.folder / name).read_bytes() == before[name] for name in before)


def test_a_full_disk_does_not_lose_the_petition(
    office: DoorOffice, sender: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The office has it; the refusal says that the acceptance could not be written."""

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dengwen_submit.cli.send.write_durably", no_space)
        shown = sender.run("send", "my.petition")
    assert (shown.code, shown.out) == (1, "")
    assert "No space left on device" in shown.err
    assert sender.run("send", "my.petition").code == 0
    assert office.rows()["petition"] == 1


def test_what_is_sent_is_the_file_and_nothing_else(office: DoorOffice, sender: Terminal) -> None:
    """No name of the file, no date, no header that tells of her machine."""
    assert sender.run("send", "my.petition").code == 0
    (post,) = [request for request in office.door.requests if request.path_url == PATH]
    assert post.url == "https://dengwen.example/v1/petitions"
    assert set(post.headers) <= {
        "User-Agent",
        "Accept-Encoding",
        "Content-Type",
        "Content-Length",
        "Dengwen-Case",
        "Dengwen-Ticket",
    }
    assert post.headers["Dengwen-Case"] == case_hash(PETITION.manifest.case).hex()
    assert post.headers["Content-Length"] == str(len(PETITION.to_bytes()))
