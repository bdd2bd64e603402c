"""Leads the names of an office to this machine: a proxy for CONNECT, and nothing else."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Mapping
from typing import Self

from tests.patience import PATIENCE

_PIECE = 64 << 10


class Names:
    """
    A proxy that connects *places*, by name, to ports of the loopback address.

    What is said is encrypted from end to end, so that clients and nginx see what they would see.
    """

    def __init__(self, places: Mapping[str, int], client: str = "127.0.0.1") -> None:
        """Begin; nginx sees *client* as the address of whoever comes this way."""
        self._places = places
        self._client = client
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What a client names as its proxy."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """End; what was connected goes on until one of its sides ends."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def __enter__(self) -> Self:
        """Lead for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(PATIENCE)
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            name = head.split()[1].decode("ascii").rpartition(":")[0]
            place, source = ("127.0.0.1", self._places[name]), (self._client, 0)
            with socket.create_connection(place, source_address=source) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                _join(client, server)


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass on what each says until both have ended, or nothing comes."""
    with selectors.DefaultSelector() as towards:
        towards.register(one, selectors.EVENT_READ, other)
        towards.register(other, selectors.EVENT_READ, one)
        while ready := towards.get_map() and towards.select(PATIENCE):
            for key, _ in ready:
                _pass_on(towards, key)


def _pass_on(towards: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    if not isinstance(key.fileobj, socket.socket):
        raise AssertionError("internal error: no socket")
    data = key.fileobj.recv(_PIECE)
    if data:
        key.data.sendall(data)
    else:
        towards.unregister(key.fileobj)
        key.data.shutdown(socket.SHUT_WR)
