"""The door takes sealed petitions from anybody, the same answer for all, and nothing else."""

import contextlib
import dataclasses
import datetime
import json
import logging
import socket
from collections.abc import Callable, Iterator

import pytest
import requests
from sqlalchemy import select

from dengwen_audit.note import Note, sign_note
from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_keys.sealing import seal
from dengwen_submit.intake import MAX_PETITION_BYTES, PATH
from dengwen_submit.web import MAX_NOTE_BYTES, create_door
from dengwen_vault.models import Reception
from tests.patience import PATIENCE
from tests.small_office import make_card, make_roster
from tests.submit.door_office import DoorOffice
from tests.submit.loopback import HOST, on_loopback
from tests.submit.office_files import next_roster
from tests.vault.office import DRAFT, seal_petition, words_of

URL = make_card().door + PATH


def _post(office: DoorOffice, body: bytes, query: str = "") -> requests.Response:
    headers = {"Content-Type": "application/octet-stream"}
    return office.open_session().post(URL + query, data=body, headers=headers)


def _slug(answer: requests.Response) -> str:
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    slug: str = answer.json()["type"].rpartition(":")[2]
    return slug


def _another_manifest() -> bytes:
    """Return another petition under the words of the first."""
    draft = dataclasses.replace(DRAFT, body="Something else.\n")
    return seal(draft, words_of("first"), make_roster()).to_bytes()


def test_a_petition_is_accepted_and_signed_for(office: DoorOffice) -> None:
    """The answer is a note by the intake key that names the manifest and today's day."""
    petition = seal_petition("first")
    answer = _post(office, petition.to_bytes())
    accepted = check_acceptance(Note.parse(answer.content), make_roster())
    assert (accepted.case, accepted.manifest) == (petition.manifest.case, petition.note.hash)
    assert accepted.day == datetime.date(2025, 1, 10)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


def test_twice_is_one_petition_and_the_answer_does_not_tell(office: DoorOffice) -> None:
    """Whoever finds a sealed petition cannot ask the door whether it was sent."""
    sealed = seal_petition("first").to_bytes()
    first, rows = _post(office, sealed), office.rows()
    again = _post(office, sealed, "?at-once=1")
    office.tick()
    later = _post(office, sealed)
    assert first.status_code == again.status_code == later.status_code == 200
    assert first.content == again.content == later.content
    assert dict(first.headers) == dict(again.headers) == dict(later.headers)
    by_tick = {"reception": 0, "event": 0, "epoch": 0, "panel": 0}
    assert office.rows() | by_tick == rows | by_tick


def test_a_second_manifest_of_a_case_is_refused(office: DoorOffice) -> None:
    """The first stands; nothing is changed."""
    _post(office, seal_petition("first").to_bytes())
    rows = office.rows()
    answer = _post(office, _another_manifest())
    assert (answer.status_code, _slug(answer)) == (409, "second-manifest")
    assert office.rows() == rows


def test_a_petition_for_a_roster_that_was_never_here_must_be_sealed_again(
    office: DoorOffice,
) -> None:
    """The slug tells her client what to do."""
    roster = next_roster(make_roster(), openings_per_day=1)
    answer = _post(office, seal_petition("first", roster).to_bytes())
    assert (answer.status_code, _slug(answer)) == (409, "seal-again")


def _with_flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _resigned(data: bytes) -> bytes:
    """Return the petition with its manifest signed by another key than the case's."""
    petition = seal_petition("first")
    note = sign_note(petition.note.text, words_of("somebody else").signing_key())
    return data.replace(petition.note.to_bytes(), note.to_bytes())


SEALED = seal_petition("first").to_bytes()
GARBAGE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "plain text": lambda _: b"The dam leaks.\n",
    "a form": lambda _: b"petition=The+dam+leaks&name=Li",
    "zeros": lambda _: bytes(100_000),
    "another version": lambda data: data.replace(b"petition/v1", b"petition/v2", 1),
    "a manifest alone": lambda data: data[:4000],
    "the last byte missing": lambda data: data[:-1],
    "a byte more": lambda data: data + b"\n",
    "twice in one": lambda data: data + data,
    "a letter of the manifest changed": lambda data: _with_flipped(data, 60),
    "a byte of a part changed": lambda data: _with_flipped(data, len(data) - 1),
    "another signer": _resigned,
}


