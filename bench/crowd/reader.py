"""
Reads public files from a door as fast as it gives them: `bench.crowd.reader PORT SECONDS PATH…`.

Each connection stays open and asks for one file after the other, through all of them, again and
again. That is a closed loop: it tells how many are given, not how long a crowd would wait.
Before that it learns how long the answers are, says ``ready``, and waits until its input ends, so
that what is counted falls into the time that is meant.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import Counter

CONNECTIONS = 32
READY = "ready"


def main() -> None:
    """Print how many a second, how long each took, and what the reader itself used."""
    port, seconds, paths = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    requests = [f"GET {path} HTTP/1.1\r\nHost: door\r\n\r\n".encode() for path in paths]
    lengths = [_length(port, path) for path in paths]
    print(READY, flush=True)
    sys.stdin.readline()
    lines = [_Line(port, number * len(paths) // CONNECTIONS) for number in range(CONNECTIONS)]
    by_descriptor = {line.socket.fileno(): line for line in lines}
    poll = select.epoll()
    for descriptor in by_descriptor:
        poll.register(descriptor, select.EPOLLIN)
    times: list[float] = []
    given: Counter[int] = Counter()
    used, began = time.process_time(), time.perf_counter()
    for line in lines:
        line.ask(requests, lengths)
    while (now := time.perf_counter()) - began < seconds:
        for descriptor, _ in poll.poll(0.1):
            line = by_descriptor[descriptor]
            data = line.socket.recv(1 << 20)
            if not data:
                raise SystemExit("the door ended a connection")
            line.missing -= len(data)
            if line.missing <= 0:
                done = time.perf_counter()
                times.append(done - line.since)
                given[line.path] += 1
                line.path = (line.path + 1) % len(paths)
                line.ask(requests, lengths)
    times.sort()
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    result = {
        name: times[int(share * len(times))] if times else 0.0 for name, share in shares.items()
    }
    result |= {"a second": len(times) / (now - began), "paths": len(given), "seconds": now - began}
    result["reader cpu"] = (time.process_time() - used) / (now - began)
    print(json.dumps(result))


class _Line:
    """One connection, and which file it waits for."""

    def __init__(self, port: int, path: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.path, self.missing, self.since = path, 0, 0.0

    def ask(self, requests: list[bytes], lengths: list[int]) -> None:
        """Ask for the next file."""
        self.missing, self.since = lengths[self.path], time.perf_counter()
        self.socket.sendall(requests[self.path])


def _length(port: int, path: str) -> int:
    """Return how many bytes the answer for a file has, its head included."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: door\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += line.recv(1 << 20)
    head, _, _ = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"no such file: {path}")
    fields = dict(field.lower().split(b": ", 1) for field in head.split(b"\r\n")[1:])
    return len(head) + 4 + int(fields[b"content-length"])


if __name__ == "__main__":
    main()
