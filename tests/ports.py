"""Ports for servers of tests: nobody else takes them while a server is away for a moment."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections import deque

# Below those that the kernel gives to outgoing connections: one of these could otherwise take the
# port of a server that is about to start, or away.
_PORTS = range(10_000, 32_000)
_given: deque[int] = deque(maxlen=1000)


def free_ports(count: int) -> list[int]:
    """Return *count* ports of the loopback address that nobody uses, and that nobody was given."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = share(number, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().choice(own)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.append(port)
                found.append(port)
    return found


def free_port() -> int:
    """Return one such port."""
    return free_ports(1)[0]


def share(number: int, count: int) -> range:
    """Return the ports of one of *count* processes that run tests side by side, from 0 on."""
    return _PORTS[number::count]
