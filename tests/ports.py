"""Ports for servers of tests: nobody else takes them while a server is away for a moment."""

from __future__ import annotations

import contextlib
import random
import socket

# Below those that the kernel gives to outgoing connections: one of these could otherwise take the
# port of a server that is about to start, or away.
_PORTS = (10_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return *count* ports of the loopback address that nobody uses."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(*_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found += [port] if port not in found else []
    return found


def free_port() -> int:
    """Return one such port."""
    return free_ports(1)[0]
