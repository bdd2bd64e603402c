"""
The server of the public door: asynchronous at the sockets, workers behind.

Petitions go the short way (`dengwen_submit.intake_line`) to processes of their own, and attachments
are judged at their header (`dengwen_submit.attachment_line`). Everything else is answered by the
Flask application, in a few threads; what it answered for a public file is kept and given again for
as long as the file is the same. The choice was made by measurement: docs/decisions/0010-door.md.
"""

from __future__ import annotations

import asyncio
import functools
import resource
import signal
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from flask import Flask

from dengwen_audit.problems import Problem, problem_bytes
from dengwen_audit.web import limits_of
from dengwen_submit.attachment_line import AttachmentLine, is_attachment
from dengwen_submit.attachment_views import PATH as ATTACHMENTS
from dengwen_submit.connection import Answer, Connection, Hall, Later, Request
from dengwen_submit.door_settings import WatchedSettings
from dengwen_submit.intake import PATH, PLACES
from dengwen_submit.intake_line import IntakeLine
from dengwen_submit.lanes import ARRIVALS
from dengwen_submit.public_files import is_public
from dengwen_submit.workers import Worker
from dengwen_submit.wsgi_bridge import ask_safely
from dengwen_vault.attachments import Due
from dengwen_vault.vault import Vault

THREADS = 4  # for what goes to the Flask application
MAX_ASKING = 256  # requests that wait for one of them
MAX_CONNECTIONS = 20_000  # and never more than the system lets a process have
SPARE_FILES = 256  # descriptors for everything that is no connection
MAX_HELD = 256 << 20  # bytes of bodies, all together
KEPT_BYTES = 64 << 20  # of answers for public files
KEPT_SECONDS = 60.0
BACKLOG = 4096  # connections that the system keeps until they are accepted
STOP_SECONDS = 10.0
SWEEP_SECONDS = 1.0  # between two looks who is too slow

_BUSY = Problem(503, "busy", "Many are here at once: come back in some seconds", retry_after=5)
_PLAIN = ("range", "if-none-match", "if-modified-since", "if-range", "if-match")


@dataclass(frozen=True)
class _Kept:
    """An answer for a public file, and the file it was given for."""

    answer: Answer
    file: tuple[int, int, int]
    since: float


@dataclass
class Door:
    """Tells each request its way; the `Handler` of all connections."""

    app: Flask
    vault: Vault
    line: IntakeLine
    attachments: AttachmentLine
    answer_soon: Callable[[Callable[[], None]], object]
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS))
    _asking: int = 0
    _kept: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)
    _kept_bytes: int = 0

    def limit(self, request: Request) -> int:
        """Return how many bytes the body may have."""
        if isinstance(request.note, Due):
            return request.note.part.length
        limits, path = limits_of(self.app), request.path
        if path.startswith(ATTACHMENTS) and not is_attachment(request):
            return limits.default  # another spelling, or method: nobody judges it at the header
        return limits.of(path)

    def begin(self, request: Request) -> Answer | Later | None:
        """Refuse at the header what may not come in now."""
        if _is_petition(request):
            return self.line.begin(request)
        if is_attachment(request):
            return self.attachments.begin(request)
        if request.method == "POST" and request.path == PLACES:
            return self.line.place(request)
        if self._asking >= MAX_ASKING:
            return Answer(
                _BUSY.status,
                [("Retry-After", str(_BUSY.retry_after)), ("Cache-Control", "no-store")],
                problem_bytes(_BUSY),
            )
        return None

    def handle(self, request: Request, connection: Connection) -> None:
        """Answer a whole request, or have it answered."""
        if _is_petition(request):
            self.line.handle(request, connection)
            return
        if is_attachment(request):
            self.attachments.handle(request, connection)
            return
        file = self._file(request)
        kept = self._kept.get(request.target) if file else None
        if kept and kept.file == file and time.monotonic() - kept.since < KEPT_SECONDS:
            connection.answer(kept.answer)
            return
        self._asking += 1
        self._threads.submit(self._ask, request, connection, file)

    def close(self) -> None:
        """Wait for the threads."""
        self.attachments.close()
        self._threads.shutdown()

    def _ask(
        self, request: Request, connection: Connection, file: tuple[int, int, int] | None
    ) -> None:
        answer = ask_safely(self.app, request)
        self.answer_soon(lambda: self._tell(request, connection, answer, file))

    def _tell(
        self,
        request: Request,
        connection: Connection,
        answer: Answer,
        file: tuple[int, int, int] | None,
    ) -> None:
        self._asking -= 1
        if file and answer.status == HTTPStatus.OK:
            self._keep(request.target, _Kept(answer, file, time.monotonic()))
        connection.answer(answer)

    def _keep(self, target: str, kept: _Kept) -> None:
        before = self._kept.pop(target, None)
        self._kept_bytes += len(kept.answer.body) - (len(before.answer.body) if before else 0)
        self._kept[target] = kept
        while self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1].answer.body)

    def _file(self, request: Request) -> tuple[int, int, int] | None:
        """Return which file a plain request for a public file means, if it means one."""
        name = request.target[1:]
        if request.method != "GET" or not is_public(name) or request.body:
            return None
        if any(header in request.headers for header in _PLAIN):
            return None
        try:
            found = (self.vault.public_folder / Path(name)).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


