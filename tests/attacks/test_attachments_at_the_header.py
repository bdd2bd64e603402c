"""
What the door says to an attachment before a byte of it has come, on real sockets.

A stranger would fill the door's memory with bytes that nobody asked for, or keep others waiting
while it looks whether it may refuse them; or she would read out of an early answer what a late one
does not tell.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from dengwen_audit.note import Note
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.text import to_base64
from dengwen_submit import attachment_line, connection, door_server
from dengwen_submit.attachment_line import MAX_JUDGED
from dengwen_submit.attachment_views import PATH
from dengwen_submit.web import create_door
from dengwen_vault.settings import DEFAULT_ALLOWANCE
from tests.crowd.by_hand import (
    CONTINUE,
    EXPECT,
    QUIET,
    Put,
    Stopped,
    accept,
    ask,
    forge,
    hear,
    length_of,
    pour,
    slow_judgement,
)
from tests.crowd.open_door import OpenDoor, open_door
from tests.patience import PATIENCE, wait_until
from tests.vault.office import seal_with_files

PARTS = ("attachment/1", "attachment/2")
LARGE = 200_000_000  # bytes
KERNEL = 12 << 20  # bytes that the buffers of two sockets of this machine may hold, and more


@pytest.fixture
def door(tmp_path: Path) -> Iterator[OpenDoor]:
    """Open a door for one test."""
    with open_door(tmp_path) as door:
        yield door


@pytest.mark.parametrize("forger", [None, "a stranger", "gk-1", "reviewer-1"])
@pytest.mark.parametrize("more", [(), EXPECT])
def test_a_stranger_is_refused_before_she_has_sent_a_byte(
    door: OpenDoor, forger: str | None, more: tuple[str, ...]
) -> None:
    """Whatever she announces, of a case that is here or is not; nobody tells her to go on."""
    here, good = accept(door)
    unknown = seal_with_files("never sent")
    for sealed in (here, unknown):
        shown = forge(sealed, good, forger) if forger else None
        for number, length in ((1, length_of(sealed, 1)), (1, DEFAULT_ALLOWANCE), (7, 0)):
            said = ask(door, Put(number, length, shown, more))
            assert (said.status, said.slug, said.early) == (403, "not-accepted", b"")


def test_two_hundred_megabytes_are_refused_whoever_announces_them(door: OpenDoor) -> None:
    """By the length alone, which is more than any attachment here may have."""
    sealed, good = accept(door)
    for shown in (None, forge(sealed, good, "a stranger"), good):
        said = ask(door, Put(1, LARGE, shown, EXPECT))
        assert (said.status, said.slug) == (413, "request-entity-too-large")
        assert said.early == b""


def test_the_right_header_is_let_in(door: OpenDoor) -> None:
    """The twin: whoever waits to be told is told to go on, and whoever does not is taken too."""
    sealed, good = accept(door)
    for number, part in enumerate(PARTS, start=1):
        body = sealed.parts[part]
        with door.connect() as client:
            client.sendall(Put(number, len(body), good, EXPECT).to_bytes())
            assert client.recv(len(CONTINUE), socket.MSG_WAITALL) == CONTINUE
            client.sendall(body)
            assert hear(client).status == 204
        assert ask(door, Put(number, len(body), good), body).status == 204
        assert ask(door, Put(f"{number}?a=question", len(body), good), body).status == 204
    assert door.office.vault.arrived(sealed.manifest.case) == (1, 2)


@pytest.mark.parametrize("change", [-1, 1, -(1 << 16), 1 << 20])
def test_another_length_than_the_manifest_says_is_refused(door: OpenDoor, change: int) -> None:
    """So somebody who has an acceptance cannot send more on it than was announced."""
    sealed, good = accept(door)
    for number in (1, 2):
        length = max(length_of(sealed, number) + change, 0)
        said = ask(door, Put(number, length, good, EXPECT))
        assert (said.status, said.slug, said.early) == (422, "other-bytes", b"")


def test_a_number_that_the_manifest_does_not_name_is_refused(door: OpenDoor) -> None:
    """Nor has a number two spellings."""
    sealed, good = accept(door)
    length = length_of(sealed, 1)
    for number in (0, 3, 64, 2**53 - 1):
        said = ask(door, Put(number, length, good, EXPECT))
        assert (said.status, said.slug, said.early) == (404, "no-attachment", b"")


def test_an_acceptance_of_another_case_opens_nothing(door: OpenDoor) -> None:
    """Hers is for her files; bent to somebody else's case, it is nobody's."""
    hers, _ = accept(door, "somebody else")
    sealed, good = accept(door)
    bent = dataclasses.replace(Acceptance.parse(good.text), case=hers.manifest.case)
    shown = Note(bent.to_bytes(), good.signatures)
    said = ask(door, Put(1, length_of(hers, 1), shown, EXPECT))
    assert (said.status, said.slug, said.early) == (403, "not-accepted", b"")
    assert length_of(hers, 1) == length_of(sealed, 1)
    body = hers.parts[PARTS[0]]
    said = ask(door, Put(1, len(body), good), body)
    assert (said.status, said.slug) == (422, "other-bytes")
    assert door.office.vault.arrived(hers.manifest.case) == ()
    assert door.office.vault.arrived(sealed.manifest.case) == ()


def test_a_second_sending_is_let_in_and_answered_like_the_first(door: OpenDoor) -> None:
    """An early word that it is here would tell a finder that it was sent before her."""
    sealed, good = accept(door)
    body = sealed.parts[PARTS[0]]
    seen = []
    for _ in range(3):
        with door.connect() as client:
            client.sendall(Put(1, len(body), good, EXPECT).to_bytes())
            first = client.recv(65536)
            client.sendall(body)
            seen.append((first, hear(client)))
    assert seen[0] == seen[1] == seen[2]
    assert (seen[0][0], seen[0][1].status) == (CONTINUE, 204)


def test_an_early_refusal_is_the_application_s_own(door: OpenDoor) -> None:
    """To the last header: it does not matter to a client when it was refused."""
    sealed, good = accept(door)
    body = sealed.parts[PARTS[0]]
    flask = create_door(door.office.vault, door.office.clock).test_client()
    for number, sent, note in ((1, body, None), (1, body[:-1], good), (3, body, good)):
        shown = {"Dengwen-Acceptance": to_base64(note.to_bytes())} if note else {}
        late = flask.put(f"{PATH}/{number}", data=sent, headers=shown)
        early = ask(door, Put(number, len(sent), note))
        assert (early.status, early.body) == (late.status_code, late.data)
        assert early.headers == dict(late.headers)


def test_a_paused_intake_says_so_at_the_header(door: OpenDoor) -> None:
    """To everybody, and it goes on without a restart."""
    sealed, good = accept(door)
    body = sealed.parts[PARTS[0]]
    door.settings('intake = "paused"\n')
    for shown in (good, None):
        said = ask(door, Put(1, len(body), shown, EXPECT))
        assert (said.status, said.slug, said.early) == (503, "paused", b"")
        assert 300 <= int(said.headers["Retry-After"]) < 600
    door.settings('intake = "open"\n')
    assert ask(door, Put(1, len(body), good), body).status == 204


@pytest.mark.parametrize(
    "put",
    [
        Put("%31", DEFAULT_ALLOWANCE, None),
        Put("01", DEFAULT_ALLOWANCE, None),
        Put("1/", DEFAULT_ALLOWANCE, None),
        Put("1/2", DEFAULT_ALLOWANCE, None),
        Put("1", DEFAULT_ALLOWANCE, None, method="POST"),
        Put("1", DEFAULT_ALLOWANCE, None, method="GET"),
    ],
)
def test_no_other_spelling_leads_past_the_judgement(door: OpenDoor, put: Put) -> None:
    """What is not judged at the header may not be long."""
    _, good = accept(door)
    for shown in (None, good):
        said = ask(door, dataclasses.replace(put, acceptance=shown))
        assert (said.status, said.slug) == (413, "request-entity-too-large")


def test_what_comes_in_pieces_is_cut_where_the_manifest_ends_it(door: OpenDoor) -> None:
    """Who announces no length is judged all the same, and the right bytes are taken."""
    sealed, good = accept(door)
    right, chunked = sealed.parts[PARTS[0]], ("Transfer-Encoding: chunked",)
    for body, status in ((right, 204), (right[:-1], 422), (right + b"\0", 413)):
        pieces = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        assert ask(door, Put(1, "", good, chunked), pieces).status == status
    assert ask(door, Put(1, "", None, chunked), b"5\r\n").status == 403
    endless = f"{LARGE:x}\r\n".encode() + bytes(length_of(sealed, 2) + 1)
    assert ask(door, Put(2, "", good, chunked), endless).status == 413


def test_while_it_is_judged_nothing_is_read_and_nobody_waits(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow database keeps neither pages nor petitions, and no bytes of strangers are held."""
    _, good = accept(door)
    stranger = forge(seal_with_files(), good, "a stranger")
    with slow_judgement(door, monkeypatch) as stopped, door.connect() as client:
        client.sendall(Put(1, DEFAULT_ALLOWANCE, stranger).to_bytes())
        stopped.until()
        assert pour(client, DEFAULT_ALLOWANCE) < KERNEL
        for path in ("/card", "/roster", "/v1/case/events"):
            assert requests.get(door.url + path, timeout=PATIENCE).status_code < 500
        assert door.send("meanwhile").ok
        stopped.go.set()
        said = hear(client)
    assert (said.status, said.slug) == (403, "not-accepted")


