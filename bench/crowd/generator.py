"""
The crowd itself: it arrives by the clock, sends petitions, and comes back when it is told to.

Everybody asks for a place and sends when there is one, as the petitioner's client does. Who is told
to come back does so with the ticket it was given, at the time it was given; asked for
work, it solves the puzzle with the petitioner's own solver, in processes of their own. Who has come
often enough goes home, and its petition goes back to the pool.

One thread, one epoll and no HTTP library, so that the crowd takes as little of the shared cores as
it can: everything that a request consists of is in the pool already, and nothing is hashed, copied
or registered when it is sent.
"""

from __future__ import annotations

import contextlib
import heapq
import resource
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence

from bench.crowd.diary import BEHIND, Diary
from bench.crowd.phases import Phase, Visit, schedule
from bench.crowd.pool import Pool
from bench.crowd.solvers import Solvers

CONNECTIONS = 4000  # at most; who finds none free waits, and its clock runs
HOLDS_ON = 10.0  # seconds after which she goes home, if she would not come back either
SPARE_FILES = 64
DRAIN_SECONDS = 15.0  # after the last arrival
SEND_BUFFER = 1 << 18
READ_SIZE = 1 << 16
BREATH = 0.1  # seconds until whoever met a closed connection tries again
LONGEST_POLL = 0.05  # seconds

_QUESTION = b"POST /v1/places HTTP/1.1\r\n"
_REQUEST = b"POST /v1/petitions HTTP/1.1\r\n"
_IN = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR
_ALL = select.EPOLLIN | select.EPOLLOUT | select.EPOLLET


class _Line:
    """One connection and who uses it."""

    __slots__ = ("answer", "asks", "number", "socket", "unsent", "visit")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.number = connection.fileno()
        self.visit: Visit | None = None
        self.asks = False
        self.unsent: memoryview | None = None
        self.answer = b""


