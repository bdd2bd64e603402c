"""Tests of serving.py: a real server on a real socket refuses early, says little, stops kindly."""

import socket
import threading
from collections.abc import Iterator

import flask
import pytest
import requests

from dengwen_audit import serving
from dengwen_audit.problems import PROBLEM_TYPE, BodyLimits
from dengwen_audit.web import register_problems, serve
from tests.patience import PATIENCE, wait_until

HOST = "127.0.0.1"
LIMIT = 1000


class Running:
    """A server in a thread: its port, how to stop it, and what its views did."""

    def __init__(self) -> None:
        """Start it, and wait for its port."""
        self.stop = threading.Event()
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.bodies: list[int] = []
        self.port = 0
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        wait_until(lambda: self.port, "no port")
        self.url = f"http://{HOST}:{self.port}"

    def _run(self) -> None:
        app = flask.Flask(__name__)
        register_problems(app, {}, BodyLimits(LIMIT, {"/large": 10 * LIMIT}))

        @app.post("/notes")
        @app.post("/large")
        def take() -> str:
            self.bodies.append(len(flask.request.get_data()))
            return "taken"

        @app.get("/slow")
        def slow() -> str:
            self.begun.set()
            self.may_end.wait(PATIENCE)
            return "done"

        serve(app, HOST, 0, lambda port: setattr(self, "port", port), stop=self.stop)

    def talk(self, *lines: str) -> socket.socket:
        """Open a connection and send a request's header."""
        connection = socket.create_connection((HOST, self.port), timeout=PATIENCE)
        connection.sendall("\r\n".join([*lines, f"Host: {HOST}", "", ""]).encode())
        return connection


@pytest.fixture
def server() -> Iterator[Running]:
    """Run a server for one test."""
    running = Running()
    yield running
    running.may_end.set()
    running.stop.set()
    running.thread.join(PATIENCE)
    assert not running.thread.is_alive()


def _read_all(connection: socket.socket) -> bytes:
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def test_a_body_over_the_limit_is_refused_before_it_is_sent(server: Running) -> None:
    """The header is enough: the answer comes although not one byte of the body was sent."""
    with server.talk("POST /notes HTTP/1.1", f"Content-Length: {LIMIT + 1}") as connection:
        answer = _read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert PROBLEM_TYPE.encode() in answer
    assert server.bodies == []


def test_a_sender_who_asks_first_is_not_invited(server: Running) -> None:
    """`Expect: 100-continue` is answered by the refusal, not by an invitation to send."""
    lines = ("POST /notes HTTP/1.1", f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")
    with server.talk(*lines) as connection:
        answer = _read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_sender_who_keeps_sending_still_reads_why(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is not reset under a client that sends its megabytes first."""
    monkeypatch.setattr(serving, "LINGER_SECONDS", PATIENCE)
    answer = requests.post(f"{server.url}/notes", data=bytes(8 << 20), timeout=PATIENCE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, PROBLEM_TYPE)
    assert server.bodies == []


def test_chunks_are_counted_as_they_come(server: Running) -> None:
    """A body without a declared length is refused as soon as it is too long."""
    chunks = (bytes(100) for _ in range(LIMIT))
    answer = requests.post(f"{server.url}/notes", data=chunks, timeout=PATIENCE)
    assert answer.status_code == 413
    assert server.bodies == []


def test_a_body_of_the_limit_is_taken(server: Running) -> None:
    """Also in chunks, and more where the path allows more."""
    with requests.Session() as session:
        for path, body in (
            ("notes", bytes(LIMIT)),
            ("notes", iter([bytes(LIMIT)])),
            ("large", bytes(2 * LIMIT)),
        ):
            answer = session.post(f"{server.url}/{path}", data=body, timeout=PATIENCE)
            assert answer.text == "taken"
    assert server.bodies == [LIMIT, LIMIT, 2 * LIMIT]


def test_a_lingering_connection_ends(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused sender who never closes is closed after a while."""
    monkeypatch.setattr(serving, "LINGER_SECONDS", 0.1)
    with server.talk("POST /notes HTTP/1.1", f"Content-Length: {LIMIT + 1}") as connection:
        _read_all(connection)
        with pytest.raises(OSError, match=r"reset|[Bb]roken pipe"):
            wait_until(lambda: connection.sendall(b"more"), "it goes on")


def test_no_answer_names_the_server(server: Running) -> None:
    """Neither of the application's answers nor of waitress' own has a Server header."""
    good = requests.post(f"{server.url}/notes", data=b"x", timeout=PATIENCE)
    with server.talk("NONSENSE") as connection:
        bad = _read_all(connection)
    assert "Server" not in good.headers
    assert bad.startswith(b"HTTP/1.0 400 ")
    assert PROBLEM_TYPE.encode() in bad
    assert b"waitress" not in bad.lower()
    assert b"\r\nServer:" not in bad


def test_a_server_that_stops_finishes_what_it_began(server: Running) -> None:
    """The request that runs gets its answer; nobody new gets in."""
    answers: list[str] = []

    def call() -> None:
        answers.append(requests.get(f"{server.url}/slow", timeout=PATIENCE).text)

    caller = threading.Thread(target=call)
    caller.start()
    assert server.begun.wait(PATIENCE)
    server.stop.set()
    wait_until(lambda: _is_closed(server.port), "somebody listens still")
    server.may_end.set()
    caller.join(PATIENCE)
    assert answers == ["done"]


def _is_closed(port: int) -> bool:
    """Tell whether nobody listens any more."""
    try:
        socket.create_connection((HOST, port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False
