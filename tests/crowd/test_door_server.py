"""The door on a real socket: refuses early, holds a crowd, forbids nobody, loses nothing."""

import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from dengwen_audit.note import Note
from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_submit.attachment_views import PATH as ATTACHMENTS
from dengwen_submit.connection import MAX_HEADER_BYTES
from dengwen_submit.intake import MAX_PETITION_BYTES, PATH, PLACES
from dengwen_submit.intake_line import THREADS
from dengwen_submit.puzzle import solve
from dengwen_submit.ticket import case_hash
from dengwen_submit.web import HEADERS, create_door
from dengwen_vault.admission import Arrival
from tests.crowd.open_door import HOST, OpenDoor, announce
from tests.patience import PATIENCE, wait_until
from tests.small_office import make_roster
from tests.vault.office import seal_petition


def _slug(answer: requests.Response) -> str:
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    slug: str = answer.json()["type"].rpartition(":")[2]
    return slug


def _talk(door: OpenDoor, head: str, body: bytes = b"", *, ends: bool = True) -> bytes:
    with door.connect() as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    return answer


def test_a_petition_is_signed_for_when_it_is_on_disk(door: OpenDoor) -> None:
    """The short way gives the answer of the long way, its headers included."""
    petition = seal_petition("first")
    answer = door.send("first")
    accepted = check_acceptance(Note.parse(answer.content), make_roster())
    assert accepted.manifest == petition.note.hash
    assert door.office.rows()["petition"] == 1
    assert HEADERS.items() <= answer.headers.items()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers
    assert door.send("first").content == answer.content
    assert door.office.rows()["petition"] == 1


def test_nonsense_gets_the_problem_that_flask_would_answer(door: OpenDoor) -> None:
    """One table tells what an error means, whichever way it came."""
    flask = create_door(door.office.vault, door.office.clock).test_client()
    for body in (b"", b"nonsense", seal_petition("first").to_bytes()[:-1]):
        short = requests.post(door.url + PATH, body, timeout=PATIENCE)
        long = flask.post(PATH, data=body)
        assert short.json() == long.json
        assert short.status_code == long.status_code == 400
        for name in ("Content-Type", "Cache-Control", *HEADERS):
            assert short.headers[name] == long.headers[name]


def test_everything_else_is_answered_by_flask(door: OpenDoor) -> None:
    """Views, refusals and methods are those of the application."""
    assert requests.get(door.url + "/", timeout=PATIENCE).text.startswith("This office")
    assert requests.get(door.url + "/nothing", timeout=PATIENCE).status_code == 404
    assert requests.get(door.url + PATH, timeout=PATIENCE).status_code in (404, 405)
    assert requests.get(door.url + "/v1/case/events", timeout=PATIENCE).status_code in (401, 403)
    head = requests.head(door.url + "/card", timeout=PATIENCE)
    assert head.status_code == 200
    assert head.content == b""


def test_a_public_file_is_kept_and_given_anew_when_it_changes(door: OpenDoor) -> None:
    """Whoever asks twice gets the same; after a tick, what is new."""
    first = requests.get(door.url + "/log/checkpoint", timeout=PATIENCE)
    again = requests.get(door.url + "/log/checkpoint", timeout=PATIENCE)
    assert again.content == first.content
    assert again.headers == first.headers
    door.office.tick()
    assert requests.get(door.url + "/log/checkpoint", timeout=PATIENCE).content != first.content
    etag = {"If-None-Match": first.headers["ETag"]}
    assert requests.get(door.url + "/log/checkpoint", headers=etag, timeout=PATIENCE).ok


def test_a_body_over_the_limit_is_refused_at_its_header(door: OpenDoor) -> None:
    """Not one byte of it is waited for; its sender may go on to send, and reads the refusal."""
    head = f"POST {PATH} HTTP/1.1\nHost: x\nContent-Length: {MAX_PETITION_BYTES + 1}\n\n"
    assert b" 413 " in _talk(door, head)
    assert b" 413 " in _talk(door, head, bytes(MAX_PETITION_BYTES + 1))


