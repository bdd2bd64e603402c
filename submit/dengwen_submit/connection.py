"""
One visitor's connection: HTTP/1.1 as llhttp parses it, in bounded memory, at the visitor's pace.

A connection costs a few kilobytes and no thread until its request is whole, so that thousands may
trickle. What a body may weigh is judged when its header is read; so is whether it may come in at
all, and a refusal is then sent at once. A judgement that needs the database is waited for, and
nothing is read meanwhile. What the refused still send is thrown away, so that they read the refusal
and can use the connection again. Who sends less than `MIN_RATE` is let go, and whoever holds most
memory goes first if all together hold too much.

One request at a time: what a visitor sends beyond it is not answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Protocol

import httptools

from dengwen_audit.problems import PROBLEM_TYPE, http_problem, problem_bytes
from dengwen_submit.lanes import Lanes

MAX_HEADER_BYTES = 32 << 10
MAX_HEADERS = 100
MAX_THROWN_AWAY = 1 << 20  # bytes of a refused body after which a connection may be used again
LINGER_SECONDS = 20.0  # for which a refused body is read, so that its sender reads the refusal
GRACE_SECONDS = 20.0  # for a header, and before a body's rate is judged
IDLE_SECONDS = 30.0  # between two requests
ANSWER_SECONDS = 60.0  # to read an answer
MIN_RATE = 1024  # bytes a second of a body, on average

Headers = Sequence[tuple[str, str]]

_PHRASES = {int(status): status.phrase for status in HTTPStatus}
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


@dataclass
class Request:
    """A request; its *body* is whole when it is handed over."""

    method: str
    target: str
    headers: dict[str, str]
    expected: int  # bytes of body that are announced; 0 if they come in chunks
    path: str = ""  # the target without its question; there once the header is
    body: bytes = b""
    note: object = None  # what the handler wants to remember between header and body


@dataclass(frozen=True)
class Answer:
    """An answer; its length and the connection's fate are added on the way out."""

    status: int
    headers: Headers
    body: bytes

    def to_bytes(self, *, keep: bool, is_head: bool = False) -> bytes:
        """Spell the answer."""
        lines = "".join([f"\r\n{name}: {value}" for name, value in self.headers])
        if "\r\ncontent-length: " not in lines.lower() and self.status not in _WITHOUT_BODY:
            lines += f"\r\nContent-Length: {len(self.body)}"
        end = "\r\n\r\n" if keep else "\r\nConnection: close\r\n\r\n"
        phrase = _PHRASES.get(self.status, "Answer")
        head = f"HTTP/1.1 {self.status} {phrase}{lines}{end}".encode("latin-1")
        return head if is_head else head + self.body


Tell = Callable[[Answer | None], None]


@dataclass(frozen=True)
class Later:
    """
    A judgement that takes time.

    Attributes:
        ask: Begins it. What it is given is called once, in the thread that serves the connections,
            with a refusal, or with None to let the body come.
    """

    ask: Callable[[Tell], None]


class Handler(Protocol):
    """What stands behind the connections."""

    def begin(self, request: Request) -> Answer | Later | None:
        """Look at a header; return a refusal, None to let the body come, or what tells it later."""

    def limit(self, request: Request) -> int:
        """Return how many bytes the body may have."""

    def handle(self, request: Request, connection: Connection) -> None:
        """Answer a whole request, now or later, by `Connection.answer`."""


class _State(Enum):
    IDLE = "waits for a request"
    HEAD = "reads a header"
    JUDGED = "waits whether its body may come"
    BODY = "reads a body"
    THROWING = "throws away a refused body"
    ANSWERING = "waits for the handler"
    CLOSING = "has said its last"


@dataclass
class Hall:
    """All connections of one door, the bytes that they hold together, and whose turn it is."""

    max_connections: int
    max_held: int
    lanes: Lanes = field(default_factory=Lanes)
    connections: dict[Connection, None] = field(default_factory=dict)
    held: int = 0

    def sweep(self, now: float) -> None:
        """Let go of whoever is too slow."""
        for connection in list(self.connections):
            connection.sweep(now)

    def make_room(self) -> None:
        """Let go of the first comer who has nothing at stake, if there are too many."""
        if len(self.connections) <= self.max_connections:
            return
        waiting = (c for c in self.connections if c.state in (_State.IDLE, _State.HEAD))
        slowest = next(waiting, None) or next(iter(self.connections))
        slowest.drop()

    def relieve(self) -> None:
        """Refuse whoever holds most, if all together hold too much."""
        while self.held > self.max_held:
            largest = max(self.connections, key=lambda connection: connection.held)
            largest.cut(HTTPStatus.SERVICE_UNAVAILABLE)


