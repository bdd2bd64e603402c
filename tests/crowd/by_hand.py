"""Sending attachments by hand, header first, to a door on a real socket."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import requests

from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.text import to_base64
from dengwen_keys.petition_file import SealedPetition
from dengwen_submit.attachment_views import PATH
from dengwen_submit.intake import PATH as PETITIONS
from dengwen_vault.attachments import Due
from tests.crowd.open_door import OpenDoor
from tests.patience import PATIENCE
from tests.small_office import make_key
from tests.vault.office import seal_with_files

QUIET = 0.5  # seconds in which a door that has something to say would say it
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Said:
    """What the door answered; *early* is what it said before."""

    status: int
    slug: str
    headers: dict[str, str]
    body: bytes
    early: bytes


@dataclass(frozen=True)
class Put:
    """The header of a request."""

    number: object
    length: int | str
    acceptance: Note | None
    more: tuple[str, ...] = ()
    method: str = "PUT"

    def to_bytes(self) -> bytes:
        """Spell it."""
        lines = [f"{self.method} {PATH}/{self.number} HTTP/1.1", "Host: door", *self.more]
        if self.length != "":
            lines.append(f"Content-Length: {self.length}")
        if self.acceptance:
            lines.append(f"Dengwen-Acceptance: {to_base64(self.acceptance.to_bytes())}")
        return "\r\n".join([*lines, "", ""]).encode()


EXPECT = ("Expect: 100-continue",)


def hear(client: socket.socket) -> Said:
    """Read one answer."""
    data = early = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        assert piece, "the door hung up"
        data += piece
        if data.startswith(CONTINUE):
            early, data = CONTINUE, data[len(CONTINUE) :]
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    while len(body) < int(headers.get("Content-Length", "0")):
        body += client.recv(65536)
    slug = json.loads(body)["type"].rpartition(":")[2] if body else ""
    return Said(int(first.split(" ")[1]), slug, headers, body, early)


def ask(door: OpenDoor, put: Put, body: bytes = b"") -> Said:
    """Send a header, and what of the body is given; return what the door says to it."""
    with door.connect() as client:
        client.sendall(put.to_bytes() + body)
        return hear(client)


def accept(door: OpenDoor, name: str = "with files") -> tuple[SealedPetition, Note]:
    """Hand in a letter; return the petition and its acceptance."""
    sealed = seal_with_files(name)
    answer = requests.post(door.url + PETITIONS, sealed.letter(), timeout=PATIENCE)
    assert answer.ok
    return sealed, Note.parse(answer.content)


def forge(sealed: SealedPetition, good: Note, key: str) -> Note:
    """Return an acceptance of a petition, in the name of the intake key, by another one."""
    text = Acceptance.parse(good.text)
    mine = dataclasses.replace(text, case=sealed.manifest.case, manifest=sealed.note.hash)
    return sign_note(mine.to_bytes(), SigningKey("intake", make_key(key).seed))


def length_of(sealed: SealedPetition, number: int) -> int:
    """Return what the manifest says."""
    return sealed.manifest.attachments[number - 1].length


class Stopped:
    """Judgements, or storings, that stand still until they are let go."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.go = threading.Event()

    def wait(self) -> None:
        """Stand still."""
        self.inside.release()
        assert self.go.wait(PATIENCE)

    def until(self, count: int = 1) -> None:
        """Wait until so many stand."""
        for _ in range(count):
            assert self.inside.acquire(timeout=PATIENCE)


@contextlib.contextmanager
def slow_judgement(door: OpenDoor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stopped]:
    """Let the database keep judgements waiting for a while."""
    vault, stopped = door.office.vault, Stopped()
    real: Callable[[str, int], Due] = vault.due_attachment

    def wait(acceptance: str, number: int) -> Due:
        stopped.wait()
        return real(acceptance, number)

    with monkeypatch.context() as patch:
        patch.setattr(vault, "due_attachment", wait)
        try:
            yield stopped
        finally:
            stopped.go.set()


def pour(client: socket.socket, most: int) -> int:
    """Send until nobody takes anything for a moment; return how many bytes went."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)  # or machines would differ
    client.settimeout(QUIET)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < most:
            sent += client.send(bytes(min(1 << 20, most - sent)))
    client.settimeout(PATIENCE)
    return sent
