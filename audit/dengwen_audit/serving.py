"""
Serves a WSGI application with waitress, hardened where a public server needs it.

Waitress reads a whole request before a thread touches it, so that a slow sender costs a file
descriptor and no thread. Four things are changed here:

- A body over its path's limit is refused when its header is read, also after ``Expect:
  100-continue``. The answer is a problem like any other, and the connection then lingers for some
  seconds: closing it at once would reset it, and a client still sending would never read why.
- No answer names the server's software, and no log line holds an address or a path.
- SIGTERM and SIGINT stop it gracefully: no new connection, and what was begun is finished.
- Port 0 is allowed; `on_ready` is told the port that was given.

Source: docs/decisions/0006-waitress.md.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from types import FrameType
from typing import TYPE_CHECKING

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher
from waitress.utilities import Error, RequestEntityTooLarge

from dengwen_audit.problems import PROBLEM_TYPE, BodyLimits, http_problem, problem_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 8
MAX_CONNECTIONS = 500
MAX_HEADER_BYTES = 32 * 1024
IDLE_SECONDS = 30  # a connection on which nothing moves is closed
LINGER_SECONDS = 5.0  # what a refused sender still sends is thrown away for so long
STOP_SECONDS = 10.0  # requests that run longer are cut off at the stop
_POLL_SECONDS = 0.25


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress ships no types
    """Reads one request; stops after the header if the body would be too long."""

    error: Error | None = None

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.headers_finished and not self.error:
            so_far = self.body_rcv.__len__() if self.body_rcv else 0  # grows if sent in chunks
            if max(self.content_length, so_far) > self.adj.body_limits.of(self.path):
                self.error = RequestEntityTooLarge("")
                self.completed = True
        if self.error:
            self.expect_continue = False  # or waitress would ask for the body first
        return consumed


class _ErrorTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Answers a request that no application saw."""

    def execute(self) -> None:
        what = http_problem(self.request.error.code)
        body = problem_bytes(what)
        self.status = f"{what.status} {what.title}"
        self.response_headers.append(("Content-Type", PROBLEM_TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)
        self.channel.linger = what.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """One connection, which after a refusal reads on for a while and throws away what it reads."""

    parser_class = _Parser
    error_task_class = _ErrorTask
    linger = False
    _linger_until: float | None = None

    def readable(self) -> bool:
        return self._linger_until is not None or bool(super().readable())

    def writable(self) -> bool:
        if self._linger_until is None or self.will_close:
            return bool(super().writable())
        return time.monotonic() > self._linger_until

    def handle_write(self) -> None:
        if self._linger_until is not None:
            self.handle_close()
        else:
            super().handle_write()

    def handle_read(self) -> None:
        if self._linger_until is None:
            super().handle_read()
            return
        with contextlib.suppress(OSError):
            self.recv(self.adj.recv_bytes)  # closes the channel by itself at the end of input

    def handle_close(self) -> None:
        if self.linger and self.connected and self._linger_until is None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
                self._linger_until = time.monotonic() + LINGER_SECONDS
                self.close_when_flushed = self.will_close = False
                return
        super().handle_close()


def serve_wsgi(
    app: WSGIApplication,
    address: tuple[str, int],
    limits: BodyLimits,
    on_ready: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve *app* at *address* until *stop* is set; `dengwen_audit.web.serve` says the rest."""
    stop = stop or threading.Event()
    _silence()
    server = _make_server(app, address, limits)
    try:
        with _stop_on_signals(stop):
            if on_ready:
                on_ready(int(server.effective_port))
            while not stop.is_set():
                _turn(server)
        _finish(server)
    finally:
        server.task_dispatcher.shutdown()
        wasyncore.close_all(server._map)  # noqa: SLF001  # what waitress itself calls for several servers


def _make_server(
    app: WSGIApplication, address: tuple[str, int], limits: BodyLimits
) -> TcpWSGIServer:
    settings = Adjustments(
        host=address[0],
        port=address[1],
        threads=THREADS,
        ident="",
        connection_limit=MAX_CONNECTIONS,
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=1,
        max_request_header_size=MAX_HEADER_BYTES,
        asyncore_use_poll=True,
        log_socket_errors=False,
    )
    settings.body_limits = limits
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(THREADS)
    server = TcpWSGIServer(
        app, map={}, dispatcher=dispatcher, adj=settings, sockinfo=settings.listen[0]
    )
    server.channel_class = _Channel
    return server


def _turn(server: TcpWSGIServer) -> None:
    """Let waitress look at its sockets once."""
    wasyncore.loop(timeout=_POLL_SECONDS, use_poll=True, map=server._map, count=1)  # noqa: SLF001  # its loop is ours


def _finish(server: TcpWSGIServer) -> None:
    """Accept nothing more; wait until every request that was read has its answer."""
    wasyncore.dispatcher.close(server)  # the listening socket only
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and any(
        channel.requests or channel.total_outbufs_len for channel in server.active_channels.values()
    ):
        _turn(server)


@contextlib.contextmanager
def _stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set *stop*, as long as this lasts and if this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _silence() -> None:
    """Drop what waitress would log: its messages hold paths, and a path may name a case."""
    logging.getLogger("waitress").setLevel(logging.CRITICAL + 1)
