"""
An open-loop crowd: people arrive by the clock, whether or not the door keeps up.

A closed loop of clients that wait for each other's answers hides the queue, since nobody arrives
while everybody waits. Here each arrival has its time beforehand, and its latency counts from that
time. Who is told to come back does so with the ticket it was given, when it was told to; who has
come often enough goes home, and its petition goes back to the pool.

One thread, one epoll and no HTTP library, so that the crowd takes as little of the shared cores as
it can.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import itertools
import random
import select
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.crowd.pool import Pool

CONNECTIONS = 2000  # sockets at most; who finds none free waits, and its clock runs
TRIES = 40
DRAIN_SECONDS = 15.0  # after the last arrival
SEND_BUFFER = 1 << 18
_CASE = b"\ncase "


@dataclass(frozen=True)
class Phase:
    """
    So many arrivals a second for so many seconds.

    Attributes:
        patience: The share of them who come back when they are asked to; the others go home.
    """

    name: str
    seconds: float
    rate: float
    patience: float = 1.0


@dataclass(order=True)
class Visit:
    """One person's way in."""

    due: float
    number: int
    phase: str = field(compare=False)
    arrived: float = field(compare=False)
    most_tries: int = field(default=TRIES, compare=False)
    tries: int = field(default=0, compare=False)
    ticket: bytes = field(default=b"", compare=False)


@dataclass
class Tally:
    """What came of the arrivals of one phase."""

    offered: int = 0
    kept_back: int = 0
    gone: int = 0
    refused: int = 0
    broken: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)  # from arrival to acceptance
    first_try: list[float] = field(default_factory=list)  # of those who were never sent away


@dataclass(eq=False)
class _Line:
    """One connection and who uses it."""

    socket: socket.socket
    visit: Visit | None = None
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    answer: bytearray = field(default_factory=bytearray)


