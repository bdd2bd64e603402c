"""The door takes attachments by the acceptance, and tells strangers all the same nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
import requests

from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_keys.petition_file import SealedPetition
from dengwen_submit.attachment_views import ACCEPTANCE_HEADER, AT_ONE_TIME, PATH
from dengwen_submit.intake import PATH as PETITIONS
from dengwen_submit.web import create_door
from dengwen_vault.errors import UnavailableError
from dengwen_vault.settings import DEFAULT_ALLOWANCE
from tests.patience import PATIENCE
from tests.small_office import make_card
from tests.submit.door_office import DoorOffice
from tests.submit.loopback import HOST, on_loopback
from tests.vault.office import seal_with_files

URL = make_card().door
PARTS = ("attachment/1", "attachment/2")
Accepted = tuple[SealedPetition, str]


@pytest.fixture
def accepted(office: DoorOffice) -> Accepted:
    """Give a petition whose letter is accepted, and its acceptance in base64."""
    return office.accept_files()


def put(
    office: DoorOffice, number: object, body: bytes, acceptance: str | None
) -> requests.Response:
    """Send an attachment."""
    headers = {"Content-Type": "application/octet-stream"}
    if acceptance is not None:
        headers[ACCEPTANCE_HEADER] = acceptance
    url = f"{URL}{PATH}/{number}"
    return office.open_session().put(url, data=body, headers=headers)


def slug(answer: requests.Response) -> str:
    """Return what a refusal is called."""
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    found: str = answer.json()["type"].rpartition(":")[2]
    return found


def test_an_attachment_is_taken_once_however_often_it_comes(
    office: DoorOffice, accepted: Accepted
) -> None:
    """The answer is the same the first and the tenth time, to the last header."""
    petition, acceptance = accepted
    answers = [put(office, 1, petition.parts[PARTS[0]], acceptance) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {204}
    assert all(answer.content == b"" for answer in answers)
    assert answers[0].headers == answers[1].headers == answers[2].headers
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert office.vault.arrived(petition.manifest.case) == (1,)


@pytest.mark.parametrize("number", ["0", "01", "x", "-1", "1.0", " 1", "99999999999999999999"])
def test_a_number_has_one_spelling(office: DoorOffice, accepted: Accepted, number: str) -> None:
    """What is no number of an attachment is refused, with an acceptance and without."""
    petition, acceptance = accepted
    answer = put(office, number, petition.parts[PARTS[0]], acceptance)
    assert (answer.status_code, slug(answer)) in {(404, "no-attachment"), (400, "malformed")}
    assert office.rows()["attachment"] == 0


def test_each_refusal_is_its_own(office: DoorOffice, accepted: Accepted) -> None:
    """A client decides by the slug."""
    petition, acceptance = accepted
    right = petition.parts[PARTS[0]]
    cases = [
        (put(office, 1, right, None), 403, "not-accepted"),
        (put(office, 1, right, "bm8="), 403, "not-accepted"),
        (put(office, 3, right, acceptance), 404, "no-attachment"),
        (put(office, 2, right, acceptance), 422, "other-bytes"),
        (put(office, 1, right[:-1], acceptance), 422, "other-bytes"),
    ]
    for answer, status, name in cases:
        assert (answer.status_code, slug(answer)) == (status, name)
    assert office.rows()["attachment"] == 0
    assert list(office.vault.blobs.names()) == []


def test_a_petition_with_its_attachments_in_one_is_told_to_send_them_later(
    office: DoorOffice,
) -> None:
    """An older client gets a refusal that it can show."""
    sealed = seal_with_files().to_bytes()
    answer = office.open_session().post(URL + PETITIONS, data=sealed)
    assert (answer.status_code, slug(answer)) == (400, "attachments-later")
    assert office.rows()["petition"] == 0


def test_while_intake_is_paused_nothing_is_taken(office: DoorOffice, accepted: Accepted) -> None:
    """Come back, it says, and not all in the same second; the switch needs no restart."""
    petition, acceptance = accepted
    switch = office.folder / "door.toml"
    switch.write_text('intake = "paused"\n')
    for given in (acceptance, None):
        answer = put(office, 1, petition.parts[PARTS[0]], given)
        assert (answer.status_code, slug(answer)) == (503, "paused")
        assert 300 <= int(answer.headers["Retry-After"]) < 600
    assert office.rows()["attachment"] == 0
    switch.unlink()
    assert put(office, 1, petition.parts[PARTS[0]], acceptance).status_code == 204


def test_a_store_that_cannot_take_it_now_asks_to_come_back(
    office: DoorOffice, accepted: Accepted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is acknowledged; the next attempt is."""
    petition, acceptance = accepted

    def fail(_: bytes) -> bytes:
        raise UnavailableError("the folder of attachments cannot do this now")

    with monkeypatch.context() as patch:
        patch.setattr(office.vault.blobs, "put", fail)
        answer = put(office, 1, petition.parts[PARTS[0]], acceptance)
    assert (answer.status_code, slug(answer)) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "10"
    assert office.rows()["attachment"] == 0
    assert put(office, 1, petition.parts[PARTS[0]], acceptance).status_code == 204


