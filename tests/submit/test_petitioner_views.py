"""The door tells a case to the key of that case, and to everybody else the same nothing."""

import contextlib
import datetime
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from dengwen_audit.event import Event, check_chain
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.note import Note, sign_note
from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.statement import Statement
from dengwen_submit.door_client import case_key_id
from dengwen_submit.heads import make_challenge
from dengwen_submit.web import MAX_NOTE_BYTES
from dengwen_submit.withdrawal import sign_withdrawal
from dengwen_vault.models import UsedNonce
from tests.small_office import OFFICE, make_card, make_key
from tests.submit.door_office import DoorOffice
from tests.vault.office import seal_petition, words_of

URL = make_card().door
EVENTS, CHALLENGES = "/v1/case/events", "/v1/case/challenges"
HEADS, STATEMENTS = f"/v1/case/heads/{bytes(32).hex()}", "/v1/case/statements"
ATTACHMENTS = "/v1/case/attachments"
READS, WRITES = (EVENTS, HEADS, ATTACHMENTS), (CHALLENGES, STATEMENTS)


def _prepare(
    office: DoorOffice,
    path: str,
    body: bytes | None = None,
    *,
    key: str = "first",
    key_id: str | None = None,
    base: str = URL,
    age: float = 0,
) -> requests.PreparedRequest:
    """Sign a request with the case key of the petitioner of this name."""
    signing_key = words_of(key).signing_key()
    auth = MemberAuth(key_id or case_key_id(signing_key), signing_key, lambda: office.now - age)
    method = "GET" if body is None else "POST"
    prepared = requests.Request(method, base + path, data=body, auth=auth).prepare()
    prepared.url = URL + path
    return prepared


def _ask(
    office: DoorOffice,
    path: str,
    body: bytes | None = None,
    **signing: Any,  # noqa: ANN401  # as `_prepare` takes them
) -> requests.Response:
    prepared = _prepare(office, path, body, **signing)
    return office.open_session().send(prepared)


def _slug(answer: requests.Response) -> str:
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    assert answer.headers["Cache-Control"] == "no-store"
    slug: str = answer.json()["type"].rpartition(":")[2]
    return slug


def _nonces(office: DoorOffice) -> int:
    with office.vault.store.reading() as connection:
        count = select(func.count()).select_from(UsedNonce)
        return connection.execute(count).scalar_one()


@contextlib.contextmanager
def _nothing_changes(office: DoorOffice) -> Iterator[None]:
    """Check that no row is written, not even that somebody asked."""
    rows, nonces = office.rows(), _nonces(office)
    yield
    assert (office.rows(), _nonces(office)) == (rows, nonces)


def test_a_case_key_reads_its_case(office: DoorOffice, case: Manifest) -> None:
    """Manifest, events, causes and receipts come as exact texts that verify."""
    answer = _ask(office, EVENTS)
    file = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert file["manifest"].encode() == seal_petition("first").note.to_bytes()
    (row,) = file["events"]
    event = Event.parse(row["event"].encode())
    check_chain([event], case.hash)
    assert Note.parse(row["cause"].encode()).hash == event.cause
    assert check_receipt(row["receipt"].encode(), make_card().policy).event == event


def test_a_case_that_is_not_in_the_log_yet_is_there_without_events(office: DoorOffice) -> None:
    """She can see at once that her petition arrived."""
    office.vault.accept(seal_petition("first").to_bytes(), at_once=True)
    assert _ask(office, EVENTS).json()["events"] == []


@pytest.mark.parametrize("path", [*READS, *WRITES])
def test_nothing_is_told_without_a_signature(
    standing_office: DoorOffice, standing_case: Manifest, path: str
) -> None:
    """Every view that speaks of a case wants the case key first."""
    body = (
        None
        if path in READS
        else make_challenge(standing_office.pinned(), words_of("first")).to_bytes()
    )
    with _nothing_changes(standing_office):
        answer = standing_office.open_session().request(
            "POST" if body else "GET", URL + path, data=body
        )
        assert (answer.status_code, _slug(answer)) == (401, "http-signature-missing")