class Connection(asyncio.Protocol):
    """One connection; see the module."""

    def __init__(self, hall: Hall, handler: Handler) -> None:
        self._hall = hall
        self._handler = handler
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._request = Request("", "", {}, 0)
        self._chunks: list[bytes] = []
        self._head_bytes = 0
        self._since = time.monotonic()
        self._is_flowing = True
        self._is_whole = False
        self._is_paused = False
        self._keeps = True  # the connection may be used again after this request
        self._number = -1
        self.state = _State.IDLE
        self.held = 0

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        if not isinstance(transport, asyncio.Transport):
            raise AssertionError("internal error: not a stream")
        self._transport = transport
        self._number = transport.get_extra_info("socket").fileno()
        self._hall.lanes.send_back(self._number)
        self._hall.connections[self] = None
        self._hall.make_room()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget everything."""
        self._hall.connections.pop(self, None)
        self._hall.lanes.forget(self._number)
        self._hold(-self.held)
        self.state, self._transport = _State.CLOSING, None

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self.state is _State.CLOSING:
            return
        try:
            if self.state in (_State.IDLE, _State.HEAD):
                self._head_bytes += len(data)
            self._parser.feed_data(data)
        except (httptools.HttpParserUpgrade, httptools.HttpParserError):
            self.cut(HTTPStatus.BAD_REQUEST)
        if self.state is _State.HEAD and self._head_bytes > MAX_HEADER_BYTES:
            self.cut(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if self.held and self._hall.held > self._hall.max_held:
            self._hall.relieve()

    def pause_writing(self) -> None:
        """Note that the visitor reads too slowly."""
        self._is_flowing, self._since = False, time.monotonic()

    def resume_writing(self) -> None:
        """Note that the visitor reads again."""
        self._is_flowing = True

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self.state is not _State.IDLE:
            raise httptools.HttpParserError("a second request before the first is answered")
        self.state, self._since = _State.HEAD, time.monotonic()
        self._request, self._is_whole = Request("", "", {}, 0), False

    def on_url(self, url: bytes) -> None:
        """Take the target, or a piece of it."""
        self._request.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        headers, key = self._request.headers, name.decode("latin-1").lower()
        if len(headers) >= MAX_HEADERS:
            raise httptools.HttpParserError("too many headers")
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """Judge the request before its body comes."""
        request = self._request
        request.method = self._parser.get_method().decode("ascii")
        request.path = request.target.partition("?")[0]
        request.expected = int(request.headers.get("content-length", "0"))
        self._keeps = self._parser.should_keep_alive()  # once all has come, it has forgotten
        self._head_bytes = 0
        if request.expected > self._handler.limit(request):
            self._refuse(problem_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return
        verdict = self._handler.begin(request)
        if isinstance(verdict, Later):
            self.state = _State.JUDGED
            self._pause_reading()
            verdict.ask(self._judged)
        else:
            self._act_on(verdict)

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body; while it is judged, only what was read with its header."""
        if self.state not in (_State.BODY, _State.JUDGED):
            return
        self._chunks.append(data)
        self._hold(len(data))
        if self.held > self._handler.limit(self._request):
            self.cut(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        self._is_whole = True
        if self.state is _State.THROWING:
            self._rest()
        elif self.state is _State.BODY:
            self._hand_over()

    # What the handler and the hall call.

    def answer(self, answer: Answer) -> None:
        """Answer the request that was handed over; somebody who has gone is not told."""
        if self.state is not _State.ANSWERING or self._transport is None:
            return
        self._hold(-self.held)
        is_head = self._request.method == "HEAD"
        self._request = Request("", "", {}, 0)
        self._write(answer.to_bytes(keep=self._keeps, is_head=is_head))
        self._rank(answer)
        if self._keeps:
            self._rest()
            self._resume_reading()
        else:
            self._close()

    def cut(self, status: HTTPStatus) -> None:
        """Refuse with a *status*, and end the connection."""
        if self.state in (_State.IDLE, _State.HEAD, _State.JUDGED, _State.BODY):
            self._write(problem_answer(status).to_bytes(keep=False))
        self._hold(-self.held)
        self._chunks.clear()
        self._close()

    def end(self) -> None:
        """End the connection once what was said is sent."""
        self._close()

    def drop(self) -> None:
        """End the connection without a word."""
        if self._transport:
            self._transport.abort()
        self._hall.connections.pop(self, None)

    def sweep(self, now: float) -> None:
        """End the connection if its visitor is too slow."""
        waited = now - self._since
        is_late = waited > GRACE_SECONDS
        if not self._is_flowing and waited > ANSWER_SECONDS:
            self.drop()
        elif self.state is _State.IDLE and waited > IDLE_SECONDS:
            self._close()
        elif (self.state is _State.HEAD and is_late) or self._trickles(waited):
            self.cut(HTTPStatus.REQUEST_TIMEOUT)
        elif self.state in (_State.THROWING, _State.CLOSING) and waited > LINGER_SECONDS:
            self.drop()

    def _trickles(self, waited: float) -> bool:
        expected = (waited - GRACE_SECONDS) * MIN_RATE
        return self.state is _State.BODY and expected > self.held

    def _judged(self, refusal: Answer | None) -> None:
        """Go on as the judgement says; somebody who has gone is not told."""
        if self.state is not _State.JUDGED or self._transport is None:
            return
        if refusal is None and self.held > self._handler.limit(self._request):
            self.cut(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self._act_on(refusal)
        if refusal is None and self._is_whole:
            self._hand_over()
            return
        if refusal is not None:
            self._chunks.clear()
            self._hold(-self.held)
            if self._is_whole:
                self._rest()
        self._resume_reading()

    def _act_on(self, refusal: Answer | None) -> None:
        """Refuse, or let the body come."""
        if refusal is not None:
            self._refuse(refusal)
            return
        self.state, self._since = _State.BODY, time.monotonic()
        self._hall.lanes.prefer(self._number)
        if self._request.headers.get("expect", "").lower() == "100-continue":
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _hand_over(self) -> None:
        self._request.body = b"".join(self._chunks)
        self._chunks.clear()
        self.state = _State.ANSWERING
        self._handler.handle(self._request, self)
        if self.state is _State.ANSWERING:  # the answer takes time
            self._pause_reading()

    def _pause_reading(self) -> None:
        if self._transport and not self._is_paused:
            self._transport.pause_reading()
            self._is_paused = True

    def _resume_reading(self) -> None:
        if self._transport and self._is_paused:
            self._transport.resume_reading()
            self._is_paused = False

    def _rank(self, answer: Answer) -> None:
        """Let whoever is served be heard before others next time, and whoever is not after."""
        lanes, is_served = self._hall.lanes, answer.status < HTTPStatus.BAD_REQUEST
        (lanes.prefer if is_served else lanes.send_back)(self._number)

    def _refuse(self, answer: Answer) -> None:
        """Answer before the body has come, and throw the body away."""
        self._rank(answer)
        self.state, self._since = _State.THROWING, time.monotonic()
        self._keeps = self._keeps and self._request.expected <= MAX_THROWN_AWAY
        is_head = self._request.method == "HEAD"
        self._write(answer.to_bytes(keep=self._keeps, is_head=is_head))

    def _rest(self) -> None:
        if not self._keeps:
            self._close()
            return
        self.state, self._since = _State.IDLE, time.monotonic()

    def _close(self) -> None:
        self.state, self._since = _State.CLOSING, time.monotonic()
        if self._transport:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport:
            self._transport.write(data)

    def _hold(self, change: int) -> None:
        self.held += change
        self._hall.held += change


def problem_answer(status: HTTPStatus) -> Answer:
    """Return the answer for a request that no application sees."""
    body = problem_bytes(http_problem(status))
    return Answer(status, [("Content-Type", PROBLEM_TYPE), ("Cache-Control", "no-store")], body)
