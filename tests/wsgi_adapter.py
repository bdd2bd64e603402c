"""
A way for `requests` to call a WSGI application of this process, without a socket.

A client of ours takes a `requests.Session`; a test mounts on it the very application that a server
would run::

    session = requests.Session()
    session.mount("https://desk.example", WsgiAdapter(desk))
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class WsgiAdapter(HTTPAdapter):
    """
    Answers requests from *app*.

    Attributes:
        down: While true, every call fails as if nobody listened.
        lose_answers: While true, the application runs, but its answer never arrives.
        calls: Method and path of each request that arrived, in order.
    """

    def __init__(self, app: WSGIApplication) -> None:
        """Stand for the server that runs *app*."""
        super().__init__()
        self._app = app
        self.down = False
        self.lose_answers = False
        self.calls: list[tuple[str, str]] = []

    def send(
        self, request: requests.PreparedRequest, *_: object, **__: object
    ) -> requests.Response:
        """Run the application once, and give its answer the shape of one that came by network."""
        url = urlsplit(request.url or "")
        if self.down:
            raise requests.ConnectionError(f"nobody listens at {url.netloc}")
        self.calls.append((request.method or "", url.path))
        builder = EnvironBuilder(
            path=url.path,
            query_string=url.query,
            base_url=f"{url.scheme}://{url.netloc}",
            method=request.method or "GET",
            headers=[item for item in request.headers.items() if item[0] != "Transfer-Encoding"],
            data=_read_body(request),
        )
        chunks, status, headers = run_wsgi_app(self._app, builder.get_environ(), buffered=True)
        builder.close()
        if self.lose_answers:
            raise requests.ConnectionError(f"{url.netloc} closed the connection")
        answer = HTTPResponse(
            body=io.BytesIO(b"".join(chunks)),
            headers=HTTPHeaderDict(headers.items()),
            status=int(status.split(" ", 1)[0]),
            reason=status.partition(" ")[2],
            preload_content=False,
        )
        return self.build_response(request, answer)


def _read_body(request: requests.PreparedRequest) -> bytes:
    """Return the whole body, which `requests` holds as text, bytes, a file or a run of chunks."""
    body: object = request.body
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    if isinstance(body, Iterable):  # a file, or chunks
        return b"".join(body)
    return b""
