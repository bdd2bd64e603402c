"""
An office over HTTP as a member uses it: the public door, and the desk.

What comes back is bytes from a stranger; whoever asked checks them. Requests to the desk are signed
with the member's roster key (RFC 9421). Messages of errors name neither address nor case.

Source: docs/architecture.md; docs/formats/http-signature.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests

from dengwen_audit.errors import FormatError
from dengwen_audit.http_client import Answer, HttpClient, UnreachableError
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.note import NoteHash, SigningKey
from dengwen_audit.proof import MAX_PROOF_BYTES
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.roster import MAX_ROSTER_BYTES
from dengwen_audit.text import HASH_SIZE, parse_base64, parse_hex, to_base64
from dengwen_audit.tiles import HttpTiles
from dengwen_keys.errors import KeysError

_T = TypeVar("_T")

MAX_LIST_BYTES = 4 << 20
MAX_WORK_BYTES = 16 << 20  # a request with its manifest and its case's whole chain
MAX_PART_BYTES = 32 << 20
MAX_SIGNATURE_BYTES = 64 << 10  # of the lines below a note's text

MIN_PROOF_AGE = 300.0  # seconds: a slow clock must not stop an office
PROOF_AGE_IN_TICKS = 10


def max_proof_age(tick: int) -> float:
    """Return how old, in seconds, the cosignatures of an office's newest checkpoint may be."""
    return max(MIN_PROOF_AGE, PROOF_AGE_IN_TICKS * tick)


MAX_POLL_INTERVAL = 5.0  # seconds
POLLS_A_TICK = 4


def poll_interval(tick: int) -> float:
    """Return how often to ask, in seconds: a tick is noticed when it is at most a quarter old."""
    return min(tick / POLLS_A_TICK, MAX_POLL_INTERVAL)


class OfficeError(KeysError):
    """The office does not answer as it should: try again later."""


class OfficeRefusalError(OfficeError):
    """
    The office refused.

    Attributes:
        status: The HTTP status.
        slug: The end of the problem's type, if it named one.
    """

    def __init__(self, message: str, status: int, slug: str) -> None:
        """Keep what a program decides by beside the words for a person."""
        super().__init__(message)
        self.status = status
        self.slug = slug


class DoorClient:
    """
    The public files of an office.

    Args:
        url: The card's ``door`` line.
    """

    def __init__(self, url: str, session: requests.Session) -> None:
        self._url = url
        self._http = HttpClient(session)
        self.tiles = HttpTiles(session, f"{url}/log")

    def latest(self) -> bytes:
        """Return the latest proof."""
        return self._get("latest.tlog-proof", MAX_PROOF_BYTES)

    def roster(self, hash_: NoteHash) -> bytes:
        """Return the roster with this hash."""
        return self._get(f"rosters/{hash_.hex()}", MAX_ROSTER_BYTES + MAX_SIGNATURE_BYTES)

    def roster_receipt(self, hash_: NoteHash) -> bytes:
        """Return the receipt of the event by which this roster was published."""
        return self._get(f"rosters/{hash_.hex()}.tlog-proof", MAX_PROOF_BYTES)

    def _get(self, path: str, max_bytes: int) -> bytes:
        return _body(lambda: self._http.get(f"{self._url}/{path}", max_bytes))


@dataclass(frozen=True)
class WorkList:
    """What waits for a holder: hashes of requests, and challenges."""

    requests: tuple[NoteHash, ...]
    challenges: tuple[bytes, ...]


@dataclass(frozen=True)
class ServedAnswer:
    """A holder's answer as the desk serves it: the note, and the sealed bytes."""

    note: bytes
    sealed: bytes = field(repr=False)


@dataclass(frozen=True)
class RequestState:
    """What became of a request: its event and receipt once it is logged, and the answers so far."""

    event: bytes | None
    receipt: bytes | None
    answers: tuple[ServedAnswer, ...]


@dataclass(frozen=True)
class ServedEvent:
    """One event of a case; its cause is gone if it was erased, its receipt comes with the tick."""

    event: bytes
    cause: bytes | None
    receipt: bytes | None


@dataclass(frozen=True)
class ServedCase:
    """A case on a reviewer's desk; the day is when it was received."""

    case: CaseId
    manifest: NoteHash
    day: str