class Crowd:
    """
    Sends the petitions of a pool to a door.

    Attributes:
        accepted: The number of each accepted petition, and the answer's case line.
        answers: When each acceptance came, in seconds since the start.
        arrivals: When each person arrived, and whether the first attempt was accepted.
    """

    def __init__(self, address: tuple[str, int], pool: Pool, path: str = "/v1/petitions") -> None:
        self._address = address
        self._pool = pool
        self._path = path.encode()
        self._epoll = select.epoll()
        self._lines: dict[int, _Line] = {}
        self._idle: list[_Line] = []
        self._waiting: deque[Visit] = deque()
        self._again: list[Visit] = []
        self._fresh: deque[int] = deque(range(len(pool)))
        self._start = 0.0
        self.tallies: dict[str, Tally] = {}
        self.accepted: dict[int, bytes] = {}
        self.answers: list[float] = []
        self.arrivals: list[tuple[float, bool]] = []
        self.late: float = 0.0  # the longest that the generator itself was behind its clock

    def run(self, phases: Sequence[Phase], seed: int = 1) -> None:
        """Let all phases' people arrive, and wait until the last has gone."""
        self._start = time.perf_counter()
        arrivals = self._schedule(phases, random.Random(seed))
        following = next(arrivals, None)
        deadline = self._start + sum(phase.seconds for phase in phases) + DRAIN_SECONDS
        while (now := time.perf_counter()) < deadline:
            while following and following.due <= now:
                self.late = max(self.late, now - following.due)
                self._go(following)
                following = next(arrivals, None)
            while self._again and self._again[0].due <= now:
                self._go(heapq.heappop(self._again))
            if not following and not self._again and len(self._idle) == len(self._lines):
                break
            due = [visit.due for visit in (following, *self._again[:1]) if visit]
            pause = max(0.0, min([0.05, *(time_ - now for time_ in due)]))
            for descriptor, what in self._epoll.poll(pause):
                self._turn(self._lines[descriptor], what)
        for line in list(self._lines.values()):
            self._drop(line)
        self._epoll.close()

    def _schedule(self, phases: Sequence[Phase], chance: random.Random) -> Iterator[Visit]:
        """Give arrivals whose distances are random, as those of people who do not know another."""
        begin = self._start
        for phase in phases:
            tally = self.tallies.setdefault(phase.name, Tally())
            due, end = begin, begin + phase.seconds
            while phase.rate and (due := due + chance.expovariate(phase.rate)) < end:
                if not self._fresh:  # all are on their way: one more would be somebody twice
                    tally.kept_back += 1
                    continue
                tally.offered += 1
                tries = TRIES if chance.random() < phase.patience else 1
                yield Visit(due, self._fresh.popleft(), phase.name, due, tries)
            begin = end

    def _go(self, visit: Visit) -> None:
        if self._idle:
            self._send(self._idle.pop(), visit)
        elif len(self._lines) < CONNECTIONS:
            self._send(self._open(), visit)
        else:
            self._waiting.append(visit)

    def _open(self) -> _Line:
        connection = socket.socket()
        connection.setblocking(False)  # noqa: FBT003  # the method of the standard library
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect_ex(self._address)
        line = _Line(connection)
        self._lines[connection.fileno()] = line
        self._epoll.register(connection.fileno(), select.EPOLLIN | select.EPOLLOUT)
        return line

    def _send(self, line: _Line, visit: Visit) -> None:
        body = self._pool[visit.number]
        start = body.index(_CASE) + len(_CASE)
        case = hashlib.sha256(bytes.fromhex(body[start : start + 64].decode())).hexdigest().encode()
        ticket = b"Dengwen-Ticket: %s\r\n" % visit.ticket if visit.ticket else b""
        head = b"POST %s HTTP/1.1\r\nHost: door\r\nContent-Length: %d\r\nDengwen-Case: %s\r\n%s\r\n"
        line.visit = visit
        line.unsent = memoryview(head % (self._path, len(body), case, ticket) + body)
        self._push(line)

    def _push(self, line: _Line) -> None:
        try:
            line.unsent = line.unsent[line.socket.send(line.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._break(line)
            return
        more = select.EPOLLOUT if line.unsent else 0
        self._epoll.modify(line.socket.fileno(), select.EPOLLIN | more)

    def _turn(self, line: _Line, what: int) -> None:
        if what & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            try:
                data = line.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._break(line)
                return
            line.answer += data
            self._read(line)
        elif what & select.EPOLLOUT and line.unsent:
            self._push(line)
        elif what & select.EPOLLOUT:
            self._epoll.modify(line.socket.fileno(), select.EPOLLIN)

    def _read(self, line: _Line) -> None:
        head, end, _ = line.answer.partition(b"\r\n\r\n")
        if not end or line.visit is None:
            return
        values = _values(bytes(head))
        length = len(head) + len(end) + int(values.get(b"content-length", b"0"))
        if len(line.answer) < length:
            return
        body = bytes(line.answer[len(head) + len(end) : length])
        visit, line.visit = line.visit, None
        self._judge(visit, bytes(head[9:12]), values, body)
        line.answer.clear()
        if line.unsent or values.get(b"connection", b"").lower() == b"close":
            self._drop(line)
        else:
            self._idle.append(line)
        if self._waiting:
            self._go(self._waiting.popleft())

    def _judge(self, visit: Visit, status: bytes, values: dict[bytes, bytes], body: bytes) -> None:
        now, tally = time.perf_counter(), self.tallies[visit.phase]
        if not visit.tries:
            self.arrivals.append((visit.arrived - self._start, status == b"200"))
        if status == b"200":
            self.answers.append(now - self._start)
            tally.seconds.append(now - visit.arrived)
            if not visit.tries:
                tally.first_try.append(now - visit.arrived)
            self.accepted[visit.number] = body
        elif status == b"503":
            tally.refused += 1
            visit.ticket = values.get(b"dengwen-ticket", b"") or visit.ticket
            self._later(visit, now + float(values.get(b"retry-after", b"1")))
        else:
            name = status.decode()
            tally.errors[name] = tally.errors.get(name, 0) + 1

    def _later(self, visit: Visit, due: float) -> None:
        visit.tries += 1
        visit.due = due
        if visit.tries < visit.most_tries:
            heapq.heappush(self._again, visit)
            return
        self.tallies[visit.phase].gone += 1
        self._fresh.append(visit.number)

    def _break(self, line: _Line) -> None:
        """Let go of a connection that the door closed; who was on it tries again."""
        visit = line.visit
        if line in self._idle:
            self._idle.remove(line)
        self._drop(line)
        if visit:
            self.tallies[visit.phase].broken += 1
            self._later(visit, time.perf_counter() + 0.1)
        if self._waiting:
            self._go(self._waiting.popleft())

    def _drop(self, line: _Line) -> None:
        del self._lines[line.socket.fileno()]
        with contextlib.suppress(OSError):
            self._epoll.unregister(line.socket.fileno())
        line.socket.close()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that *share* of *values* do not exceed; 0 if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def by_second(answers: Sequence[float]) -> list[int]:
    """Count what happened in each second."""
    seconds = sorted(int(answer) for answer in answers)
    counts = {second: len(list(group)) for second, group in itertools.groupby(seconds)}
    return [counts.get(second, 0) for second in range(seconds[-1] + 1)] if seconds else []


def _values(head: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}
