"""
How the Flask application answers what does not go the short way: in a thread, with the whole body.

Source: PEP 3333. No address is passed on: nothing behind the door has a use for one.
"""

from __future__ import annotations

import io
import logging
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from dengwen_submit.connection import Answer, Request, problem_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_logger = logging.getLogger(__name__)


def ask_wsgi(app: WSGIApplication, request: Request) -> Answer:
    """Return what *app* answers."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:  # noqa: ANN401  # PEP 3333 asks for a writer that nobody uses
        started.append((status, headers))
        return lambda _: None

    pieces = app(environ(request), start)
    try:
        body = b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close:
            close()
    status, headers = started[-1]
    return Answer(int(status.partition(" ")[0]), headers, body)


def ask_safely(app: WSGIApplication, request: Request) -> Answer:
    """Return what *app* answers, or that it crashed."""
    try:
        return ask_wsgi(app, request)
    except Exception as crash:  # noqa: BLE001  # Flask answers its own; this is the bridge's
        _logger.error("%s at the door; its message is withheld", type(crash).__name__)  # noqa: TRY400  # no trace
        return problem_answer(HTTPStatus.INTERNAL_SERVER_ERROR)


def environ(request: Request) -> dict[str, Any]:
    """Return what PEP 3333 says of a request."""
    path, _, query = request.target.partition("?")
    host, _, port = request.headers.get("host", "").rpartition(":")
    found: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": host or "door",
        "SERVER_PORT": port if port.isdigit() else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(request.body)),
        "CONTENT_TYPE": request.headers.get("content-type", ""),
    }
    for name, value in request.headers.items():
        # A name with an underscore could pass for another header.
        if name not in ("content-length", "content-type", "transfer-encoding") and "_" not in name:
            found[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return found