class DeskClient:
    """
    The desk as one member uses it.

    Args:
        url: The card's ``desk`` line.
        key: The member's signing key; its name is the member's id.
        clock: Gives seconds since 1970.
    """

    def __init__(
        self, url: str, session: requests.Session, key: SigningKey, clock: Callable[[], float]
    ) -> None:
        self._url = url
        self._http = HttpClient(session, MemberAuth(key.name, key, clock))

    def cases(self) -> list[ServedCase]:
        """Return the cases drawn to this reviewer."""
        cases: dict[CaseId, ServedCase] = {}
        path = "v1/desk"
        while page := _read(self._get(path, MAX_LIST_BYTES), _to_cases):
            if page[0].case in cases:
                raise OfficeError("the desk's list of cases does not come to an end")
            cases |= {served.case: served for served in page}
            path = f"v1/desk?after={page[-1].case.hex()}"
        return list(cases.values())

    def manifest(self, case: CaseId) -> bytes:
        """Return a case's manifest."""
        return self._get(f"v1/cases/{case.hex()}/manifest", MAX_LIST_BYTES)

    def events(self, case: CaseId) -> list[ServedEvent]:
        """Return a case's events with causes and receipts."""
        return _read(self._get(f"v1/cases/{case.hex()}/events", MAX_WORK_BYTES), _to_events)

    def part(self, case: CaseId, name: str, max_bytes: int = MAX_PART_BYTES) -> bytes:
        """Return a part of a case's sealed petition."""
        return self._get(f"v1/cases/{case.hex()}/parts/{name}", max_bytes)

    def ask(self, request: bytes) -> None:
        """Leave a request to open, which the office logs at its next tick."""
        self._post("v1/requests", request)

    def request(self, hash_: NoteHash) -> RequestState:
        """Return what became of a request."""
        return _read(self._get(f"v1/requests/{hash_.hex()}", MAX_WORK_BYTES), _to_state)

    def work(self) -> WorkList:
        """Return what waits for this holder."""
        return _read(self._get("v1/work", MAX_LIST_BYTES), _to_work)

    def work_on(self, request: NoteHash) -> bytes:
        """Return a request and the evidence for it, for `Work.parse`."""
        return self._get(f"v1/work/{request.hex()}", MAX_WORK_BYTES)

    def answer(self, note: bytes, sealed: bytes) -> None:
        """Post an answer to a request; the same one twice is one."""
        body = {"note": note.decode(), "sealed": to_base64(sealed)}
        self._post("v1/answers", json.dumps(body).encode())

    def head(self, note: bytes) -> None:
        """Post the answer to a challenge."""
        self._post("v1/heads", note)

    def _get(self, path: str, max_bytes: int) -> bytes:
        return _body(lambda: self._http.get(f"{self._url}/{path}", max_bytes))

    def _post(self, path: str, body: bytes) -> bytes:
        return _body(lambda: self._http.post(f"{self._url}/{path}", body))


def _body(ask: Callable[[], Answer]) -> bytes:
    """Return the body of a good answer."""
    try:
        answer = ask()
    except UnreachableError:
        raise OfficeError("the office does not answer") from None
    if not 200 <= answer.status < 300:
        slug = _slug(answer.body)
        message = f"the office refused with status {answer.status} {slug}".rstrip()
        raise OfficeRefusalError(message, answer.status, slug)
    return answer.body


def _slug(body: bytes) -> str:
    """Return the problem's own name, if the body is a problem; it is a word of the protocol."""
    try:
        slug = str(json.loads(body)["type"]).rpartition(":")[2]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return slug if slug.replace("-", "").isalnum() and slug.isascii() else ""


def _read(data: bytes, read: Callable[[dict[str, Any]], _T]) -> _T:
    """Read a JSON answer of the desk."""
    try:
        return read(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FormatError):
        raise OfficeError("the desk's answer is not of the form it should have") from None


def _to_cases(body: dict[str, Any]) -> list[ServedCase]:
    return [
        ServedCase(
            case=CaseId(_to_hash(item["case"])),
            manifest=NoteHash(_to_hash(item["manifest-hash"])),
            day=str(item["day"]),
        )
        for item in body["cases"]
    ]


def _to_events(body: dict[str, Any]) -> list[ServedEvent]:
    return [
        ServedEvent(
            event=item["event"].encode(),
            cause=_or_none(item["cause"]),
            receipt=_or_none(item["receipt"]),
        )
        for item in body["events"]
    ]


def _or_none(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _to_state(body: dict[str, Any]) -> RequestState:
    return RequestState(
        event=_or_none(body["event"]),
        receipt=_or_none(body["receipt"]),
        answers=tuple(
            ServedAnswer(item["note"].encode(), parse_base64(item["sealed"], "sealed"))
            for item in body["answers"]
        ),
    )


def _to_work(body: dict[str, Any]) -> WorkList:
    return WorkList(
        requests=tuple(NoteHash(_to_hash(text)) for text in body["requests"]),
        challenges=tuple(note.encode() for note in body["challenges"]),
    )


def _to_hash(text: str) -> bytes:
    return parse_hex(text, HASH_SIZE, "hash")
