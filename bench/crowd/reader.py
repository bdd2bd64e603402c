"""Reads public files from a door as fast as it gives them: `bench.crowd.reader PORT SECONDS`."""

from __future__ import annotations

import select
import socket
import sys
import time

CONNECTIONS = 32
REQUEST = b"GET /log/checkpoint HTTP/1.1\r\nHost: door\r\n\r\n"


def main() -> None:
    """Print how many a second."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    length = _length(lines[0])
    by_descriptor = {line.fileno(): line for line in lines}
    missing = dict.fromkeys(by_descriptor, length)
    poll = select.epoll()
    for line in lines:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(line.fileno(), select.EPOLLIN)
        line.sendall(REQUEST)
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        for descriptor, _ in poll.poll(0.1):
            missing[descriptor] -= len(by_descriptor[descriptor].recv(65536))
            if missing[descriptor] <= 0:
                count += 1
                missing[descriptor] = length
                by_descriptor[descriptor].sendall(REQUEST)
    print(count / passed)


def _length(line: socket.socket) -> int:
    """Return how long the answer is, which is the same each time."""
    line.sendall(REQUEST)
    answer = line.recv(65536)
    time.sleep(0.2)
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise SystemExit("no such file")
    head, _, _ = answer.partition(b"\r\n\r\n")
    lengths = [
        value for value in head.split(b"\r\n") if value.lower().startswith(b"content-length:")
    ]
    return len(head) + 4 + int(lengths[0].partition(b":")[2])


if __name__ == "__main__":
    main()