class Crowd:
    """
    Sends the petitions of a pool to a door.

    Args:
        numbers: Which petitions of the pool; all if it is not told.
        keep: Called with the number of each accepted petition, and the acceptance.
        solvers: Who solves puzzles; without them, whoever is asked for work goes home.
        reuse: Send what was accepted again, to a door that only answers.

    Attributes:
        diary: What came of it.
        accepted: The acceptances by number, unless *keep* was told.
    """

    def __init__(  # noqa: PLR0913  # what a crowd differs in
        self,
        address: tuple[str, int],
        pool: Pool,
        *,
        numbers: Sequence[int] | None = None,
        keep: Callable[[int, bytes], object] | None = None,
        solvers: Solvers | None = None,
        drain: float = DRAIN_SECONDS,
        reuse: bool = False,
    ) -> None:
        self._address = address
        self._pool = pool
        self._drain = drain
        self._reuse = reuse
        self._solvers = solvers
        self._epoll = select.epoll()
        self._lines: dict[int, _Line] = {}
        self._idle: list[_Line] = []
        self._waiting: deque[Visit] = deque()
        self._again: list[Visit] = []
        self._fresh: deque[int] = deque(range(len(pool)) if numbers is None else numbers)
        self._most = most_connections(CONNECTIONS)
        self._start = 0.0
        self._used = 0.0
        self.diary = Diary()
        self.accepted: dict[int, bytes] = {}
        self._keep = keep or self.accepted.__setitem__

    def run(self, phases: Sequence[Phase], *, seed: int = 1, start: float | None = None) -> None:
        """
        Let all phases' people arrive, and wait until the last has gone.

        Args:
            start: When to begin, by `time.perf_counter`; now if it is not told.
        """
        self._start = time.perf_counter() if start is None else start
        self._used = time.process_time()
        arrivals = schedule(phases, self._start, seed)
        following = next(arrivals, None)
        end = self._start + sum(phase.seconds for phase in phases) + self._drain
        second = 0
        while (now := time.perf_counter()) < end:
            if now - self._start >= second + 1:
                self._count_cpu(second)
                second = int(now - self._start)
            while following and following[0] <= now:
                self._arrive(*following, now)
                following = next(arrivals, None)
            while self._waiting and self._waiting[0].due + HOLDS_ON <= now:
                self._find_none(self._waiting.popleft(), now)
            while self._again and self._again[0].due <= now:
                self._return(heapq.heappop(self._again), now)
            if not following and not self._again and len(self._idle) == len(self._lines):
                break
            due = min(
                following[0] if following else end, self._again[0].due if self._again else end
            )
            for descriptor, what in self._epoll.poll(max(0.0, min(LONGEST_POLL, due - now))):
                self._turn(self._lines[descriptor], what)
        self._count_cpu(second)
        for line in list(self._lines.values()):
            self._drop(line)
        self._epoll.close()

    def _count_cpu(self, second: int) -> None:
        used = time.process_time()
        self.diary.at(second).cpu += used - self._used
        self._used = used

    def _arrive(self, due: float, most_tries: int, now: float) -> None:
        if not self._fresh:  # all are on their way: one more would be somebody twice
            self.diary.kept_back += 1
            return
        second = self.diary.at(due - self._start)
        second.offered += 1
        second.late += now - due > BEHIND
        self.diary.lateness.append(now - due)
        self._go(Visit(due, due, self._fresh.popleft(), most_tries))

    def _go(self, visit: Visit) -> None:
        if self._idle:
            self._ask(self._idle.pop(), visit)
        elif len(self._lines) < self._most:
            self._ask(self._open(), visit)
        else:
            self._waiting.append(visit)

    def _find_none(self, visit: Visit, now: float) -> None:
        """Let somebody go home who found no connection for so long, or hold on, as she is."""
        if visit.most_tries > 1:
            visit.due = now
            self._waiting.append(visit)
            return
        self.diary.at(now - self._start).unheard += 1
        self._fresh.append(visit.number)

    def _return(self, visit: Visit, now: float) -> None:
        """Let somebody come back, unless her device is still at work."""
        if self._solvers is not None and self._solvers.is_working(visit.number):
            visit.due = now + BREATH
            heapq.heappush(self._again, visit)
            return
        if self._solvers is not None and (solution := self._solvers.take(visit.number)):
            visit.work = solution
        self._go(visit)

    def _open(self) -> _Line:
        connection = socket.socket()
        connection.setblocking(False)  # noqa: FBT003  # the method of the standard library
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect_ex(self._address)
        line = _Line(connection)
        self._lines[line.number] = line
        self._epoll.register(line.number, _ALL)  # once: edges tell all there is to know
        return line

    def _ask(self, line: _Line, visit: Visit) -> None:
        """Ask for a place."""
        line.visit, line.asks = visit, True
        question = self._pool.place(visit.number)
        self._write(line, (_QUESTION + visit.ticket + visit.work + question,))

    def _send(self, line: _Line, visit: Visit) -> None:
        """Send the petition, for which there is a place."""
        line.asks = False
        head, parts = self._pool.pieces(visit.number)
        self._write(line, (_REQUEST + visit.ticket + visit.work, head, parts))

    def _write(self, line: _Line, pieces: Sequence[bytes | memoryview]) -> None:
        try:
            sent = line.socket.sendmsg(pieces)
        except BlockingIOError:  # it is not connected yet
            sent = 0
        except OSError:
            self._break(line)
            return
        if sent < sum(map(len, pieces)):
            line.unsent = memoryview(b"".join(pieces))[sent:]
            if sent:
                self._push(line)

    def _push(self, line: _Line) -> None:
        """Send on until the system takes no more, so that it tells when it does again."""
        try:
            while line.unsent:
                line.unsent = line.unsent[line.socket.send(line.unsent) :]
            line.unsent = None
        except BlockingIOError:
            return
        except OSError:
            self._break(line)

    def _turn(self, line: _Line, what: int) -> None:
        if line.unsent is not None and what & select.EPOLLOUT:
            self._push(line)
        if not what & _IN or line.number not in self._lines:
            return
        try:
            data = line.socket.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._read(line, line.answer + data if line.answer else data)
        else:
            self._break(line)

    def _read(self, line: _Line, data: bytes) -> None:
        end = data.find(b"\r\n\r\n")
        head = data[:end].lower()
        begin = end + 4
        length = int(_field(head, b"content-length") or b"0")
        if end < 0 or len(data) < begin + length:
            line.answer = data
            return
        line.answer = b""
        if line.visit is not None and line.asks and head[9:12] == b"204":
            _take_ticket(line.visit, head)
            self._send(line, line.visit)
            return
        visit, line.visit = line.visit, None
        if visit is not None:
            self._judge(visit, head, data[begin : begin + length])
        if line.unsent is not None or visit is None or b"\r\nconnection: close" in head:
            self._drop(line)
        else:
            self._idle.append(line)
        if self._waiting:
            self._go(self._waiting.popleft())

    def _judge(self, visit: Visit, head: bytes, body: bytes) -> None:
        now, diary, status = time.perf_counter(), self.diary, head[9:12]
        if status == b"200":
            diary.answered.append(now - self._start)
            diary.waited.append(now - visit.arrived)
            diary.first.append(not visit.tries)
            diary.at(now - self._start).accepted += 1
            if not visit.tries:
                diary.at(visit.arrived - self._start).at_once += 1
            self._keep(visit.number, body)
            if self._reuse:
                self._fresh.append(visit.number)
        elif status == b"503":
            self._come_back(visit, head, now)
        else:
            name = status.decode()
            diary.errors[name] = diary.errors.get(name, 0) + 1

    def _come_back(self, visit: Visit, head: bytes, now: float) -> None:
        """Do as the refusal says."""
        diary = self.diary
        diary.at(now - self._start).refused += 1
        pause = _field(head, b"retry-after")
        diary.untold += not _take_ticket(visit, head) or not pause
        if asked := _field(head, b"dengwen-puzzle"):
            diary.asked_to_work += 1
            if self._solvers is None:
                visit.tries = visit.most_tries  # she has nothing to work with
            elif visit.tries + 1 < visit.most_tries:
                self._solvers.ask(visit.number, self._pool.announced(visit.number), asked)
        self._later(visit, now + float(pause or b"1"))

    def _later(self, visit: Visit, due: float) -> None:
        visit.tries += 1
        visit.due = due
        if visit.tries < visit.most_tries:
            heapq.heappush(self._again, visit)
            return
        self.diary.at(time.perf_counter() - self._start).gone += 1
        self._fresh.append(visit.number)

    def _break(self, line: _Line) -> None:
        """Let go of a connection that the door closed; who was on it tries again."""
        visit = line.visit
        if visit is None:
            self._idle.remove(line)
        self._drop(line)
        if visit is not None:
            now = time.perf_counter()
            self.diary.at(now - self._start).broken += 1
            self._later(visit, now + BREATH)
        if self._waiting:
            self._go(self._waiting.popleft())

    def _drop(self, line: _Line) -> None:
        del self._lines[line.number]
        with contextlib.suppress(OSError):
            self._epoll.unregister(line.number)
        line.socket.close()


def _take_ticket(visit: Visit, head: bytes) -> bool:
    """Keep the ticket that came with an answer; tell whether there was one."""
    ticket = _field(head, b"dengwen-ticket")
    visit.ticket = b"Dengwen-Ticket: %s\r\n" % ticket if ticket else visit.ticket
    return bool(ticket)


def _field(head: bytes, name: bytes) -> bytes:
    """Return the value of one line of a head in small letters; nothing if it is not there."""
    begin = head.find(b"\r\n" + name + b": ")
    if begin < 0:
        return b""
    begin += len(name) + 4
    end = head.find(b"\r\n", begin)
    return head[begin:] if end < 0 else head[begin:end]


def most_connections(wanted: int) -> int:
    """Let this process open as many connections, if the system allows; return how many it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + SPARE_FILES
    allowed = files if hard == resource.RLIM_INFINITY else min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
    return min(wanted, max(soft, allowed) - SPARE_FILES)
