"""
What the petitioner's tools ask of the public door, over HTTP.

Every answer is treated as bytes from a stranger; who calls checks them. Requests about a case are
signed with the case key (RFC 9421), so that the door answers her and nobody else; requests for
public files carry nothing.

A refusal that is known here is told in our own words; of any other, the office's words are shown as
the office's, without whatever could steer a terminal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, cast

import requests

from dengwen_audit.http_signature import MemberAuth, ReplayError, SkewError
from dengwen_audit.note import SigningKey
from dengwen_audit.text import to_base64
from dengwen_submit.errors import DoorError
from dengwen_submit.watched import Progress, Watched

MAX_ANSWER_BYTES = 16 << 20
MAX_QUOTED_CHARS = 200
TIMEOUT = (30, 60)  # seconds: to connect, also through Tor, and between two bytes
CHUNK = 16 * 1024  # bytes
ACCEPTANCE_HEADER = "Dengwen-Acceptance"
OCTETS = "application/octet-stream"

REFUSALS = {
    "not-yours": "the office knows no petition of these words: look whether all are typed right",
    "second-manifest": "the office has another petition under the same words already: seal it "
    "again, which makes new words, and send that",
    "seal-again": "it was sealed for people who are in office no more: fetch the office anew with "
    "`dengwen-submit card`, and seal it again",
    "request-entity-too-large": "it is larger than the office takes",
    "allowance": "its files are together more than the office takes for one petition: seal it "
    "again with fewer or smaller ones",
    "not-accepted": "the office does not know its own acceptance: send the whole file again",
    "other-bytes": "a file arrived damaged: try again",
    "busy": "many are here at once, and the office keeps your place",
    "paused": "the office takes nothing in at present: try again later",
    "puzzle": "so many are here that the office asks each device for some seconds of work",
    "not-ready": "the office has not begun its work yet: try again later",
    SkewError.slug: "the clock of this device is more than five minutes off: set it and try again",
    ReplayError.slug: "the request arrived twice: try again",
}


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

    def ask_place(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """
        Ask whether a petition may be sent now; return the headers of the answer, if it may.

        Args:
            headers: What `dengwen_submit.way_in` sends along.

        Raises:
            DoorError: If not now; it says when to come back.
        """
        found, _ = self._exchange("POST", "/v1/places", headers=headers)
        return found

    def submit(  # a file, how it is to enter, and who watches
        self,
        sealed: BinaryIO,
        length: int,
        *,
        at_once: bool,
        progress: Progress,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """
        Send the letter of a sealed petition; return the acceptance, unchecked.

        Sending the same file again is harmless: it is one petition, and the answer is the same.

        Args:
            sealed: The file, at its beginning.
            length: How many bytes of it are the letter.
            at_once: Enter the log at the next tick rather than at a random time of the next hour.
            progress: Called with the number of bytes sent since the last call.
            headers: What `dengwen_submit.way_in` sends along.
        """
        body = _Upload(sealed, length, progress)
        path = _at_once("/v1/petitions", at_once=at_once)
        return self.ask("POST", path, data=body, content_type=OCTETS, headers=headers)

    def attach(
        self,
        number: int,
        source: BinaryIO,
        length: int,
        acceptance: bytes,
        progress: Progress,
    ) -> None:
        """
        Send one attachment; when this returns, the office has it. Sending it again is harmless.

        Args:
            number: Which one, counted from 1.
            source: A file that stands at its first byte.
            length: Its length in bytes.
            acceptance: What the office signed for the letter.
        """
        headers = {ACCEPTANCE_HEADER: to_base64(acceptance)}
        body, path = _Upload(source, length, progress), f"/v1/attachments/{number}"
        self.ask("PUT", path, data=body, content_type=OCTETS, headers=headers)

    def case(self, key: SigningKey) -> CaseClient:
        """Return the door as the holder of this case *key* may use it."""
        return CaseClient(self, MemberAuth(case_key_id(key), key, self._clock))

    def ask(  # noqa: PLR0913  # a request
        self,
        method: str,
        path: str,
        *,
        data: object = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        auth: MemberAuth | None = None,
    ) -> bytes:
        """
        Make one request and return the body of a good answer.

        Raises:
            DoorError: If there is no answer, or a refusal.
        """
        kind = {"Content-Type": content_type} if content_type else {}
        _, body = self._exchange(method, path, data, dict(headers or {}) | kind, auth)
        return body

    def _exchange(
        self,
        method: str,
        path: str,
        data: object = None,
        headers: Mapping[str, str] | None = None,
        auth: MemberAuth | None = None,
    ) -> tuple[Mapping[str, str], bytes]:
        """Make one request; return the headers and the body of a good answer."""
        try:
            answer = self._session.request(
                method,
                self._url + path,
                data=cast("bytes | None", data),
                headers=headers,
                auth=auth,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                return answer.headers, _read(answer)
        except requests.RequestException as error:
            # The library's message holds the address; the person knows which office she asked.
            raise DoorError(_why_silent(error)) from None


class CaseClient:
    """The door as the petitioner of one case sees it; every request is signed by the case key."""

    def __init__(self, door: DoorClient, auth: MemberAuth) -> None:
        self._door = door
        self._auth = auth

    def events(self) -> bytes:
        """Return the case file as JSON: manifest, events, causes, receipts."""
        return self._door.ask("GET", "/v1/case/events", auth=self._auth)

    def attachments(self) -> bytes:
        """Return the numbers of the attachments that have arrived, as JSON."""
        return self._door.ask("GET", "/v1/case/attachments", auth=self._auth)

    def challenge(self, note: bytes) -> None:
        """Leave a challenge for the holders, who fetch it with their next poll."""
        self._post("/v1/case/challenges", note)

    def heads(self, nonce: bytes) -> bytes:
        """Return the heads given so far to the challenge with this *nonce*, as JSON."""
        return self._door.ask("GET", f"/v1/case/heads/{nonce.hex()}", auth=self._auth)

    def state(self, note: bytes, *, at_once: bool = False) -> None:
        """Post a statement of the petitioner: a withdrawal or an objection."""
        self._post(_at_once("/v1/case/statements", at_once=at_once), note)

    def _post(self, path: str, note: bytes) -> None:
        self._door.ask(
            "POST", path, data=note, content_type="text/plain; charset=utf-8", auth=self._auth
        )


class _Upload(Watched):
    """A piece of a file that tells how far it is; `requests` asks its length, and goes through."""

    def __init__(self, file: BinaryIO, length: int, progress: Progress) -> None:
        super().__init__(file, progress)
        self._length = self._left = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK):
            yield chunk

    def read(self, size: int = -1) -> bytes:
        """Return at most *size* bytes, and none beyond the piece's end."""
        if not self._left:
            return b""
        chunk = super().read(self._left if size < 0 else min(size, self._left))
        self._left -= len(chunk)
        return chunk