@pytest.mark.parametrize(
    "head",
    [
        "nonsense\n\n",
        f"POST {PATH} HTTP/1.1\nHost: x\nContent-Length: 1\nContent-Length: 2\n\n",
        f"POST {PATH} HTTP/1.1\nHost: x\nContent-Length: 1\nTransfer-Encoding: chunked\n\n",
        f"GET / HTTP/1.1\nHost: x\nX: {'x' * MAX_HEADER_BYTES}",
    ],
)
def test_a_request_of_two_meanings_is_refused(door: OpenDoor, head: str) -> None:
    """What a proxy before the door might read otherwise is read by nobody."""
    answer = _talk(door, head)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))
    assert b"Connection: close" in answer


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("GET / HTTP/1.1", "Connection: close"),
        ("GET / HTTP/1.0", "Accept: */*"),
        ("GET /checkpoint HTTP/1.1", "Connection: close"),
        ("GET /no-such-page HTTP/1.1", "Connection: close"),
        (f"POST {PLACES} HTTP/1.1", "Connection: close"),
        (f"POST {PATH} HTTP/1.1", "Content-Length: 8\nConnection: close"),
        (f"PUT {ATTACHMENTS}/1 HTTP/1.1", "Content-Length: 8\nConnection: close"),
    ],
)
def test_whoever_wants_one_answer_is_not_kept(door: OpenDoor, first: str, last: str) -> None:
    """Neither when it is given at once, from what is kept, or by a thread or a worker."""
    for _ in range(2):  # the second time a page is kept
        body = b"nonsense" * ("Length" in last)
        answer = _talk(door, f"{first}\nHost: x\n{last}\n\n", body, ends=False)
        assert answer.startswith(b"HTTP/1.1 ")
        assert b"\r\nConnection: close\r\n" in answer


def test_a_body_too_long_to_throw_away_ends_the_connection(door: OpenDoor) -> None:
    """It is read all the same, so that its sender reads the refusal."""
    length = MAX_PETITION_BYTES + 1
    answer = _talk(
        door, f"POST {PATH} HTTP/1.1\nHost: x\nContent-Length: {length}\n\n", bytes(length)
    )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer


