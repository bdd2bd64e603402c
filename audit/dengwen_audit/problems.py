"""
What a refusal looks like to whoever sent a request, and how long a body may be; no HTTP here.

A refusal is a small JSON object (RFC 9457)::

    {"type": "urn:dengwen:problem:not-found", "title": "Not Found", "status": 404, "detail": …}

A client decides by the end of ``type``; the title is for people, and so is the detail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus

PROBLEM_TYPE = "application/problem+json"
DEFAULT_MAX_BODY_BYTES = 256 * 1024


@dataclass(frozen=True)
class Problem:
    """
    One kind of refusal, as a caller sees it.

    Attributes:
        status: The HTTP status.
        slug: The end of the ``type`` URN; a client decides by it, so it never changes.
        title: One sentence without its full stop, the same every time.
        retry_after: Seconds after which to come back, if coming back helps.
    """

    status: int
    slug: str
    title: str
    retry_after: int | None = None


@dataclass(frozen=True)
class BodyLimits:
    """
    The longest body that each path accepts, in bytes.

    Attributes:
        default: For every path that is not named.
        by_path: For a path and all below it; the longest name that fits decides.
    """

    default: int = DEFAULT_MAX_BODY_BYTES
    by_path: Mapping[str, int] = field(default_factory=dict)

    def of(self, path: str) -> int:
        """Return the limit of *path*."""
        for name, folder, limit in self._longest_first:
            if path == name or path.startswith(folder):
                return limit
        return self.default

    @cached_property
    def _longest_first(self) -> list[tuple[str, str, int]]:
        names = sorted(self.by_path, key=len, reverse=True)
        return [(name, name.rstrip("/") + "/", self.by_path[name]) for name in names]


def problem_bytes(what: Problem, detail: str | None = None) -> bytes:
    """Spell the body of a problem answer."""
    members = {"type": f"urn:dengwen:problem:{what.slug}", "title": what.title}
    body: dict[str, object] = {**members, "status": what.status}
    if detail:
        body["detail"] = detail
    return json.dumps(body, ensure_ascii=False).encode() + b"\n"


def http_problem(status: int) -> Problem:
    """Return the problem for a plain HTTP *status*, named by its reason phrase."""
    phrase = HTTPStatus(status).phrase
    return Problem(status, phrase.lower().replace(" ", "-"), phrase)
