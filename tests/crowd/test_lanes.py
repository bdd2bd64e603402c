"""Two lanes at the door: whoever was let in is heard first, and neither lane is passed over."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from dengwen_submit import lanes as module
from dengwen_submit.connection import Answer, Connection, Hall, Request
from dengwen_submit.intake import PLACES
from dengwen_submit.intake_line import IntakeLine
from dengwen_submit.lanes import Lanes
from tests.crowd.by_hand import QUIET
from tests.crowd.open_door import HOST, OpenDoor, open_door
from tests.patience import PATIENCE, until

HARDLY = 1e-6  # so many a second: one, and nobody after it as long as a test lasts


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    """Give a selector."""
    selector = Lanes()
    yield selector
    selector.close()


@pytest.fixture
def people() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Give connections, the near end first; all of the far ends have said something."""
    with contextlib.ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(6)]
        for near, far in pairs:
            stack.enter_context(near)
            stack.enter_context(far)
            far.sendall(b"x")
        yield pairs


def _told(lanes: Lanes, timeout: float | None = 0.0) -> list[int]:
    return [key.fd for key, _ in lanes.select(timeout)]


def _add(lanes: Lanes, near: socket.socket, *, behind: bool) -> int:
    if behind:
        lanes.send_back(near.fileno())
    lanes.register(near, EVENT_READ)
    return near.fileno()


Pairs = list[tuple[socket.socket, socket.socket]]


def test_the_first_lane_is_heard_first(lanes: Lanes, people: Pairs) -> None:
    """Whoever came when."""
    later = [_add(lanes, near, behind=True) for near, _ in people[:3]]
    first = [_add(lanes, near, behind=False) for near, _ in people[3:]]
    told = _told(lanes)
    assert set(told[:3]) == set(first)
    assert set(told[3:]) == set(later)


