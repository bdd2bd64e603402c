"""People who trickle: `bench.crowd.trickle PORT COUNT` holds so many half-sent petitions open."""

from __future__ import annotations

import select
import socket
import sys
import time

from bench.crowd.generator import most_connections

HEAD = b"POST /v1/petitions HTTP/1.1\r\nHost: door\r\nContent-Length: 37648\r\n\r\ndengwen"
PAUSE = 2.0  # seconds between two bytes of each


def main() -> None:
    """Trickle until told to stop; whoever is sent away begins again."""
    address, count = ("127.0.0.1", int(sys.argv[1])), most_connections(int(sys.argv[2]))
    lines: dict[int, socket.socket] = {}
    poll = select.poll()
    while True:
        due = time.monotonic() + PAUSE
        while len(lines) < count:
            line = socket.create_connection(address)
            line.sendall(HEAD)
            lines[line.fileno()] = line
            poll.register(line.fileno(), select.POLLIN)
        for descriptor, _ in poll.poll(0):
            poll.unregister(descriptor)
            lines.pop(descriptor).close()
        for line in lines.values():
            _send(line)
        time.sleep(max(0.0, due - time.monotonic()))


def _send(line: socket.socket) -> None:
    try:
        line.send(b"x")
    except OSError:
        return  # it was ended; the next look finds it


if __name__ == "__main__":
    main()