def case_key_id(key: SigningKey) -> str:
    """Spell the key id by which the door knows a case key: its public half in hexadecimal."""
    return key.verification_key.public_key.hex()


def _at_once(path: str, *, at_once: bool) -> str:
    return f"{path}?at-once=1" if at_once else path


def _why_silent(error: requests.RequestException) -> str:
    """Say why there is no answer, so far as the person can do something about it."""
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not let this through: look whether it is running"
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "the connection cannot be trusted: somebody may stand between, or the clock of this "
            "device is wrong; try another network"
        )
    return "the office could not be reached: try again later"


def _read(answer: requests.Response) -> bytes:
    """Return the body of a good answer; turn a refusal into the sentence it carries."""
    body = bytearray()
    for chunk in answer.iter_content(CHUNK):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise DoorError("the office's answer is too long", "answer-too-long")
    if 200 <= answer.status_code < 300:
        return bytes(body)
    raise _refusal(answer, bytes(body))


def _refusal(answer: requests.Response, body: bytes) -> DoorError:
    slug, said = _problem(body)
    message = REFUSALS.get(slug) or f"the office refused with status {answer.status_code}"
    if slug not in REFUSALS and said:
        message += f", and says: {said}"
    retry = answer.headers.get("Retry-After", "")
    is_seconds = retry.isascii() and retry.isdigit() and len(retry) < 10
    return DoorError(message, slug, int(retry) if is_seconds else 0, answer.headers)


def _problem(body: bytes) -> tuple[str, str]:
    """Return a problem's slug, and its detail or title in a form that may be shown."""
    try:
        problem = json.loads(body)
        slug = str(problem["type"]).rpartition(":")[2]
        said = str(problem.get("detail") or problem["title"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", ""
    return slug, "".join(c if c.isprintable() else " " for c in said[:MAX_QUOTED_CHARS])
