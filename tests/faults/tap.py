"""
A tap on the wire between the desk and its members: it passes bytes on, and keeps what was sent.

So a test knows every answer that a gatekeeper ever let out of its hands, also one that reached a
desk which died before it stored it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from dengwen_audit.note import Note
from dengwen_audit.statements.answer import Answer

_PIECE = 1 << 16
_PATIENCE = 5.0  # seconds until a server has to take a connection
_OVERLAP = 64  # bytes that may be the beginning of a head
_HEAD = re.compile(rb"POST /v1/answers HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


@dataclass
class Tap:
    """Listens on *own_port* and passes each connection on to *port*."""

    port: int
    own_port: int
    _sent: list[bytearray] = field(default_factory=list)
    _seen: dict[tuple[str, bytes], set[bytes]] = field(default_factory=lambda: defaultdict(set))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", self.own_port), backlog=64)
        threading.Thread(target=self._listen, daemon=True).start()

    def answers(self) -> dict[tuple[str, bytes], set[bytes]]:
        """Return what each holder ever posted to each request: the bodies that differ."""
        with self._lock:
            for sent in self._sent:
                self._read(sent)
            return dict(self._seen)

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _read(self, sent: bytearray) -> None:
        """Take the whole answers out of what was sent over one connection."""
        end = 0
        for head in _HEAD.finditer(sent):
            length = _LENGTH.search(head.group())
            size = int(length.group(1)) if length else 0
            body = bytes(sent[head.end() : head.end() + size])
            if length and len(body) == size:
                answer = Answer.parse(Note.parse(json.loads(body)["note"].encode()).text)
                self._seen[answer.holder, answer.request].add(body)
                end = head.end() + size
        begun = sent.rfind(b"POST /v1/answers", end)
        del sent[: begun if begun >= 0 else max(end, len(sent) - _OVERLAP)]

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        sent = bytearray()
        with self._lock:
            self._sent.append(sent)
        with client, contextlib.suppress(OSError), socket.socket() as server:
            server.connect(("127.0.0.1", self.port))
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server, sent, self._lock)
            back.join()


@dataclass
class Balancer:
    """Listens on *own_port* and passes each connection on to the next of *ports* that takes it."""

    own_port: int
    ports: Sequence[int]

    def __post_init__(self) -> None:
        """Listen."""
        self._turn = itertools.count()
        self._listener = socket.create_server(("127.0.0.1", self.own_port), backlog=64)
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        turn = next(self._turn)
        for step in range(len(self.ports)):
            port = self.ports[(turn + step) % len(self.ports)]
            with contextlib.suppress(OSError):
                server = socket.create_connection(("127.0.0.1", port), _PATIENCE)
                break
        else:
            client.close()
            return
        server.settimeout(None)
        with client, server:
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()


def _pump(
    source: socket.socket,
    target: socket.socket,
    keep: bytearray | None = None,
    lock: threading.Lock | None = None,
) -> None:
    """Pass on what comes until one side ends; then end the other."""
    with contextlib.suppress(OSError):
        while data := source.recv(_PIECE):
            if keep is not None and lock is not None:
                with lock:
                    keep += data
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