@pytest.mark.parametrize("case", GARBAGE)
def test_garbage_is_a_problem_and_changes_nothing(
    standing_office: DoorOffice, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What is not a whole and well-signed petition leaves no row, and no word of it in a log."""
    caplog.set_level(logging.DEBUG)
    rows = standing_office.rows()
    answer = _post(standing_office, GARBAGE[case](SEALED))
    assert answer.status_code in {400, 403}
    assert _slug(answer) in {"malformed", "signature", "rule"}
    assert standing_office.rows() == rows
    assert "dam" not in caplog.text


def _epochs_of_pending(office: DoorOffice) -> list[int]:
    with office.vault.store.reading() as connection:
        return list(connection.scalars(select(Reception.not_before)))


@pytest.mark.parametrize("query", ["", "?at-once=0", "?at-once"])
def test_without_at_once_a_random_epoch_of_the_delay_is_drawn(
    office: DoorOffice, query: str
) -> None:
    """Sixteen petitions of one minute do not all enter the log with the next tick."""
    for number in range(16):
        assert _post(office, seal_petition(f"number {number}").to_bytes(), query).ok
    epochs = _epochs_of_pending(office)
    size, ticks = office.epoch_store.size(), make_roster().petitioner_delay // make_card().tick
    assert len(set(epochs)) > 1
    assert all(size <= epoch <= size + ticks for epoch in epochs)


def test_at_once_is_the_next_tick(office: DoorOffice) -> None:
    """Who asks for it gives her minute away, and gets it."""
    assert _post(office, SEALED, "?at-once=1").ok
    assert _epochs_of_pending(office) == [office.epoch_store.size()]


def test_the_log_says_what_was_asked_and_not_by_whom(
    office: DoorOffice, caplog: pytest.LogCaptureFixture
) -> None:
    """A line is a route and a class of status: no address, no case, no hour."""
    caplog.set_level(logging.INFO)
    office.accept()
    _post(office, SEALED)
    office.case_client().events()
    lines = [record.getMessage() for record in caplog.records if "door" not in record.name]
    assert "POST /v1/petitions 2xx" in lines
    assert "GET /v1/case/events 2xx" in lines
    assert seal_petition("first").manifest.case.hex() not in caplog.text
    assert "127.0.0.1" not in caplog.text


@pytest.fixture(scope="module")
def port(standing_office: DoorOffice) -> Iterator[int]:
    """Run the door on a real socket; give its port."""
    door = create_door(standing_office.vault, standing_office.clock)
    with on_loopback(door) as port:
        yield port


def _talk(port: int, *lines: str) -> socket.socket:
    """Open a connection and send the header of a request."""
    connection = socket.create_connection((HOST, port), timeout=PATIENCE)
    connection.sendall("\r\n".join([*lines, f"Host: {HOST}", "", ""]).encode())
    return connection


def _answer(connection: socket.socket) -> tuple[int, dict[str, object]]:
    """Read the answer: its status, and its problem."""
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    assert f"Content-Type: {PROBLEM_TYPE}".encode() in head
    return int(head.split(b" ")[1]), json.loads(body)


LIMITS = {PATH: MAX_PETITION_BYTES, "/v1/case/statements": MAX_NOTE_BYTES, "/card": MAX_NOTE_BYTES}


@pytest.mark.parametrize("path", LIMITS)
def test_a_body_over_the_limit_is_refused_before_it_is_read(
    standing_office: DoorOffice, port: int, path: str
) -> None:
    """The header is enough: not one byte of the body was sent when the answer comes."""
    rows = standing_office.rows()
    length = LIMITS[path] + 1
    with _talk(port, f"POST {path} HTTP/1.1", f"Content-Length: {length}") as connection:
        status, problem = _answer(connection)
    assert (status, problem["type"]) == (413, "urn:dengwen:problem:request-entity-too-large")
    assert standing_office.rows() == rows


@pytest.mark.parametrize("path", [PATH, "/v1/case/statements"])
def test_a_body_without_a_length_is_cut_off_at_the_limit(
    standing_office: DoorOffice, port: int, path: str
) -> None:
    """Chunks that never end are not collected for ever."""
    rows = standing_office.rows()
    piece = bytes(1 << 18)
    chunk = b"%x\r\n" % len(piece) + piece + b"\r\n"
    sent = 0
    with _talk(port, f"POST {path} HTTP/1.1", "Transfer-Encoding: chunked") as connection:
        with contextlib.suppress(ConnectionError):
            while sent <= LIMITS[path] + len(piece):
                connection.sendall(chunk)
                sent += len(piece)
        status, problem = _answer(connection)
    assert (status, problem["status"]) == (413, 413)
    assert standing_office.rows() == rows


def test_a_petition_in_chunks_is_taken(standing_office: DoorOffice, port: int) -> None:
    """A sender that does not know the length beforehand is as good as any."""
    pieces = (SEALED[start : start + 5000] for start in range(0, len(SEALED), 5000))
    answer = requests.post(f"http://{HOST}:{port}{PATH}", data=pieces, timeout=PATIENCE)
    assert answer.status_code == 200
    assert answer.content == _post(standing_office, SEALED).content


def test_a_body_without_an_end_is_no_petition(standing_office: DoorOffice, port: int) -> None:
    """A connection that breaks in the middle leaves nothing."""
    rows = standing_office.rows()
    with _talk(port, f"POST {PATH} HTTP/1.1", f"Content-Length: {len(SEALED)}") as connection:
        connection.sendall(SEALED[:-1])
    assert requests.get(f"http://{HOST}:{port}/card", timeout=PATIENCE).ok
    assert standing_office.rows() == rows
