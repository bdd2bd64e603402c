"""
What every HTTP service of this project does alike: problems, limits, and one way to serve.

An error becomes an answer in one place. A package lists its own errors once, as a table from class
to `Problem`; `register_problems` makes the application answer every error, its own and Flask's, as
``application/problem+json``. The message of a listed error is its detail, so such messages hold no
secrets. Of an error that is *not* listed neither caller nor log see the message: the log gets the
class and the lines of code.

Nothing here writes an access log, a client's address or a path: a path may name a case.

Source: RFC 9457; docs/decisions/0006-waitress.md.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from dengwen_audit.errors import (
    AuditError,
    FormatError,
    PolicyError,
    ProofError,
    RuleError,
    SignatureError,
    UnavailableError,
)
from dengwen_audit.problems import PROBLEM_TYPE, BodyLimits, Problem, http_problem, problem_bytes
from dengwen_audit.serving import serve_wsgi

_LIMITS = "dengwen-body-limits"
_logger = logging.getLogger(__name__)


AUDIT_PROBLEMS: Mapping[type[Exception], Problem] = {
    AuditError: Problem(400, "refused", "The request was refused"),
    FormatError: Problem(400, "malformed", "The request is not of the form it should have"),
    SignatureError: Problem(403, "signature", "A signature is missing or wrong"),
    RuleError: Problem(403, "rule", "The rules of the office forbid this"),
    ProofError: Problem(422, "proof", "The hashes do not lead where they should"),
    UnavailableError: Problem(503, "unavailable", "This cannot be stored now", retry_after=60),
    PolicyError: Problem(503, "witnesses", "Too few witnesses vouch for the log", retry_after=60),
}
"""What the errors of the ground floor mean to a caller; upper floors add theirs."""


def problem(what: Problem, detail: str | None = None) -> Response:
    """Return the answer that tells *what* went wrong."""
    response = Response(problem_bytes(what, detail), what.status, content_type=PROBLEM_TYPE)
    if what.retry_after is not None:
        response.headers["Retry-After"] = str(what.retry_after)
    return response


def register_problems(
    app: Flask,
    table: Mapping[type[Exception], Problem],
    limits: BodyLimits | None = None,
) -> None:
    """
    Make *app* answer every error as a problem, and refuse bodies over their limit unread.

    Args:
        table: What each error means. A class that is not in it is treated as its nearest base that
            is; an error without one is a crash and answers 500 without its message.
        limits: How long bodies may be; `serve` refuses by the same limits, before it reads.
    """
    limits = limits or BodyLimits()
    app.extensions[_LIMITS] = limits

    def limit_body() -> Response | None:
        request.max_content_length = limits.of(request.path)
        if (request.content_length or 0) > request.max_content_length:
            return problem(http_problem(RequestEntityTooLarge.code))
        return None

    def answer(error: Exception) -> Response:
        return _to_response(error, table)

    app.before_request(limit_body)
    app.register_error_handler(Exception, answer)


def limits_of(app: Flask) -> BodyLimits:
    """Return the limits that *app* was registered with."""
    limits = app.extensions.get(_LIMITS)
    return limits if isinstance(limits, BodyLimits) else BodyLimits()


def serve(
    app: Flask,
    host: str,
    port: int,
    on_ready: Callable[[int], None] | None = None,
    *,
    stop: threading.Event | None = None,
) -> None:
    """
    Serve *app* at *host* (an address) and *port* (0: any free one) until told to stop.

    Args:
        on_ready: Called once with the port, when connections are accepted.
        stop: Set by another thread to stop. In the main thread SIGTERM and SIGINT stop it too.
    """
    serve_wsgi(app, (host, port), limits_of(app), on_ready, stop)


def _to_response(error: Exception, table: Mapping[type[Exception], Problem]) -> Response:
    for kind in type(error).__mro__:
        if kind in table:
            response = problem(table[kind], str(error))
            retry_after = getattr(error, "retry_after", None)
            if isinstance(retry_after, int):
                response.headers["Retry-After"] = str(retry_after)
            return response
    if isinstance(error, HTTPException):
        return _to_http_response(error)
    _log_crash(error)
    return problem(http_problem(HTTPStatus.INTERNAL_SERVER_ERROR))


def _to_http_response(error: HTTPException) -> Response:
    """Keep what Flask's own error says in headers, such as ``Allow``, but none of its HTML."""
    plain = error.get_response()
    if plain.status_code < HTTPStatus.BAD_REQUEST:  # a redirect is an error to Flask only
        return Response(status=plain.status_code, headers={"Location": plain.headers["Location"]})
    response = problem(http_problem(plain.status_code))
    for name, value in plain.headers.items():
        if name not in response.headers:
            response.headers[name] = value
    return response


def _log_crash(error: Exception) -> None:
    """Log where it crashed. The message is left out: it may quote what somebody sent."""
    lines = "".join(traceback.format_tb(error.__traceback__))
    _logger.error("%s in a view; its message is withheld\n%s", type(error).__name__, lines)
