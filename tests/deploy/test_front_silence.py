"""Whatever goes wrong at nginx, nothing is written of who was there, what was asked, or when."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.authority import DOOR
from tests.deploy.front import HOST, SHIPPED, Behind, Front, open_front
from tests.patience import PATIENCE
from tests.ports import free_ports

pytestmark = pytest.mark.deploy

WORD = "a-word-of-hers"
TALKING = {"error_log /dev/null emerg;": "error_log stderr debug;"}
FEW = {
    "worker_connections 16384;": "worker_connections 16;",
    "worker_processes auto;": "worker_processes 1;",
}


def _say(front: Front, text: str) -> None:
    with front.connect() as client:
        client.sendall(text.encode())
        client.recv(65536)


def _get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: {DOOR}\r\nConnection: close\r\n\r\n"


def _plain(front: Front, data: bytes) -> None:
    with socket.create_connection((HOST, front.tls), timeout=PATIENCE) as client:
        client.sendall(data)
        client.recv(65536)


def _break_off(front: Front) -> None:
    """Break off in the middle of a header."""
    with front.connect() as client:
        client.sendall(f"GET /{WORD} HTTP/1.1\r\nHost: {DOOR}\r\nX-".encode())
        client.shutdown(socket.SHUT_WR)
        client.recv(65536)


def _crowd(front: Front) -> None:
    """
    Take connections until there are no more, each in the middle of its greeting.

    Each waits until nginx has answered the one before: of those whom it has not heard yet, it lets
    the oldest go instead, and says nothing of it.
    """
    greeting = _greeting()
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            plain = socket.create_connection((HOST, front.tls), timeout=PATIENCE)
            client = stack.enter_context(plain)
            client.sendall(greeting)
            if client.recv(1) == b"":
                return
    raise AssertionError("nginx takes them all")


def _greeting() -> bytes:
    """Return the first words of a client that speaks TLS."""
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=DOOR)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


# What goes wrong, and what nginx would say of it if it were let: each with the client's address.
PROVOCATIONS: dict[str, tuple[Callable[[Front], None], str]] = {
    "the door is down": (lambda front: _say(front, _get(f"/v1/{WORD}")), "Connection refused"),
    "there is no such file": (
        lambda front: _say(front, _get("/cards/77")),
        "No such file or directory",
    ),
    "a file cannot be read": (lambda front: _say(front, _get("/card")), "Too many levels of sym"),
    "a file is a folder": (lambda front: _say(front, _get("/roster")), "is not a regular file|dir"),
    "a path leaves the root": (lambda front: _say(front, _get(f"/../{WORD}")), "invalid request"),
    "a method is none": (
        lambda front: _say(front, f"{WORD}\r\n\r\n"),
        "invalid (?:method|request)",
    ),
    "a header is too long": (
        lambda front: _say(front, f"GET / HTTP/1.1\r\n{WORD}: {'x' * 40_000}\r\n\r\n"),
        "too long header line",
    ),
    "a body is too long": (
        lambda front: _say(
            front, f"POST /{WORD} HTTP/1.1\r\nHost: {DOOR}\r\nContent-Length: 99999999\r\n\r\n"
        ),
        "intended to send too large body",
    ),
    "somebody breaks off": (_break_off, "prematurely closed connection"),
    "no TLS": (lambda front: _plain(front, f"GET /{WORD}\r\n\r\n".encode()), "plain HTTP|plain"),
    "broken TLS": (lambda front: _plain(front, b"\x16\x03\x01\x00\x05hello"), "SSL_do_handshake"),
    "too many connections": (_crowd, "worker_connections are not enough"),
}


@contextlib.contextmanager
def _broken_office(folder: Path, **changes: dict[str, str]) -> Iterator[Front]:
    """Run nginx before a door that is down, over files that cannot be read."""
    public = folder / "public"
    public.mkdir()
    (public / "card").symlink_to("card")
    (public / "roster").mkdir()
    door, desk = free_ports(2)
    merged = {old: new for change in changes.values() for old, new in change.items()}
    with open_front(Behind(door, desk, public, 60), changes=merged) as front:
        yield front


def _written(front: Front) -> str:
    """Return everything that nginx wrote since it began, into any file."""
    given = {path.name for path in SHIPPED.iterdir()} | {"authority.pem", "certificate.pem"}
    files = (path for path in front.folder.rglob("*") if path.is_file() and path.name not in given)
    texts = [path.read_text("utf-8", "replace") for path in files if path.name != "certificate.key"]
    return "\n".join(texts)


def test_nothing_is_written_whatever_goes_wrong(tmp_path: Path) -> None:
    """No address, no path, no word and no time of a visit, after every mishap and a proper end."""
    with _broken_office(tmp_path, few=FEW) as front:
        for provoke, _ in PROVOCATIONS.values():
            with contextlib.suppress(OSError):
                provoke(front)
        front.stop()
        written = _written(front)
    assert HOST not in written
    assert "client" not in written
    assert WORD not in written
    assert not re.search(r"\d\d:\d\d:\d\d.*(?:GET|POST|request)", written)


@pytest.mark.parametrize("case", PROVOCATIONS)
def test_each_mishap_would_have_been_written(case: str, tmp_path: Path) -> None:
    """With a log that talks, each of them names the client: so the test above tests something."""
    provoke, said = PROVOCATIONS[case]
    changes = {"talking": TALKING} | ({"few": FEW} if "connections" in case else {})
    with _broken_office(tmp_path, **changes) as front:
        with contextlib.suppress(OSError):
            provoke(front)
        front.stop()
        written = _written(front)
    assert re.search(said, written), written[-3000:]
    assert HOST in written


def test_no_log_is_set_anywhere_else() -> None:
    """One line turns the access log off and one the error log, and no location turns one on."""
    shipped = {path.name: path.read_text("utf-8") for path in SHIPPED.glob("*.conf")}
    lines = [
        line.strip()
        for text in shipped.values()
        for line in text.splitlines()
        if re.match(r"\s*(?:access_log|error_log|log_format|debug_connection)\b", line)
    ]
    assert lines == ["error_log stderr crit;", "error_log /dev/null emerg;", "access_log off;"]
    assert os.devnull == "/dev/null"
