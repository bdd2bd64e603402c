"""A connection whose header is judged by somebody else: what it holds meanwhile, and afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from dengwen_submit.connection import Answer, Connection, Hall, Later, Request, Tell, problem_answer
from tests.crowd.open_door import HOST
from tests.patience import until

HEAD = f"PUT /1 HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 50000\r\n\r\n".encode()
NO = problem_answer(HTTPStatus.FORBIDDEN)
ROOM = 1 << 20  # bytes


class Judge:
    """
    A handler that judges when the test says so.

    Attributes:
        asked: How to tell each who was asked about.
        taken: The bodies that were handed over.
    """

    def __init__(self) -> None:
        self.asked: list[Tell] = []
        self.taken: list[bytes] = []

    def begin(self, _request: Request) -> Later:
        """Keep it waiting."""
        return Later(self.asked.append)

    def limit(self, _request: Request) -> int:
        """Allow a large body."""
        return ROOM

    def handle(self, request: Request, connection: Connection) -> None:
        """Take it."""
        self.taken.append(request.body)
        connection.answer(Answer(HTTPStatus.OK, [], b""))


@contextlib.asynccontextmanager
async def served(hall: Hall, judge: Judge) -> AsyncIterator[int]:
    """Serve such connections; give the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(hall, judge), HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(hall.connections):
            connection.drop()
        await until(lambda: not hall.connections)


@contextlib.asynccontextmanager
async def announced(
    hall: Hall, judge: Judge, body: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Send a header, with some of the body in the same piece; give both ends when it is judged."""
    async with served(hall, judge) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(HEAD + body)
        await until(lambda: judge.asked)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@pytest.mark.parametrize("came", [0, 10_000, 50_000])
def test_a_refused_body_is_held_no_longer_and_the_connection_can_be_used(came: int) -> None:
    """What had come with the header is forgotten, what comes later is thrown away."""

    async def play() -> None:
        hall, judge = Hall(10, ROOM), Judge()
        async with announced(hall, judge, bytes(came)) as (reader, writer):
            assert hall.held == came
            judge.asked.pop()(NO)
            assert hall.held == 0
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 403 ")
            await reader.readexactly(len(NO.body))
            writer.write(bytes(50_000 - came) + HEAD)
            await until(lambda: judge.asked)
            assert hall.held == 0
            judge.asked.pop()(None)
            writer.write(b"y" * 50_000)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert judge.taken == [b"y" * 50_000]

    asyncio.run(play())


@pytest.mark.parametrize("came", [0, 10_000, 50_000])
def test_a_body_that_is_let_in_is_handed_over_whole(came: int) -> None:
    """However much of it came before the judgement."""

    async def play() -> None:
        hall, judge = Hall(10, ROOM), Judge()
        async with announced(hall, judge, b"y" * came) as (reader, writer):
            judge.asked.pop()(None)
            writer.write(b"y" * (50_000 - came))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert (judge.taken, hall.held) == ([b"y" * 50_000], 0)

    asyncio.run(play())


@pytest.mark.parametrize("refusal", [None, NO])
def test_a_judgement_of_somebody_who_has_gone_changes_nothing(refusal: Answer | None) -> None:
    """The judgement cannot be called back; it finds nobody."""

    async def play() -> None:
        hall, judge = Hall(10, ROOM), Judge()
        async with announced(hall, judge, bytes(50_000)):
            next(iter(hall.connections)).drop()
            await until(lambda: hall.held == 0)
            judge.asked.pop()(refusal)
        assert (judge.taken, hall.held) == ([], 0)

    asyncio.run(play())


def test_whoever_is_judged_may_have_to_go_for_want_of_memory() -> None:
    """What came with the header counts, and whoever holds most is told to come back."""

    async def play() -> None:
        hall, judge = Hall(10, 20_000), Judge()
        async with announced(hall, judge, bytes(30_000)) as (reader, _):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
            assert hall.held == 0
            judge.asked.pop()(None)
        assert judge.taken == []

    asyncio.run(play())
