"""
An object store for tests: moto's S3 server in a process of its own, and a gate before it.

It keeps everything in memory, so that one that is killed has lost everything; what is only out of
reach for a while is played by the gate.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import requests

from tests.patience import PATIENCE
from tests.ports import free_port

HOST = "127.0.0.1"
BUCKET = "attachments"
# moto asks that there be a signature, and never checks it.
_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20250101/us-east-1/s3/aws4_request"}


@dataclass
class S3Server:
    """A server with one empty bucket; started again, it is empty again."""

    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it, and make the bucket."""
        command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(self.port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self._process.poll() is None, "the S3 server ended"
            assert time.monotonic() < deadline, "the S3 server did not start"
            with contextlib.suppress(requests.ConnectionError):
                self.empty()
                return
            time.sleep(0.05)

    def empty(self) -> None:
        """Throw everything away, and make the bucket."""
        assert self._ask("POST", "moto-api/reset").ok
        assert self._ask("PUT", BUCKET).ok

    def objects(self) -> dict[str, bytes]:
        """Return every object, as somebody who robs the store finds them."""
        listed = self._ask("GET", BUCKET).text
        names = [piece.partition("</Key>")[0] for piece in listed.split("<Key>")[1:]]
        return {name: self._ask("GET", f"{BUCKET}/{name}").content for name in names}

    def keep_versions(self) -> None:
        """Let the bucket keep every version of an object from now on."""
        wanted = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        assert self._ask("PUT", f"{BUCKET}?versioning", wanted.encode()).ok

    def versions(self) -> int:
        """Count the versions of all objects."""
        return self._ask("GET", f"{BUCKET}?versions").text.count("<VersionId>")

    def overwrite(self, name: str, data: bytes) -> None:
        """Put other bytes in place of an object."""
        assert self._ask("PUT", f"{BUCKET}/{name}", data).ok

    def remove(self, name: str) -> None:
        """Remove an object."""
        assert self._ask("DELETE", f"{BUCKET}/{name}").ok

    def kill(self) -> None:
        """Kill it."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def _ask(self, method: str, path: str, data: bytes = b"") -> requests.Response:
        address = f"{self.url}/{path}"
        return requests.request(method, address, data=data, headers=_SIGNED, timeout=PATIENCE)


class Gate:
    """
    Stands before a server and passes bytes on, as long as it is open.

    Attributes:
        port: Where to reach the server through it.
    """

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self.port = free_port()
        self._listener: socket.socket | None = None
        self._talks: list[socket.socket] = []

    def open(self) -> None:
        """Let everybody through."""
        self._listener = socket.create_server((HOST, self.port))
        threading.Thread(target=self._serve, args=[self._listener], daemon=True).start()

    def close(self) -> None:
        """Let nobody through, and cut off whoever talks."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        while self._talks:
            talk = self._talks.pop()
            with contextlib.suppress(OSError):
                talk.shutdown(socket.SHUT_RDWR)
            talk.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection((HOST, self._behind))
            self._talks += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=[source, target], daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