@pytest.mark.parametrize("path", [*READS, *WRITES])
def test_a_signed_request_is_answered_once(office: DoorOffice, case: Manifest, path: str) -> None:
    """Who records a request on the way cannot use it again."""
    note = make_challenge(office.pinned(), words_of("first"))
    if path == STATEMENTS:
        note = sign_withdrawal(OFFICE, words_of("first"))
    prepared = _prepare(office, path, None if path in READS else note.to_bytes())
    assert office.open_session().send(prepared.copy()).ok
    with _nothing_changes(office):
        answer = office.open_session().send(prepared)
        assert (answer.status_code, _slug(answer)) == (401, "http-signature-replayed")


def _as_told(answer: requests.Response) -> tuple[int, bytes, dict[str, str]]:
    return answer.status_code, answer.content, dict(answer.headers)


@pytest.mark.parametrize("path", [*READS, *WRITES])
def test_a_key_without_a_case_learns_nothing_and_leaves_nothing(
    standing_office: DoorOffice, standing_case: Manifest, path: str
) -> None:
    """However many keys a stranger makes, the answers are equal and no row is written."""
    body = None if path in READS else b"x"
    with _nothing_changes(standing_office):
        strangers = [
            _ask(standing_office, path, body, key=name) for name in ("stranger", "another")
        ]
        assert (strangers[0].status_code, _slug(strangers[0])) == (404, "not-yours")
        assert _as_told(strangers[0]) == _as_told(strangers[1])


@pytest.mark.parametrize("path", [*READS, *WRITES])
def test_who_knows_a_key_id_but_not_the_key_cannot_tell_whether_it_has_a_case(
    standing_office: DoorOffice, standing_case: Manifest, path: str
) -> None:
    """A false signature under a known key gets the bytes that one under an unknown key gets."""
    known = case_key_id(words_of("first").signing_key())
    unknown = case_key_id(words_of("nobody").signing_key())
    body = None if path in READS else b"x"
    with _nothing_changes(standing_office):
        answers = [
            _ask(standing_office, path, body, key="forger", key_id=key_id)
            for key_id in (known, unknown)
        ]
        assert (answers[0].status_code, _slug(answers[0])) == (401, "http-signature-wrong")
        assert _as_told(answers[0]) == _as_told(answers[1])


KEY_ID = case_key_id(words_of("first").signing_key())


@pytest.mark.parametrize(
    ("signing", "slug"),
    [
        ({"age": 301}, "http-signature-time"),
        ({"age": -301}, "http-signature-time"),
        ({"base": "https://other.example"}, "http-signature-wrong"),
        ({"base": "http://dengwen.example:81"}, "http-signature-wrong"),
        ({"key_id": KEY_ID.upper()}, "http-signature-malformed"),
        ({"key_id": KEY_ID[:-2]}, "http-signature-key"),
        ({"key_id": "first"}, "http-signature-key"),
        ({"key_id": "0" * 64}, "http-signature-wrong"),
    ],
)
def test_a_request_that_is_not_signed_as_it_must_be_is_refused(
    standing_office: DoorOffice, standing_case: Manifest, signing: dict[str, Any], slug: str
) -> None:
    """Old ones, those for another standing_office, and those under names that are no case keys."""
    with _nothing_changes(standing_office):
        answer = _ask(standing_office, EVENTS, **signing)
        assert (answer.status_code, _slug(answer)) == (401, slug)


def test_a_body_that_was_changed_on_the_way_is_refused(
    standing_office: DoorOffice, standing_case: Manifest
) -> None:
    """The signature covers the body's digest."""
    prepared = _prepare(
        standing_office, STATEMENTS, sign_withdrawal(OFFICE, words_of("first")).to_bytes()
    )
    prepared.body = b"another body"
    with _nothing_changes(standing_office):
        answer = standing_office.open_session().send(prepared)
        assert (answer.status_code, _slug(answer)) == (401, "http-signature-digest")


