"""Asks other services over HTTP, and limits how long an answer takes and how long it is."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from dengwen_audit.errors import AuditError

TIMEOUT = 10.0  # seconds, to connect and between two pieces of an answer
MAX_ANSWER_BYTES = 1 << 20
_PIECE = 64 * 1024


class UnreachableError(AuditError):
    """Another service does not answer, or not now: try again later."""


@dataclass(frozen=True)
class Answer:
    """What came back; whether the status pleases is for the caller to decide."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class HttpClient:
    """
    Sends requests by one *session*; never follows a redirect.

    Attributes:
        auth: Signs each request, if it is a member's.
    """

    session: requests.Session
    auth: requests.auth.AuthBase | None = None
    timeout: float = TIMEOUT

    def get(self, url: str, max_bytes: int = MAX_ANSWER_BYTES) -> Answer:
        """
        Ask for *url*.

        Raises:
            UnreachableError: If no answer came, or one longer than *max_bytes*.
        """
        return self._send("GET", url, None, max_bytes)

    def post(self, url: str, body: bytes, max_bytes: int = MAX_ANSWER_BYTES) -> Answer:
        """Send *body*, which is a text, to *url*; see `get`."""
        return self._send("POST", url, body, max_bytes)

    def _send(self, method: str, url: str, body: bytes | None, max_bytes: int) -> Answer:
        headers = {"Content-Type": "text/plain; charset=utf-8"} if body is not None else {}
        try:
            with self.session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=self.auth,
                stream=True,
                timeout=self.timeout,
                allow_redirects=False,
            ) as response:
                content_type = response.headers.get("Content-Type", "")
                return Answer(response.status_code, content_type, _read(response, max_bytes))
        except requests.RequestException as error:
            raise UnreachableError(f"no answer: {type(error).__name__}") from error


def _read(response: requests.Response, max_bytes: int) -> bytes:
    data = bytearray()
    for piece in response.iter_content(_PIECE):
        data += piece
        if len(data) > max_bytes:
            raise UnreachableError(f"the answer is longer than {max_bytes} bytes")
    return bytes(data)
