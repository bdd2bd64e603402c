"""Petitions pass through nginx as they come, and nothing of them, or of who sent them, stays."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from dengwen_submit import connection
from dengwen_submit.intake import MAX_PETITION_BYTES, PATH
from dengwen_submit.way_in import CASE_HEADER, TICKET_HEADER
from dengwen_submit.web import MAX_NOTE_BYTES
from dengwen_vault.settings import DEFAULT_ALLOWANCE
from dengwen_vault.web import LIMITS
from tests.crowd.open_door import announce
from tests.deploy.authority import DESK, DOOR
from tests.deploy.conftest import Fronted
from tests.deploy.front import HOST, SHIPPED, Behind, Front, open_front
from tests.deploy.shipped import substitute
from tests.patience import PATIENCE, wait_until
from tests.ports import free_ports
from tests.vault.office import seal_petition

pytestmark = pytest.mark.deploy

CLIENTS = 50
SLOW = 1000
HONEST = 10
QUIET = 2.0  # seconds in which a proxy that collects bodies says nothing
LONG = {  # later than an honest sender gives up
    "client_header_timeout 20s;": f"client_header_timeout {2 * PATIENCE:.0f}s;",
    "client_body_timeout 20s;": f"client_body_timeout {2 * PATIENCE:.0f}s;",
}
LARGE = 1 << 20
ANNOUNCED = announce(seal_petition("probe").manifest)
COLLECTING = {"proxy_request_buffering off": "proxy_request_buffering on"}


def _send(session: requests.Session, name: str) -> requests.Response:
    petition = seal_petition(name)
    headers = {CASE_HEADER: announce(petition.manifest)}
    url = f"https://{DOOR}{PATH}"
    return session.post(url, petition.to_bytes(), headers=headers, timeout=PATIENCE)


def _announce_body(front: Front, length: int, seconds: float = PATIENCE) -> bytes:
    """Send the header of a petition and no body; return what is said within some seconds."""
    lines = [f"POST {PATH} HTTP/1.1", f"Host: {DOOR}", f"Content-Length: {length}"]
    lines.append(f"{CASE_HEADER}: {ANNOUNCED}")
    with front.connect() as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        client.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            return client.recv(65536)
    return b""


def _probe(fronted: Fronted) -> int:
    return fronted.door.send("probe").status_code


@contextlib.contextmanager
def _paused(fronted: Fronted) -> Iterator[None]:
    """Let the door take nothing in for a while."""
    fronted.door.settings('intake = "paused"\n')
    wait_until(lambda: _probe(fronted) == HTTPStatus.SERVICE_UNAVAILABLE, lambda: _probe(fronted))
    try:
        yield
    finally:
        fronted.door.settings("")
        wait_until(lambda: _probe(fronted) == HTTPStatus.OK, lambda: _probe(fronted))


def test_a_petition_is_taken_in(fronted: Fronted) -> None:
    """The signed answer of the door comes back as it was given."""
    before = fronted.door.office.rows()["petition"]
    with fronted.front.session() as session:
        answer = _send(session, "through nginx")
    assert answer.ok
    assert answer.content.startswith(b"dengwen/acceptance/v1")
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"
    assert fronted.door.office.rows()["petition"] == before + 1


def test_a_refusal_comes_before_the_body(fronted: Fronted) -> None:
    """Whoever finds no room is told at the header, with a time and a ticket."""
    with _paused(fronted):
        said = _announce_body(fronted.front, LARGE)
    head = said.partition(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith("http/1.1 503 ")
    assert re.search(r"\nretry-after: [0-9]+\r?\n", head)
    assert f"\n{TICKET_HEADER.lower()}: " in head
    assert "\nconnection: close" in head  # or a client would ask again where nobody listens


def test_a_proxy_that_collects_bodies_would_keep_them_waiting(fronted: Fronted) -> None:
    """The test above finds it out if somebody lets nginx collect bodies."""
    with open_front(fronted.behind, changes=COLLECTING) as other, _paused(fronted):
        assert _announce_body(other, LARGE, QUIET) == b""


def test_a_refusal_reaches_a_client_that_sends_all_the_same(fronted: Fronted) -> None:
    """A client that sends its whole body first reads the refusal after it."""
    with _paused(fronted), fronted.front.session() as session:
        told = {CASE_HEADER: ANNOUNCED}
        url = f"https://{DOOR}{PATH}"
        answer = session.post(url, b"x" * LARGE, headers=told, timeout=PATIENCE)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert TICKET_HEADER in answer.headers
    assert answer.json()["type"].endswith(":paused")


def _bodies(session: requests.Session) -> list[int]:
    """Send the longest body of each kind; return the statuses."""
    longest = max(LIMITS.by_path.values())
    return [
        session.request(
            method, f"https://{name}{path}", data=b"x" * size, timeout=PATIENCE
        ).status_code
        for method, name, path, size in (
            ("POST", DOOR, PATH, MAX_PETITION_BYTES),
            ("PUT", DOOR, "/v1/attachments/1", DEFAULT_ALLOWANCE),
            ("POST", DOOR, "/v1/case/statements", MAX_NOTE_BYTES),
            ("POST", DESK, "/v1/heads", longest),
        )
    ]


def _without_folders(front: Front) -> None:
    for name in ("body", "proxy", "unused"):
        shutil.rmtree(front.run / name)


def test_no_body_is_ever_written_to_a_disk(fronted: Fronted) -> None:
    """With the folders gone where nginx would put them, the longest of each kind still passes."""
    with open_front(fronted.behind) as front, front.session() as session:
        _without_folders(front)
        statuses = _bodies(session)
    assert HTTPStatus.INTERNAL_SERVER_ERROR not in statuses
    assert HTTPStatus.REQUEST_ENTITY_TOO_LARGE not in statuses


@pytest.mark.parametrize(
    "mangled",
    [COLLECTING, {"client_body_buffer_size 272k": "client_body_buffer_size 16k"}],
    ids=["petitions are collected", "a head does not fit into memory"],
)
def test_a_body_on_a_disk_would_be_noticed(fronted: Fronted, mangled: dict[str, str]) -> None:
    """Each of the two settings is needed."""
    with open_front(fronted.behind, changes=mangled) as front, front.session() as session:
        _without_folders(front)
        assert HTTPStatus.INTERNAL_SERVER_ERROR in _bodies(session)


@pytest.mark.parametrize(
    ("method", "name", "path", "limit"),
    [
        ("POST", DOOR, PATH, MAX_PETITION_BYTES),
        ("PUT", DOOR, "/v1/attachments/1", DEFAULT_ALLOWANCE),
        ("POST", DOOR, "/v1/case/statements", MAX_NOTE_BYTES),
        ("POST", DESK, "/v1/heads", max(LIMITS.by_path.values())),
    ],
)
def test_the_limits_are_those_of_door_and_desk(
    fronted: Fronted, method: str, name: str, path: str, limit: int
) -> None:
    """One byte more than the code allows is refused, by its header alone and as a problem."""
    with fronted.front.connect(name) as client:
        head = f"{method} {path} HTTP/1.1\r\nHost: {name}\r\nContent-Length: {limit + 1}\r\n\r\n"
        client.sendall(head.encode())
        answer = http.client.HTTPResponse(client)
        answer.begin()
        problem = json.loads(answer.read())
    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == "urn:dengwen:problem:request-entity-too-large"


def test_fifty_clients_behind_one_address_succeed(fronted: Fronted) -> None:
    """Nobody is counted by address."""
    for number in range(CLIENTS):
        seal_petition(f"neighbour {number}")
    before = fronted.door.office.rows()["petition"]
    with (
        fronted.front.session() as session,
        concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool,
    ):
        answers = list(pool.map(lambda n: _send(session, f"neighbour {n}"), range(CLIENTS)))
    assert [answer.status_code for answer in answers] == [HTTPStatus.OK] * CLIENTS
    assert fronted.door.office.rows()["petition"] == before + CLIENTS
    shipped = "\n".join(path.read_text("utf-8") for path in SHIPPED.glob("*.conf"))
    assert not re.search(r"^\s*(?:limit_conn|limit_req|geo|deny|\S*realip)", shipped, re.MULTILINE)


SLOW_KINDS = (
    b"POST " + PATH.encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: {DOOR}\r\nX-Slow:".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: {DOOR}\r\nContent-Length: 40\r\n\r\nden".encode(),
    b"",
)


@contextlib.contextmanager
def _slow_clients(front: Front) -> Iterator[list[socket.socket]]:
    """Connect a thousand who trickle: half speak TLS, the others never finish their greeting."""
    with contextlib.ExitStack() as stack:
        slow: list[socket.socket] = []
        for number in range(SLOW):
            if number % 2:
                client: socket.socket = stack.enter_context(front.connect())
                client.sendall(SLOW_KINDS[number // 2 % len(SLOW_KINDS)])
            else:
                client = stack.enter_context(socket.create_connection((HOST, front.tls)))
                client.sendall(b"\x16\x03\x01")
            slow.append(client)
        yield slow


@pytest.mark.usefixtures("many_files")
def test_a_thousand_who_trickle_stop_nobody(
    fronted: Fronted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Honest petitions are accepted between them, who all stay: whoever waited would fail."""
    monkeypatch.setattr(connection, "GRACE_SECONDS", 2 * PATIENCE)
    for number in range(HONEST):
        seal_petition(f"honest {number}")
    with (
        open_front(fronted.behind, changes=LONG) as front,
        _slow_clients(front) as slow,
        front.session() as session,
    ):
        for number in range(HONEST):
            for client in slow[number::HONEST]:
                with contextlib.suppress(OSError):
                    client.sendall(b"x")
            assert _send(session, f"honest {number}").ok