def test_a_query_that_was_added_on_the_way_is_refused(
    standing_office: DoorOffice, standing_case: Manifest
) -> None:
    """Nobody between can make her speak at once."""
    prepared = _prepare(
        standing_office, STATEMENTS, sign_withdrawal(OFFICE, words_of("first")).to_bytes()
    )
    prepared.url = f"{URL}{STATEMENTS}?at-once=1"
    with _nothing_changes(standing_office):
        answer = standing_office.open_session().send(prepared)
        assert (answer.status_code, _slug(answer)) == (401, "http-signature-wrong")


def _of_another(office: DoorOffice) -> dict[str, tuple[str, bytes]]:
    """Return well-signed notes that are not for the petitioner of the first case to post."""
    other, mine = words_of("other"), words_of("first")
    key = mine.signing_key()
    closed = Statement(OFFICE, seal_petition("first").manifest.case, "case.closed")
    elsewhere = Statement(
        "other.example/log", seal_petition("first").manifest.case, "case.withdrawn"
    )
    return {
        "a challenge of another case": (
            CHALLENGES,
            make_challenge(office.pinned(), other).to_bytes(),
        ),
        "a withdrawal of another case": (STATEMENTS, sign_withdrawal(OFFICE, other).to_bytes()),
        "a withdrawal signed by another": (
            STATEMENTS,
            sign_note(sign_withdrawal(OFFICE, mine).text, make_key("reviewer-1")).to_bytes(),
        ),
        "a withdrawal at another office": (
            STATEMENTS,
            sign_note(elsewhere.to_bytes(), key).to_bytes(),
        ),
        "a statement that only reviewers make": (
            STATEMENTS,
            sign_note(closed.to_bytes(), key).to_bytes(),
        ),
        "a challenge as a statement": (
            STATEMENTS,
            make_challenge(office.pinned(), mine).to_bytes(),
        ),
        "a withdrawal as a challenge": (CHALLENGES, sign_withdrawal(OFFICE, mine).to_bytes()),
    }


NOT_HERS = (
    "a challenge of another case",
    "a withdrawal of another case",
    "a withdrawal signed by another",
    "a withdrawal at another office",
    "a statement that only reviewers make",
    "a challenge as a statement",
    "a withdrawal as a challenge",
)


@pytest.mark.parametrize("name", NOT_HERS)
def test_what_is_not_hers_to_say_changes_nothing(
    standing_office: DoorOffice, standing_case: Manifest, name: str
) -> None:
    """A good signature on the request does not make the note in it good."""
    standing_office.accept("other")
    path, body = _of_another(standing_office)[name]
    rows = standing_office.rows()
    answer = _ask(standing_office, path, body)
    assert answer.status_code in {400, 403}
    _slug(answer)
    assert standing_office.rows() == rows


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "body", [b"", b"\n", b"\xff" * 100, b"dengwen/challenge/v1\n", b"{}", bytes(MAX_NOTE_BYTES)]
)
def test_garbage_in_her_name_changes_nothing(
    standing_office: DoorOffice, standing_case: Manifest, path: str, body: bytes
) -> None:
    """A client that is broken is told so, and does no harm."""
    rows = standing_office.rows()
    answer = _ask(standing_office, path, body)
    assert (answer.status_code, _slug(answer)) == (400, "malformed")
    assert standing_office.rows() == rows


@pytest.mark.parametrize("path", [*READS, *WRITES])
def test_a_body_over_the_limit_is_refused_also_when_signed(
    standing_office: DoorOffice, standing_case: Manifest, path: str
) -> None:
    """Nothing is verified of a body that is too long to be a note."""
    with _nothing_changes(standing_office):
        answer = _ask(standing_office, path, bytes(MAX_NOTE_BYTES + 1))
        assert (answer.status_code, _slug(answer)) == (413, "request-entity-too-large")


