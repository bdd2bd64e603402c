"""Real sockets, for the few things that only a real socket shows: a server, and a SOCKS proxy."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from flask import Flask

from dengwen_audit.web import serve
from tests.patience import PATIENCE

HOST = "127.0.0.1"


@contextlib.contextmanager
def on_loopback(app: Flask) -> Iterator[int]:
    """Serve *app* as an office does; give its port."""
    ready, stop = threading.Event(), threading.Event()
    ports: list[int] = []

    def on_ready(port: int) -> None:
        ports.append(port)
        ready.set()

    thread = threading.Thread(target=serve, args=(app, HOST, 0, on_ready), kwargs={"stop": stop})
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield ports[0]
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@dataclass
class SocksProxy:
    """
    A SOCKS5 proxy that leads every name to one port of this machine.

    Attributes:
        port: Its own port.
        asked: The names, or addresses, that it was asked to connect to.
    """

    target: int
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def answer(self, listener: socket.socket) -> None:
        """Carry one connection there and back (RFC 1928)."""
        client, _ = listener.accept()
        with client, socket.create_connection((HOST, self.target)) as server:
            client.recv(2 + client.recv(2)[1])
            client.sendall(b"\x05\x00")
            *_, kind = client.recv(4)
            length = client.recv(1)[0] if kind == 3 else 4
            name = client.recv(length)
            self.asked.append(name.decode() if kind == 3 else socket.inet_ntoa(name))
            client.recv(2)
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            _carry(client, server)


def _carry(client: socket.socket, server: socket.socket) -> None:
    """Carry bytes both ways until one side has ended."""
    other = {client: server, server: client}
    while True:
        ready, _, _ = select.select([client, server], [], [], PATIENCE)
        for end in ready:
            data = end.recv(65536)
            if not data:
                return
            other[end].sendall(data)


@contextlib.contextmanager
def socks_proxy(target: int) -> Iterator[SocksProxy]:
    """Give a proxy that carries one connection to the port *target*."""
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(PATIENCE)
        proxy = SocksProxy(target, listener.getsockname()[1])
        thread = threading.Thread(target=proxy.answer, args=(listener,))
        thread.start()
        yield proxy
        thread.join(PATIENCE)
        assert not thread.is_alive()