def test_expect_and_chunks_are_understood(door: OpenDoor) -> None:
    """Tools differ in how they send a body."""
    body = seal_petition("first").to_bytes()
    chunked = requests.post(door.url + PATH, iter([body[:9], body[9:]]), timeout=PATIENCE)
    assert chunked.status_code == 200
    head = f"POST {PATH} HTTP/1.1\nHost: x\nContent-Length: {len(body)}\nExpect: 100-continue\n\n"
    answer = _talk(door, head, body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")


def test_a_connection_serves_many_petitions(door: OpenDoor) -> None:
    """And goes on after a refusal."""
    with requests.Session() as session:
        for name in ("first", "second"):
            assert session.post(door.url + PATH, b"nonsense", timeout=PATIENCE).status_code == 400
            body = seal_petition(name).to_bytes()
            assert session.post(door.url + PATH, body, timeout=PATIENCE).status_code == 200


def test_a_paused_intake_says_when_to_come_back_and_keeps_the_place(door: OpenDoor) -> None:
    """Nothing is forbidden, nothing is stored, and without a restart it goes on."""
    door.settings('intake = "paused"\n')
    answer = door.send("paused")
    assert (answer.status_code, _slug(answer)) == (503, "paused")
    assert int(answer.headers["Retry-After"]) >= 300
    assert answer.headers["Dengwen-Ticket"]
    door.settings('intake = "open"\n')
    assert door.send("paused", Dengwen_Ticket=answer.headers["Dengwen-Ticket"]).ok


def test_a_puzzle_lets_in_whoever_solves_it(door: OpenDoor) -> None:
    """One solution, one case; without it the answer tells what to solve."""
    door.settings("puzzle = 8\n")
    wait_until(lambda: door.line._roster, "no roster")  # to which puzzles are bound
    answer = door.send("worker")
    assert (answer.status_code, _slug(answer)) == (503, "puzzle")
    bits, roster = answer.headers["Dengwen-Puzzle"].split(" ")
    assert roster == make_roster().hash.hex()
    hers = case_hash(seal_petition("worker").manifest.case)
    solved = solve(hers, bytes.fromhex(roster), int(bits), lambda _: None)
    assert door.send("idler", Dengwen_Puzzle=solved).status_code == 503
    ticket = answer.headers["Dengwen-Ticket"]
    assert door.send("worker", Dengwen_Puzzle=solved, Dengwen_Ticket=ticket).ok


def test_another_case_than_was_announced_is_refused(door: OpenDoor) -> None:
    """A place or a solution cannot be used for a second petition."""
    his = announce(seal_petition("second").manifest)
    answer = door.send("first", Dengwen_Case=his)
    assert (answer.status_code, _slug(answer)) == (400, "other-case")
    assert door.office.rows()["petition"] == 0


def test_a_crowd_behind_one_address_all_gets_in(door: OpenDoor) -> None:
    """Nobody is forbidden: who finds no room is called, comes back, and is accepted."""
    door.settings("queue = 4\n")
    names = [f"one of many {number}" for number in range(50)]
    for name in names:
        seal_petition(name)
    statuses: list[int] = []

    def insist(name: str) -> bool:
        ticket: dict[str, str] = {}
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = door.send(name, **ticket)
            statuses.append(answer.status_code)
            if answer.ok:
                return True
            assert _slug(answer) == "busy"
            ticket = {"Dengwen_Ticket": answer.headers["Dengwen-Ticket"]}
            time.sleep(int(answer.headers["Retry-After"]))
        return False

    with ThreadPoolExecutor(len(names)) as crowd:
        assert all(crowd.map(insist, names))
    assert set(statuses) <= {200, 503}
    assert door.office.rows()["petition"] == len(names)


def test_a_full_queue_answers_before_the_body_is_sent(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the disk stands still the line fills; who comes then is told at once to come back."""
    door.settings("queue = 4\n")
    vault, begun, goes_on = door.office.vault, threading.Semaphore(0), threading.Event()
    accept_all = vault.accept_all

    def stand_still_and_accept(arrivals: Sequence[Arrival]) -> object:
        begun.release()
        assert goes_on.wait(PATIENCE)
        return accept_all(arrivals)

    monkeypatch.setattr(vault, "accept_all", stand_still_and_accept)
    inside = [f"inside {number}" for number in range(THREADS + 4)]
    for name in inside:
        seal_petition(name)
    with ThreadPoolExecutor(len(inside)) as crowd:
        try:
            answers = []
            for name in inside[:THREADS]:
                answers.append(crowd.submit(door.send, name))
                assert begun.acquire(timeout=PATIENCE)
            answers += [crowd.submit(door.send, name) for name in inside[THREADS:]]
            wait_until(lambda: len(door.line._throttle) == 4, lambda: len(door.line._throttle))
            head = f"POST {PATH} HTTP/1.1\nHost: x\nContent-Length: 40000\n\n"
            refusal = _talk(door, head)
            sent_away, told = door.send("first"), door.ask("first")
        finally:
            goes_on.set()
        assert all(answer.result().ok for answer in answers)
    assert refusal.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: " in refusal
    assert (sent_away.status_code, _slug(sent_away)) == (503, "busy")
    assert (told.status_code, _slug(told)) == (503, "busy")
    assert told.headers.keys() == sent_away.headers.keys()
    assert door.send("first", Dengwen_Ticket=sent_away.headers["Dengwen-Ticket"]).ok


def test_the_door_listens_where_it_is_told(door: OpenDoor) -> None:
    """On the port that it told, at the address that it was given."""
    with socket.create_connection((HOST, door.port), timeout=PATIENCE) as connection:
        assert connection.getpeername() == (HOST, door.port)