def test_a_round_has_some_of_both_lanes(
    lanes: Lanes, people: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many have something to say in either; all come to their turn."""
    monkeypatch.setattr(module, "ROUND", 1)
    later = {_add(lanes, near, behind=True) for near, _ in people[:3]}
    first = {_add(lanes, near, behind=False) for near, _ in people[3:]}
    rounds = [_told(lanes) for _ in range(6)]
    # A round of one may be spent on learning that there is a first lane.
    assert all(told[0] in first for told in rounds)
    assert {number for told in rounds for number in told[1:]} == later
    assert {told[0] for told in rounds} == first


def test_of_the_other_lane_no_more_are_heard_than_the_pace_allows(
    lanes: Lanes, people: Pairs
) -> None:
    """The first lane is heard all the same, and the rest when the pace is another."""
    lanes.pace = HARDLY
    waiting = _add(lanes, people[0][0], behind=True)
    assert _told(lanes) == [waiting]
    assert _told(lanes) == []
    first = _add(lanes, people[1][0], behind=False)
    assert _told(lanes) == [first]
    assert _told(lanes) == [first]
    lanes.pace = 1e9
    assert _told(lanes) == [first, waiting]


def test_whoever_is_arriving_is_heard_each_round(
    lanes: Lanes, people: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask again and again; and those who were accepted count for the pace."""
    monkeypatch.setattr(module, "ROUND", 3)
    for near, _ in people[1:]:
        _add(lanes, near, behind=True)
    listener = people[0][0].fileno()
    lanes.register(listener, EVENT_READ)
    lanes.let_arrive(listener)
    for _ in range(6):
        assert listener in _told(lanes)
    people[0][0].recv(1)
    while listener in _told(lanes):
        pass
    lanes.pace = HARDLY
    assert _told(lanes) == []
    lanes.pace = 1e9
    for near, _ in people[1:]:
        lanes.unregister(near)
    people[0][1].sendall(b"y")
    while listener not in _told(lanes, PATIENCE):
        pass
    lanes.pace = HARDLY
    assert _told(lanes) == []


def test_a_wait_ends_as_soon_as_the_first_lane_speaks(lanes: Lanes, people: Pairs) -> None:
    """With or without a pause of the other lane, and for a time or for ever."""
    near, far = people[0]
    near.recv(1)
    number = _add(lanes, near, behind=False)
    stranger = _add(lanes, people[1][0], behind=True)
    for pace, timeout in ((1e9, None), (HARDLY, None), (HARDLY, PATIENCE)):
        assert stranger in _told(lanes)
        lanes.pace = pace
        people[1][0].recv(1)
        speaks = threading.Timer(0.05, far.sendall, [b"y"])
        speaks.start()
        told: list[int] = []
        while not told:
            told = _told(lanes, timeout)
        speaks.join()
        assert told == [number]
        near.recv(1)
        people[1][1].sendall(b"z")
        lanes.pace = 1e9


def test_a_wait_has_an_end_and_not_before(lanes: Lanes, people: Pairs) -> None:
    """When nobody says anything, and when nobody does whose turn it could be."""

    def wait() -> float:
        begin = time.perf_counter()
        assert lanes.select(0.05) == []
        return time.perf_counter() - begin

    assert wait() > 0.049
    assert lanes.select(-1) == []
    stranger = _add(lanes, people[0][0], behind=True)
    assert _told(lanes) == [stranger]
    lanes.pace = HARDLY
    assert wait() > 0.049


def test_a_pause_of_the_other_lane_ends_a_wait(lanes: Lanes, people: Pairs) -> None:
    """However long it would be."""
    stranger = _add(lanes, people[0][0], behind=True)
    assert _told(lanes) == [stranger]
    lanes.pace = 10.0
    begin = time.perf_counter()
    told: list[int] = []
    while not told:
        told = _told(lanes, PATIENCE)
    assert told == [stranger]
    passed = time.perf_counter() - begin
    assert 0.05 < passed < PATIENCE


def test_a_lane_is_remembered_while_nobody_looks(lanes: Lanes, people: Pairs) -> None:
    """As between a request and its answer."""
    near, other = people[0][0], people[1][0]
    number, second = _add(lanes, near, behind=True), _add(lanes, other, behind=False)
    assert lanes.unregister(near).fd == number
    assert _told(lanes) == [second]
    lanes.prefer(number)
    lanes.unregister(second)
    lanes.send_back(second)
    lanes.register(other, EVENT_READ)
    lanes.register(near, EVENT_READ)
    assert _told(lanes) == [number, second]
    lanes.send_back(number)
    lanes.prefer(second)
    assert _told(lanes) == [second, number]


@pytest.mark.parametrize("behind", [True, False])
def test_what_is_looked_for_can_be_changed(lanes: Lanes, people: Pairs, behind: bool) -> None:
    """In either lane, with what asyncio keeps with it."""
    near, far = people[0]
    number = _add(lanes, near, behind=behind)
    assert lanes.modify(near, EVENT_READ | EVENT_WRITE, "both") == lanes.get_key(near)
    ((key, events),) = lanes.select(0)
    assert (key.data, events) == ("both", EVENT_READ | EVENT_WRITE)
    lanes.modify(number, EVENT_WRITE, "write")
    ((key, events),) = lanes.select(0)
    assert (key.data, events) == ("write", EVENT_WRITE)
    lanes.modify(number, EVENT_READ)
    near.recv(1)
    assert lanes.select(0) == []
    far.close()
    assert [events for _, events in lanes.select(0)] == [EVENT_READ]


def test_an_end_and_an_error_are_told(lanes: Lanes) -> None:
    """Even if there is nothing to read, and no room to write."""
    reader, writer = os.pipe()
    lanes.register(reader, EVENT_READ)
    os.close(writer)
    assert [events for _, events in lanes.select(0)] == [EVENT_READ]
    lanes.unregister(reader)
    os.close(reader)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    lanes.register(writer, EVENT_WRITE)
    assert lanes.select(0) == []
    os.close(reader)
    assert [events for _, events in lanes.select(0)] == [EVENT_WRITE]
    lanes.unregister(writer)
    os.close(writer)


def test_nobody_is_registered_twice_or_changed_before(lanes: Lanes, people: Pairs) -> None:
    """As `selectors` has it."""
    near = people[0][0]
    for unknown in (lanes.unregister, lanes.get_key, lambda fd: lanes.modify(fd, EVENT_READ)):
        with pytest.raises(KeyError):
            unknown(near.fileno())
    lanes.register(near, EVENT_READ)
    with pytest.raises(KeyError):
        lanes.register(near, EVENT_READ)
    assert list(lanes.get_map()) == [near.fileno()]


class _Host:
    """A handler that gives places, lets bodies in, or sends people away, as the path says."""

    def __init__(self) -> None:
        self.lanes: list[bool] = []
        self.hall = Hall(10, 1 << 20)

    def limit(self, _request: Request) -> int:
        """Allow a small body."""
        return 100

    def begin(self, request: Request) -> Answer | None:
        """Answer at the header what needs no body."""
        self.lanes.append(bool(self.hall.lanes._behind))
        status = int(request.path[1:])
        return None if request.expected else Answer(status, [], b"")

    def handle(self, request: Request, connection: Connection) -> None:
        """Answer what has one."""
        self.lanes.append(bool(self.hall.lanes._behind))
        connection.answer(Answer(int(request.path[1:]), [], b""))


def _play(told: list[tuple[int, bytes]]) -> list[bool]:
    """Send requests on one connection; return for each look whether its sender stood behind."""
    host = _Host()

    async def visit() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(host.hall, host), HOST, 0)
        for _ in range(2):  # the second connection has the descriptor of the first
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            for status, body in told:
                length = f"Content-Length: {len(body)}\r\n" if body else ""
                writer.write(f"POST /{status} HTTP/1.1\r\n{length}\r\n".encode())
                await asyncio.sleep(0)
                writer.write(body)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(f"HTTP/1.1 {status} ".encode())
            writer.close()
            await until(lambda: not host.hall.connections)
            assert not host.hall.lanes._behind
        server.close()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(host.hall.lanes)) as runner:
        runner.run(asyncio.wait_for(visit(), PATIENCE))
    assert host.lanes[: len(host.lanes) // 2] == host.lanes[len(host.lanes) // 2 :]
    return host.lanes[: len(host.lanes) // 2]


BEHIND, FIRST = True, False


@pytest.mark.parametrize(
    ("told", "lanes"),
    [
        ([(204, b""), (204, b"")], [BEHIND, FIRST]),
        ([(204, b""), (503, b""), (204, b"")], [BEHIND, FIRST, BEHIND]),
        ([(200, b"petition"), (200, b"petition")], [BEHIND, FIRST, FIRST, FIRST]),
        ([(200, b"petition"), (503, b"petition"), (204, b"")], [BEHIND, *[FIRST] * 3, BEHIND]),
        ([(304, b""), (404, b""), (204, b"")], [BEHIND, FIRST, BEHIND]),
        ([(503, b"")], [BEHIND]),
    ],
)
def test_whoever_was_served_stands_in_the_first_lane(
    told: list[tuple[int, bytes]], lanes: list[bool]
) -> None:
    """A newcomer and whoever was sent away stand in the other; a body that may come does not."""
    assert _play(told) == lanes


def test_answers_of_other_threads_do_not_wait_for_the_pace() -> None:
    """The loop's own wake-up stands in the first lane."""
    lanes = Lanes()

    async def hear() -> None:
        loop = asyncio.get_running_loop()
        lanes.pace = HARDLY
        near, far = socket.socketpair()
        with near, far:
            heard = asyncio.Event()
            lanes.send_back(near.fileno())
            loop.add_reader(near, heard.set)
            far.sendall(b"x")
            await heard.wait()
            assert loop.remove_reader(near)
            done = loop.create_future()
            thread = threading.Timer(0.05, loop.call_soon_threadsafe, [done.set_result, None])
            thread.start()
            await asyncio.wait_for(done, PATIENCE)
            thread.join()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(lanes)) as runner:
        runner.run(hear())


def test_whoever_was_let_in_is_heard_while_strangers_wait(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the open door: to be accepted counts as being heard, and all are heard in the end."""
    question = f"POST {PLACES} HTTP/1.1\r\n\r\n".encode()
    with door.connect() as guest:
        guest.sendall(question)
        assert guest.recv(65536).startswith(b"HTTP/1.1 204 ")
        looked, is_crowded = threading.Semaphore(0), threading.Event()

        def pace(_line: IntakeLine) -> float:
            looked.release()
            return HARDLY if is_crowded.is_set() else math.inf

        def look() -> None:
            for _ in range(3):
                assert looked.acquire(timeout=PATIENCE)

        with monkeypatch.context() as patch:
            patch.setattr(IntakeLine, "pace", pace)
            look()  # nobody has been heard lately
            is_crowded.set()
            look()
            with door.connect() as stranger:
                stranger.sendall(question)
                stranger.settimeout(QUIET)
                with pytest.raises(TimeoutError):
                    stranger.recv(65536)
                guest.sendall(question)
                assert guest.recv(65536).startswith(b"HTTP/1.1 204 ")
                patch.undo()
                stranger.settimeout(PATIENCE)
                assert stranger.recv(65536).startswith(b"HTTP/1.1 204 ")


def test_new_connections_are_accepted_in_each_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door's own socket does not stand among those who ask again and again."""
    arriving: list[int] = []
    real = Lanes.let_arrive

    def let_arrive(lanes: Lanes, number: int) -> None:
        arriving.append(number)
        real(lanes, number)

    monkeypatch.setattr(Lanes, "let_arrive", let_arrive)
    with open_door(tmp_path) as door:
        (number,) = arriving
        with socket.socket(fileno=os.dup(number)) as listener:
            assert listener.getsockname() == (HOST, door.port)
