"""A thousand people who trickle cost a few kilobytes each, and nobody else an answer."""

import contextlib
import os
import resource
import socket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from dengwen_submit import connection as connections
from dengwen_submit.connection import Answer, Connection, Hall, Request
from dengwen_submit.intake import MAX_PETITION_BYTES, PATH
from tests.crowd.open_door import HOST, OpenDoor
from tests.patience import PATIENCE
from tests.vault.office import seal_petition

SLOW = 1000
BODY = seal_petition("slow").to_bytes()
KINDS = (
    b"POST " + PATH.encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Slow:".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nden".encode(),
    b"",
)


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """Let this process, which plays both sides, open enough sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _memory() -> int:
    """Return the bytes of memory that this process uses."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def _slow_clients(door: OpenDoor) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(door.connect()) for _ in range(SLOW)]
        for number, client in enumerate(slow):
            client.sendall(KINDS[number % len(KINDS)])
        yield slow


def test_honest_petitions_get_in_past_a_thousand_who_trickle(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without a proxy before it: nobody waits for one of them, in bounded memory.

    They are let go later than an honest sender gives up, so that whoever waited would fail.
    """
    monkeypatch.setattr(connections, "GRACE_SECONDS", 2 * PATIENCE)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 2 * PATIENCE)
    door.settings("queue = 8\n")
    for number in range(20):
        seal_petition(f"honest {number}")
    before = _memory()
    with _slow_clients(door) as slow:
        for number in range(20):
            for client in slow[number::20]:
                with contextlib.suppress(OSError):
                    client.sendall(b"x")
            assert door.send(f"honest {number}").ok
        assert _memory() - before < 64 << 20
    assert door.office.rows()["petition"] == 20


def test_whoever_trickles_is_let_go(door: OpenDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header has its time, and a body its least speed."""
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.5)
    answers = []
    for kind in KINDS:
        with door.connect() as client:
            client.sendall(kind)
            answers.append(client.recv(65536)[:12])
    assert answers == [b"HTTP/1.1 408"] * 3 + [b""]


class _Still:
    """A handler that lets everything in."""

    def begin(self, _request: Request) -> Answer | None:
        """Let it in."""
        return None

    def limit(self, _request: Request) -> int:
        """Allow a large body."""
        return MAX_PETITION_BYTES

    def handle(self, _request: Request, connection: Connection) -> None:
        """Answer."""
        connection.answer(Answer(HTTPStatus.OK, [], b""))


def test_whoever_holds_most_memory_goes_first() -> None:
    """All bodies together stay below a bound, and the small ones stay."""
    hall = Hall(10, 100_000)
    small, large = Connection(hall, _Still()), Connection(hall, _Still())
    head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000\r\n\r\n".encode()
    for connection in (small, large):
        hall.connections[connection] = None
        connection.data_received(head)
    small.data_received(b"x" * 40_000)
    large.data_received(b"x" * 50_000)
    assert hall.held == 90_000
    large.data_received(b"x" * 50_000)
    assert (hall.held, small.held, large.held) == (40_000, 40_000, 0)


def test_too_many_connections_cost_the_oldest_idle_one() -> None:
    """A newcomer is never turned away at the socket."""
    hall = Hall(2, 100_000)
    first, second, third = (Connection(hall, _Still()) for _ in range(3))
    for connection in (first, second, third):
        hall.connections[connection] = None
    second.data_received(b"POST /")
    hall.make_room()
    assert list(hall.connections) == [second, third]