def test_the_same_bytes_are_read_when_they_are_judged_right(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: what was kept waiting is taken, whether it came with the header or after it."""
    sealed, good = accept(door)
    for number, at_once in ((1, True), (2, False)):
        body = sealed.parts[f"attachment/{number}"]
        head = Put(number, len(body), good).to_bytes()
        with slow_judgement(door, monkeypatch) as stopped, door.connect() as client:
            client.sendall(head + body if at_once else head)
            stopped.until()
            client.sendall(b"" if at_once else body)
            stopped.go.set()
            assert hear(client).status == 204
    assert door.office.vault.arrived(sealed.manifest.case) == (1, 2)


def test_whoever_leaves_while_she_is_judged_leaves_nothing_behind(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor can many who wait for their judgement keep the others from being asked to come back."""
    sealed, good = accept(door)
    body = sealed.parts[PARTS[0]]
    head = Put(1, len(body), good).to_bytes()
    with slow_judgement(door, monkeypatch) as stopped, contextlib.ExitStack() as crowd:
        for _ in range(MAX_JUDGED):
            client = crowd.enter_context(door.connect())
            client.sendall(head + body[:100])
        stopped.until()
        late = []

        def is_full() -> bool:
            client = crowd.enter_context(door.connect())
            client.sendall(head)
            client.settimeout(QUIET)
            with contextlib.suppress(TimeoutError):
                late.append(hear(client))
            return bool(late)

        wait_until(is_full)
    assert (late[0].status, late[0].slug) == (503, "busy")
    wait_until(lambda: ask(door, Put(1, len(body), good), body).status == 204)
    assert door.office.vault.arrived(sealed.manifest.case) == (1,)


def _is_let_in(door: OpenDoor, put: Put) -> bool:
    """Tell whether somebody is told to go on, who then leaves."""
    with door.connect() as client:
        client.sendall(put.to_bytes())
        return client.recv(len(CONTINUE), socket.MSG_WAITALL) == CONTINUE


def test_when_no_place_is_free_the_header_is_told_to_come_back(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a byte, and only whoever could come in otherwise; those inside are stored."""
    monkeypatch.setattr(attachment_line, "MAX_WHOLE", 3)
    monkeypatch.setattr(connection, "GRACE_SECONDS", 2 * PATIENCE)  # she who is late sends nothing
    sealed, good = accept(door)
    body, stopped = sealed.parts[PARTS[0]], Stopped()
    real = door.office.vault.blobs.put

    def wait(data: bytes) -> bytes:
        stopped.wait()
        return real(data)

    monkeypatch.setattr(door.office.vault.blobs, "put", wait)
    announced = Put(1, len(body), good, EXPECT)
    with contextlib.ExitStack() as crowd:
        crowd.callback(stopped.go.set)
        inside = [crowd.enter_context(door.connect()) for _ in range(3)]
        late = crowd.enter_context(door.connect())
        late.sendall(announced.to_bytes())
        assert late.recv(65536) == CONTINUE  # there is a place yet
        for client in inside:
            client.sendall(Put(1, len(body), good).to_bytes() + body)
        stopped.until(2)
        wait_until(lambda: not _is_let_in(door, announced), "a place is free yet")
        said = ask(door, announced)
        assert (said.status, said.slug, said.early) == (503, "busy", b"")
        assert 1 <= int(said.headers["Retry-After"]) <= 3
        assert ask(door, Put(1, len(body), None)).slug == "not-accepted"
        assert requests.get(door.url + "/card", timeout=PATIENCE).ok
        late.sendall(body)
        assert hear(late).slug == "busy"
        stopped.go.set()
        assert [hear(client).status for client in inside] == [204] * 3
    assert ask(door, Put(1, len(body), good), body).status == 204


def test_what_would_not_fit_into_memory_is_told_to_come_back_at_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is let in to be cut off; whatever is shorter comes in."""
    monkeypatch.setattr(door_server, "MAX_HELD", length_of(seal_with_files(), 2) - 1)
    with open_door(tmp_path) as door:
        sealed, good = accept(door)
        said = ask(door, Put(2, length_of(sealed, 2), good, EXPECT))
        assert (said.status, said.slug, said.early) == (503, "busy", b"")
        body = sealed.parts[PARTS[0]]
        with door.connect() as client:
            client.sendall(Put(1, len(body), good, EXPECT).to_bytes())
            assert client.recv(len(CONTINUE), socket.MSG_WAITALL) == CONTINUE
            client.sendall(body)
            assert hear(client).status == 204