def test_no_more_than_some_are_stored_at_one_time(
    office: DoorOffice, accepted: Accepted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow store keeps no thread from those who follow their cases."""
    petition, acceptance = accepted
    inside, go = threading.Semaphore(0), threading.Event()
    real = office.vault.blobs.put

    def wait(data: bytes) -> bytes:
        inside.release()
        assert go.wait(PATIENCE)
        return real(data)

    monkeypatch.setattr(office.vault.blobs, "put", wait)
    answers: list[int] = []

    def send() -> None:
        answers.append(put(office, 1, petition.parts[PARTS[0]], acceptance).status_code)

    senders = [threading.Thread(target=send) for _ in range(AT_ONE_TIME)]
    for sender in senders:
        sender.start()
    for _ in senders:
        assert inside.acquire(timeout=PATIENCE)
    sent_away = put(office, 2, petition.parts[PARTS[1]], acceptance)
    assert (sent_away.status_code, slug(sent_away)) == (503, "busy")
    assert 1 <= int(sent_away.headers["Retry-After"]) <= 3
    assert office.open_session().get(f"{URL}/card").ok
    go.set()
    for sender in senders:
        sender.join()
    assert answers == [204] * AT_ONE_TIME
    assert put(office, 2, petition.parts[PARTS[1]], acceptance).status_code == 204


def test_the_log_says_neither_which_case_nor_which_attachment(
    office: DoorOffice, accepted: Accepted, caplog: pytest.LogCaptureFixture
) -> None:
    """A line is a route and a class of status."""
    caplog.set_level(logging.DEBUG)
    petition, acceptance = accepted
    put(office, 1, petition.parts[PARTS[0]], acceptance)
    put(office, 2, b"something else", acceptance)
    assert f"PUT {PATH}/<number> 2xx" in caplog.text
    assert f"PUT {PATH}/<number> 4xx" in caplog.text
    for word in (
        acceptance,
        petition.manifest.case.hex(),
        petition.manifest.parts[-1].sha256.hex(),
    ):
        assert word not in caplog.text


@pytest.fixture
def port(office: DoorOffice) -> Iterator[int]:
    """Run the door on a real socket; give its port."""
    with on_loopback(create_door(office.vault, office.clock)) as port:
        yield port


def test_on_a_real_socket_it_is_the_same(office: DoorOffice, accepted: Accepted, port: int) -> None:
    """With a length or in pieces; nothing longer than the allowance is read."""
    petition, acceptance = accepted
    url, headers = f"http://{HOST}:{port}{PATH}", {ACCEPTANCE_HEADER: acceptance}
    data = petition.parts[PARTS[0]]
    pieces = (data[start : start + 5000] for start in range(0, len(data), 5000))
    for body in (data, pieces):
        answer = requests.put(f"{url}/1", data=body, headers=headers, timeout=PATIENCE)
        assert answer.status_code == 204
    long = requests.put(
        f"{url}/1", data=bytes(DEFAULT_ALLOWANCE + 1), headers=headers, timeout=PATIENCE
    )
    assert long.status_code == 413
    assert office.vault.arrived(petition.manifest.case) == (1,)