class Listener:
    """A door of a test that only remembers what it was told."""

    def __init__(self) -> None:
        """Begin."""
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard: list[str] = []
        threading.Thread(target=self._hear, daemon=True).start()

    def close(self) -> None:
        """End."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _hear(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client:
                    self.heard.append(client.recv(65536).decode())
                    client.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def test_nothing_is_passed_on_of_who_asks(tmp_path: Path) -> None:
    """Neither an address nor what tells one program or person from another reaches the door."""
    listener = Listener()
    told = {
        **dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"), "192.0.2.7"),
        **dict.fromkeys(("User-Agent", "Cookie", "Referer", "Origin"), "tell-tale"),
        "Accept-Language": "tell-tale",
        "Dengwen-Case": "kept",
        "Signature": "kept",
    }
    behind = Behind(listener.port, listener.port, tmp_path, 60)
    with open_front(behind) as front, front.session() as session:
        for name, path in ((DOOR, "/v1/case/events"), (DOOR, PATH), (DESK, "/v1/work")):
            session.post(f"https://{name}{path}", headers=told, timeout=PATIENCE)
    listener.close()
    assert len(listener.heard) == 3
    for heard in listener.heard:
        assert "192.0.2.7" not in heard
        assert "tell-tale" not in heard
        assert "forwarded" not in heard.lower()
        assert heard.count("kept") == 2
        assert f"Host: {DOOR}\r\n" in heard or f"Host: {DESK}\r\n" in heard


def test_a_door_that_is_down_is_told_calmly(tmp_path: Path) -> None:
    """Files are there all the same; everything else is a problem with a time to come back."""
    (tmp_path / "card").write_text("a card", encoding="utf-8")
    (closed,) = free_ports(1)
    waits = set()
    with open_front(Behind(closed, closed, tmp_path, 60)) as front, front.session() as session:
        assert session.get(f"https://{DOOR}/card", timeout=PATIENCE).text == "a card"
        for _ in range(20):
            answer = session.post(f"https://{DOOR}{PATH}", b"x", timeout=PATIENCE)
            assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert answer.json()["type"] == "urn:dengwen:problem:service-unavailable"
            waits.add(int(answer.headers["Retry-After"]))
    assert len(waits) > 1
    assert waits <= {5, 12, 19, 26}


def test_connections_are_given_back_before_the_door_ends_them() -> None:
    """A petition that is sent into a connection that is just ending would be lost on its way."""
    text = (SHIPPED / "upstreams.conf").read_text("utf-8")
    kept = [int(seconds) for seconds in re.findall(r"keepalive_timeout ([0-9]+)s;", text)]
    assert len(kept) == 2
    assert max(kept) < connection.IDLE_SECONDS
    assert substitute(text, {"keepalive ": ""})


def test_the_onion_service_has_the_same_door(fronted: Fronted) -> None:
    """It speaks no TLS of its own, and says nothing of it."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(fronted.front.run / "onion.sock"))
        client.sendall(b"GET /card HTTP/1.0\r\nHost: name.onion\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert body == (fronted.behind.public / "card").read_text("utf-8")
    assert "strict-transport-security" not in head.lower()


def test_the_operator_sees_numbers_and_nobody(fronted: Fronted) -> None:
    """How many connections there are, and no address."""
    assert "Active connections: " in fronted.front.status()
    assert HOST not in fronted.front.status()
