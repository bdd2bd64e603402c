"""
The wires of a town: every request between two of its houses goes through one of them.

A wire answers from the application at its end. Whoever holds the wire, or the server, may put lies
on it; a lie sees an answer and returns another. It also keeps what went over it, as a network does.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from werkzeug.test import run_wsgi_app

from tests.wsgi_adapter import WsgiAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


# What a server could know of a caller, and must not keep.
CALLER = {
    "REMOTE_ADDR": "203.0.113.77",
    "HTTP_X_FORWARDED_FOR": "198.51.100.123",
    "HTTP_USER_AGENT": "A-Rare-Browser/7.3",
    "HTTP_REFERER": "http://search.example/?q=how+to+petition",
    "HTTP_COOKIE": "tracker=0815-4711",
}


@dataclass(frozen=True)
class Answer:
    """What an application answers; *path* is that of the request."""

    method: str
    path: str
    status: int
    body: bytes

    def with_json(self, change: Callable[[Any], Any]) -> Answer:
        """Return the answer with another JSON in it."""
        return replace(self, body=json.dumps(change(json.loads(self.body))).encode())


Lie = Callable[[Answer], Answer]


def on(path: str, change: Callable[[Any], Any]) -> Lie:
    """Return a lie that changes the JSON of what is served at one path."""
    return lambda answer: answer.with_json(change) if answer.path == path else answer


class Wire(WsgiAdapter):
    """
    A way to one application.

    Attributes:
        requests: Everything that was sent over it, as it was sent.
        bodies: The bodies of both ways, as they were read.
        headers: The names of all header fields that came back, in small letters.
    """

    def __init__(self, app: WSGIApplication) -> None:
        """Lead to *app*, honestly."""
        super().__init__(self._answer)
        self._server = app
        self._lies: list[Lie] = []
        self.requests: list[requests.PreparedRequest] = []
        self.bodies: list[bytes] = []
        self.headers: set[str] = set()

    def send(
        self, request: requests.PreparedRequest, *args: object, **options: object
    ) -> requests.Response:
        """Carry one request, and remember it."""
        self.requests.append(request.copy())
        return super().send(request, *args, **options)

    @contextmanager
    def lying(self, lie: Lie) -> Iterator[None]:
        """Let answers be altered by *lie* for a while."""
        self._lies.append(lie)
        try:
            yield
        finally:
            self._lies.remove(lie)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        environ |= CALLER
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        chunks, status, headers = run_wsgi_app(self._server, environ, buffered=True)
        self.bodies += [body, b"".join(chunks)]
        self.headers.update(name.lower() for name, _ in headers.items())
        answer = Answer(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            status=int(status.split(" ", 1)[0]),
            body=b"".join(chunks),
        )
        told = answer
        for lie in self._lies:
            told = lie(told)
        if told == answer:
            start_response(status, list(headers.items()))
        else:
            start_response(f"{told.status} Told", [("Content-Type", headers["Content-Type"])])
        return [told.body]


class Network(HTTPAdapter):
    """
    All wires of a town, by the URL of the house at their end.

    Everybody has a session of their own, on which whoever attacks them alone may mount another wire
    for a URL: it comes before the town's.
    """

    def __init__(self) -> None:
        """Lay no wire yet."""
        super().__init__()
        self._wires: dict[str, Wire] = {}

    def lay(self, url: str, wire: Wire) -> None:
        """Let requests to *url* go over *wire*."""
        self._wires[url] = wire

    def session(self) -> requests.Session:
        """Return the session of one person or service."""
        session = requests.Session()
        session.mount("http://", self)
        return session

    def send(
        self, request: requests.PreparedRequest, *args: object, **options: object
    ) -> requests.Response:
        """Carry a request over the wire of its house."""
        url = urlsplit(request.url or "")
        return self._wires[f"{url.scheme}://{url.netloc}"].send(request, *args, **options)