def test_heads_are_given_to_the_case_they_are_about(office: DoorOffice, case: Manifest) -> None:
    """Another petitioner who knows the nonce gets an empty list."""
    office.accept("other")
    challenge = make_challenge(office.pinned(), words_of("first"))
    path = f"/v1/case/heads/{_nonce_of(challenge)}"
    answer = _ask(office, CHALLENGES, challenge.to_bytes())
    assert (answer.status_code, answer.content) == (202, b"")
    assert _ask(office, path).json() == {"heads": []}
    office.poll("gatekeeper-1", "mirror-1")
    assert len(_ask(office, path).json()["heads"]) == 2
    assert _ask(office, path, key="other").json() == {"heads": []}


def _nonce_of(challenge: Note) -> str:
    lines = dict(line.split(" ", 1) for line in challenge.text.decode().splitlines()[1:])
    return lines["nonce"]


@pytest.mark.parametrize("nonce", ["0", "0" * 63, "0" * 65, "A" * 64, "g" * 64])
def test_a_nonce_that_is_none_is_a_problem(
    standing_office: DoorOffice, standing_case: Manifest, nonce: str
) -> None:
    """Hexadecimal, 32 bytes, small letters."""
    answer = _ask(standing_office, f"/v1/case/heads/{nonce}")
    assert (answer.status_code, _slug(answer)) == (400, "malformed")


def test_a_withdrawal_is_sequenced_like_a_petition(office: DoorOffice, case: Manifest) -> None:
    """With "at once" it is in the next record; the same note again changes nothing."""
    note = sign_withdrawal(OFFICE, words_of("first")).to_bytes()
    answer = _ask(office, f"{STATEMENTS}?at-once=1", note)
    assert (answer.status_code, answer.content) == (202, b"")
    rows = office.rows()
    assert _ask(office, STATEMENTS, note).status_code == 202
    assert office.rows() == rows
    office.tick()
    assert [event.type for event in office.events(case)] == ["petition.received", "case.withdrawn"]
    assert _ask(office, STATEMENTS, note).status_code == 202
    office.tick()
    assert len(office.events(case)) == 2


def test_too_many_challenges_wait_for_tomorrow(office: DoorOffice, case: Manifest) -> None:
    """The answer says when to come back; two days later there is room again."""

    def post() -> requests.Response:
        note = make_challenge(office.pinned(), words_of("first"))
        return _ask(office, CHALLENGES, note.to_bytes())

    answers = [post() for _ in range(17)]
    assert [answer.status_code for answer in answers[:16]] == [202] * 16
    assert (answers[16].status_code, _slug(answers[16])) == (429, "tomorrow")
    assert int(answers[16].headers["Retry-After"]) == 86_400
    office.now += datetime.timedelta(days=2).total_seconds()
    assert post().status_code == 202


def test_a_proxy_may_call_the_door_as_it_likes(office: DoorOffice, case: Manifest) -> None:
    """What counts is the address in the card, not the one that the server hears."""
    prepared = _prepare(office, EVENTS)
    prepared.url = f"{URL}{EVENTS}"
    prepared.headers["Host"] = "internal.example:8080"
    prepared.headers["X-Forwarded-Host"] = "evil.example"
    assert office.open_session().send(prepared).ok


def test_json_holds_exact_texts(office: DoorOffice, case: Manifest) -> None:
    """A browser and a shell read the same bytes."""
    served = json.loads(_ask(office, EVENTS).content)
    stored = office.vault.case_events(case.case).events[0]
    assert served["events"][0]["event"].encode() == stored.event
    assert stored.cause is not None
    assert served["events"][0]["cause"].encode() == stored.cause


def test_her_key_learns_which_attachments_have_arrived(office: DoorOffice) -> None:
    """Their numbers, rising; somebody else's key learns of her own case only."""
    petition, acceptance = office.accept_files("first")
    office.accept("another")
    assert _ask(office, ATTACHMENTS).json() == {"arrived": []}
    office.attach(petition, acceptance, 2)
    assert _ask(office, ATTACHMENTS).json() == {"arrived": [2]}
    office.attach(petition, acceptance, 1)
    assert _ask(office, ATTACHMENTS).json() == {"arrived": [1, 2]}
    assert _ask(office, ATTACHMENTS, key="another").json() == {"arrived": []}
    assert _slug(_ask(office, ATTACHMENTS, key="stranger")) == "not-yours"