@dataclass(frozen=True)
class Opening:
    """
    How a door is opened.

    Attributes:
        app: What `dengwen_submit.web.create_door` returned.
        clock: Gives seconds since 1970, for tickets and appointments.
        workers: Processes that check and store petitions; if there are none, this one does.
        make_line: What petitions go through; the bench measures the door without it, too.
    """

    app: Flask
    vault: Vault
    clock: Callable[[], float] = time.time
    workers: Sequence[Worker] = ()
    make_line: type[IntakeLine] = IntakeLine


def serve_door(
    opening: Opening,
    host: str,
    port: int,
    on_ready: Callable[[int], None] | None = None,
    *,
    stop: threading.Event | None = None,
) -> None:
    """
    Serve the door at *host* (an address) and *port* (0: any free one) until told to stop.

    Args:
        on_ready: Called once with the port, when connections are accepted.
        stop: Set by another thread to stop. In the main thread SIGTERM and SIGINT stop it too.
    """
    with socket.create_server((host, port), backlog=BACKLOG) as listener:
        ready = functools.partial(on_ready, listener.getsockname()[1]) if on_ready else None
        hall = Hall(_most_connections(), MAX_HELD)
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(hall.lanes)) as runner:
            runner.run(_serve(opening, hall, listener, stop or threading.Event(), ready))


async def _serve(
    opening: Opening,
    hall: Hall,
    listener: socket.socket,
    stop: threading.Event,
    on_ready: Callable[[], None] | None,
) -> None:
    loop = asyncio.get_running_loop()
    vault, soon = opening.vault, loop.call_soon_threadsafe
    settings = WatchedSettings(vault.settings.folder)
    line = opening.make_line(vault, settings, soon, opening.clock, opening.workers)
    door = Door(opening.app, vault, line, AttachmentLine(opening.app, vault, hall, soon), soon)
    line.start()
    server = await loop.create_server(
        lambda: Connection(hall, door), sock=listener, backlog=ARRIVALS
    )
    listener.listen(BACKLOG)  # asyncio means the same number by both
    hall.lanes.let_arrive(listener.fileno())
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    if on_ready:
        on_ready()
    swept = time.monotonic()
    while not stop.is_set():
        await asyncio.sleep(0.1)
        line.tick()
        hall.lanes.pace = line.pace()
        if time.monotonic() - swept > SWEEP_SECONDS:
            swept = time.monotonic()
            hall.sweep(swept)
    server.close()
    await _finish(hall, line, door)


async def _finish(hall: Hall, line: IntakeLine, door: Door) -> None:
    """Let every request that came in whole have its answer, and then go."""
    await asyncio.to_thread(line.stop)
    await asyncio.to_thread(door.close)
    for connection in list(hall.connections):
        connection.end()
    deadline = time.monotonic() + STOP_SECONDS
    while hall.connections and time.monotonic() < deadline:  # noqa: ASYNC110  # last words go out
        await asyncio.sleep(0.01)


def _is_petition(request: Request) -> bool:
    return request.method == "POST" and request.path == PATH


def _most_connections() -> int:
    """Let this process open as many files as it may, and return how many connections that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + SPARE_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
    return min(MAX_CONNECTIONS, max(soft, allowed) - SPARE_FILES)
