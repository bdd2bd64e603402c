"""
What the petitioner's tools ask of the public door, over HTTP.

Every answer is treated as bytes from a stranger; who calls checks them. Requests about a case are
signed with the case key (RFC 9421), so that the door answers her and nobody else; requests for
public files carry nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import requests

from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.note import SigningKey
from dengwen_submit.errors import DoorError

MAX_ANSWER_BYTES = 16 << 20
TIMEOUT = (10, 60)  # seconds: to connect, and between two bytes
CHUNK = 16 * 1024  # bytes

Progress = Callable[[int], None]


class DoorClient:
    """
    One office's door.

    Args:
        url: The card's ``door`` line.
        session: The HTTP session to use; a person who needs Tor configures it there.
        clock: Gives seconds since 1970, for signed requests.
    """

    def __init__(
        self, url: str, session: requests.Session, clock: Callable[[], float] = time.time
    ) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._clock = clock

    def fetch(self, path: str) -> bytes:
        """Return a public file."""
        return self.ask("GET", path)

    def submit(self, sealed: BinaryIO, length: int, *, at_once: bool, progress: Progress) -> bytes:
        """
        Send a sealed petition of *length* bytes; return the acceptance, unchecked.

        Sending the same file again is harmless: it is one petition, and the answer is the same.

        Args:
            sealed: The file, at its beginning.
            length: Its length in bytes.
            at_once: Enter the log at the next tick rather than at a random time of the next hour.
            progress: Called with the number of bytes sent since the last call.
        """
        path = "/v1/petitions?at-once=1" if at_once else "/v1/petitions"
        body = _Upload(sealed, length, progress)
        return self.ask("POST", path, data=body, content_type="application/octet-stream")

    def case(self, key: SigningKey) -> CaseClient:
        """Return the door as the holder of this case *key* may use it."""
        return CaseClient(self, MemberAuth(case_key_id(key), key, self._clock))

    def ask(
        self,
        method: str,
        path: str,
        *,
        data: object = None,
        content_type: str | None = None,
        auth: MemberAuth | None = None,
    ) -> bytes:
        """
        Make one request and return the body of a good answer.

        Raises:
            DoorError: If there is no answer, or a refusal.
        """
        try:
            answer = self._session.request(
                method,
                self._url + path,
                data=cast("bytes | None", data),
                headers={"Content-Type": content_type} if content_type else None,
                auth=auth,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                return _read(answer)
        except requests.RequestException:
            # The library's message holds the address; the person knows which office she asked.
            raise DoorError("the office could not be reached: try again later") from None


class CaseClient:
    """The door as the petitioner of one case sees it; every request is signed by the case key."""

    def __init__(self, door: DoorClient, auth: MemberAuth) -> None:
        self._door = door
        self._auth = auth

    def events(self) -> bytes:
        """Return the case file as JSON: manifest, events, causes, receipts."""
        return self._door.ask("GET", "/v1/case/events", auth=self._auth)

    def challenge(self, note: bytes) -> None:
        """Leave a challenge for the holders, who fetch it with their next poll."""
        self._post("/v1/case/challenges", note)

    def heads(self, nonce: bytes) -> bytes:
        """Return the heads given so far to the challenge with this *nonce*, as JSON."""
        return self._door.ask("GET", f"/v1/case/heads/{nonce.hex()}", auth=self._auth)

    def state(self, note: bytes) -> None:
        """Post a statement of the petitioner: a withdrawal or an objection."""
        self._post("/v1/case/statements", note)

    def _post(self, path: str, note: bytes) -> None:
        self._door.ask(
            "POST", path, data=note, content_type="text/plain; charset=utf-8", auth=self._auth
        )


class _Upload:
    """A file body that tells how far it is; `requests` reads its length and iterates it."""

    def __init__(self, file: BinaryIO, length: int, progress: Progress) -> None:
        self._file = file
        self._length = length
        self._progress = progress

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK):
            yield chunk

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._progress(len(chunk))
        return chunk


def case_key_id(key: SigningKey) -> str:
    """Spell the key id by which the door knows a case key: its public half in hexadecimal."""
    return key.verification_key.public_key.hex()


def _read(answer: requests.Response) -> bytes:
    """Return the body of a good answer; turn a refusal into the sentence it carries."""
    body = b""
    for chunk in answer.iter_content(CHUNK):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise DoorError("the office's answer is too long")
    if answer.ok:
        return body
    raise _refusal(answer, body)


def _refusal(answer: requests.Response, body: bytes) -> DoorError:
    try:
        problem = json.loads(body)
        slug = str(problem["type"]).rpartition(":")[2]
        detail = str(problem.get("detail") or problem["title"])
    except (ValueError, KeyError, TypeError, AttributeError):
        slug, detail = "", f"the office answered with status {answer.status_code}"
    retry = answer.headers.get("Retry-After", "")
    return DoorError(detail, slug, int(retry) if retry.isdecimal() else 0)
