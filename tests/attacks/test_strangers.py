"""
Strangers ask what only somebody else may know: whatever is there, the answer is the same.

A stranger may have seen a sealed petition on its way, so she knows case id and public key; she may
have caught a signed request. She has no words and no member's key; a member has her own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.statements.answer import RELEASE, Answer
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.head import Head
from dengwen_audit.statements.statement import Statement
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.words import Words
from dengwen_submit.heads import make_challenge
from dengwen_submit.withdrawal import sign_withdrawal
from tests.small_office import make_key
from tests.town import Town
from tests.town_people import DESK, DOOR, OFFICE, address_of

Plain = tuple[int, bytes, dict[str, str]]
Question = tuple[str, str, bytes]  # method, path, body


@dataclass(frozen=True)
class Place:
    """A town with a case that was received and asked for, and one that never was."""

    town: Town
    words: Words
    sealed: SealedPetition
    unknown_words: Words
    unknown: SealedPetition
    asked: bytes
    outsider: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give one town to all strangers: they change nothing in it."""
    with Town(tmp_path_factory.mktemp("town")) as town:
        words, sealed = town.received()
        asked = town.ask(sealed.manifest.panel[0], sealed.manifest.case)
        unknown_words, unknown = town.seal()
        panels = {*sealed.manifest.panel, *unknown.manifest.panel}
        outsider = min({f"reviewer-{number}" for number in range(1, 10)} - panels)
        yield Place(town, words, sealed, unknown_words, unknown, asked.hash, outsider)


def plain(answer: requests.Response) -> Plain:
    """Return all that a stranger sees of an answer."""
    headers = {name: value for name, value in answer.headers.items() if name != "Date"}
    return answer.status_code, answer.content, headers


CASE_ROUTES = [
    ("GET", "/v1/case/events"),
    ("POST", "/v1/case/challenges"),
    ("GET", f"/v1/case/heads/{'5' * 64}"),
    ("POST", "/v1/case/statements"),
    ("POST", "/v1/case/statements?at-once=1"),
]


def ask_door(place: Place, method: str, path: str, key_id: str, key: SigningKey) -> Plain:
    """Ask the door under a key id, signing with whatever key there is."""
    note = sign_withdrawal(OFFICE, place.unknown_words).to_bytes()
    if "challenges" in path:
        note = make_challenge(place.town.pinned(), place.unknown_words).to_bytes()
    auth = MemberAuth(key_id, key, place.town.clock)
    body = note if method == "POST" else None
    return plain(place.town.session.request(method, DOOR + path, data=body, auth=auth))


def public_hex(words: Words) -> str:
    """Return the key id of a case key."""
    return words.signing_key().verification_key.public_key.hex()


@pytest.mark.parametrize(("method", "path"), CASE_ROUTES)
def test_a_case_answers_nobody_without_its_key(place: Place, method: str, path: str) -> None:
    """Under the public key of a case that is here, and of none, a wrong signature is only that."""
    wrong = make_key("stranger")
    known = ask_door(place, method, path, public_hex(place.words), wrong)
    unknown = ask_door(place, method, path, public_hex(place.unknown_words), wrong)
    own = ask_door(place, method, path, wrong.verification_key.public_key.hex(), wrong)

    assert known == unknown
    assert known[0] == 401
    assert own[0] == 404
    assert b"not-yours" in own[1]
    assert own == ask_door(
        place, method, path, public_hex(place.unknown_words), place.unknown_words.signing_key()
    )


def test_a_case_answers_its_key(place: Place) -> None:
    """The same question with the words is answered, so that the test above could fail."""
    assert place.town.follow_up(place.words).entries


def unsigned_routes() -> list[tuple[str, str]]:
    """Return every route of a petitioner, and some that never were."""
    return [*CASE_ROUTES, ("GET", "/v1/case/heads/x"), ("POST", "/v1/case/events")]


@pytest.mark.parametrize(("method", "path"), unsigned_routes())
def test_without_a_signature_nothing_is_told(place: Place, method: str, path: str) -> None:
    """No signature, no answer about any case, in two asking times the same."""
    first, second = (
        plain(place.town.session.request(method, DOOR + path, data=b"x")) for _ in range(2)
    )
    assert first == second
    assert first[0] in {401, 405}


def member_routes(place: Place, sealed: SealedPetition, request: bytes) -> list[Question]:
    """Return every question of a member that names a case or a request."""
    case, town, outsider = sealed.manifest.case, place.town, place.outsider
    statement = sign_note(Statement(OFFICE, case, "case.recused").to_bytes(), make_key(outsider))
    asked = town.request(outsider, sealed).note
    return [
        ("GET", f"/v1/cases/{case.hex()}/manifest", b""),
        ("GET", f"/v1/cases/{case.hex()}/parts/left", b""),
        ("GET", f"/v1/cases/{case.hex()}/parts/share/petition/1", b""),
        ("GET", f"/v1/cases/{case.hex()}/parts/attachment/1", b""),
        ("GET", f"/v1/cases/{case.hex()}/parts/nothing", b""),
        ("GET", f"/v1/cases/{case.hex()}/events", b""),
        ("GET", f"/v1/requests/{request.hex()}", b""),
        ("GET", f"/v1/work/{request.hex()}", b""),
        ("POST", "/v1/requests", asked.to_bytes()),
        ("POST", "/v1/statements", statement.to_bytes()),
    ]


def both_routes(place: Place) -> tuple[list[Question], list[Question]]:
    """Return the questions about the case that is here, and about the one that is not."""
    here = member_routes(place, place.sealed, place.asked)
    return here, member_routes(place, place.unknown, secrets.token_bytes(32))


def ask_desk(place: Place, member: str, method: str, path: str, body: bytes) -> Plain:
    """Ask the desk as a member."""
    auth = MemberAuth(member, make_key(member), place.town.clock)
    url = DESK + path
    return plain(place.town.session.request(method, url, data=body or None, auth=auth))


@pytest.mark.parametrize("number", range(10))
def test_a_reviewer_off_the_panel_cannot_tell_whether_a_case_is_here(
    place: Place, number: int
) -> None:
    """A local official who is a reviewer elsewhere asks about a seized petition: in vain."""
    known = ask_desk(
        place, place.outsider, *member_routes(place, place.sealed, place.asked)[number]
    )
    unknown = ask_desk(
        place, place.outsider, *member_routes(place, place.unknown, bytes(31) + b"\1")[number]
    )
    assert known == unknown
    assert known[0] == 404
    assert b"not-yours" in known[1]


@pytest.mark.parametrize("member", ["trustee-1", "auditor-1", "mirror-1", "gk-1"])
@pytest.mark.parametrize("number", range(6))
def test_other_members_cannot_tell_either(place: Place, member: str, number: int) -> None:
    """Holders, mirrors and auditors get nothing of a case by its id."""
    here, nowhere = both_routes(place)
    known = ask_desk(place, member, *here[number])
    unknown = ask_desk(place, member, *nowhere[number])
    assert known == unknown
    assert known[0] == 404


def test_a_member_of_the_panel_can(place: Place) -> None:
    """The same questions by a member of the panel are answered."""
    member = place.sealed.manifest.panel[0]
    routes = member_routes(place, place.sealed, place.asked)
    answered = [ask_desk(place, member, *route)[0] for route in routes]
    assert [answered[number] for number in (0, 1, 5, 6)] == [200] * 4
    assert [answered[number] for number in (2, 3, 4)] == [404] * 3  # never a share


def holders_posts(place: Place, sealed: SealedPetition, request: bytes) -> list[tuple[str, bytes]]:
    """Return what a holder may post about a case or request that is none of its."""
    manifest = sealed.manifest
    answer = Answer(
        RELEASE, OFFICE, manifest.case, "petition", request, "gk-1", 1, bytes(31) + b"\1"
    )
    head = Head(OFFICE, manifest.case, secrets.token_bytes(32), "gk-1", 0, bytes(32))
    key = make_key("gk-1")
    note = sign_note(answer.to_bytes(), key).to_bytes().decode()
    body = f'{{"note": {note!r}, "sealed": ""}}'.replace("'", '"')
    return [
        ("/v1/answers", body.encode()),
        ("/v1/heads", sign_note(head.to_bytes(), key).to_bytes()),
    ]


@pytest.mark.parametrize("number", range(2))
def test_a_holder_cannot_tell_by_posting(place: Place, number: int) -> None:
    """An answer to no request, or a head for no challenge, is refused alike for any case."""
    unknown_request = secrets.token_bytes(32)
    known, unknown = (
        ask_desk(place, "gk-1", "POST", *holders_posts(place, sealed, unknown_request)[number])
        for sealed in (place.sealed, place.unknown)
    )
    assert known == unknown
    assert known[0] == 404


def test_holders_answer_strangers_alike(place: Place) -> None:
    """At a gatekeeper's and the mirror's own address a challenge takes the case key."""
    office = place.town.pinned()
    for name in ("gk-1", "mirror-1"):
        answers = []
        for words in (place.words, place.unknown_words):
            challenge = Challenge.parse(make_challenge(office, words).text)
            forged = sign_note(challenge.to_bytes(), make_key("stranger")).to_bytes()
            answers.append(plain(place.town.session.post(f"{address_of(name)}/head", data=forged)))
        assert answers[0] == answers[1]
        assert answers[0][0] == 403


def test_a_seized_petition_sent_again_is_answered_like_a_new_one(place: Place) -> None:
    """Who finds a sealed file cannot ask the door whether it was sent: both are accepted today."""
    town = place.town
    _, new = town.seal()
    url = f"{DOOR}/v1/petitions"
    answers = {
        name: town.session.post(url, data=sealed.to_bytes())
        for name, sealed in (("known", place.sealed), ("new", new), ("new again", new))
    }
    shapes = {
        (answer.status_code, len(answer.content), tuple(sorted(plain(answer)[2].items())))
        for answer in answers.values()
    }
    assert len(shapes) == 1
    days = {Acceptance.parse(Note.parse(a.content).text).day for a in answers.values()}
    assert days == {town.today}
    assert answers["new"].content == answers["new again"].content


def test_a_stolen_request_of_a_petitioner_is_good_once(place: Place) -> None:
    """Whoever caught her signed request on the wire plays it again: it is refused as a replay."""
    place.town.follow_up(place.words)
    caught = [r for r in place.town.office.door.requests if str(r.url).endswith("/case/events")]
    answer = place.town.session.send(caught[-1])
    assert answer.status_code == 401
    assert answer.json()["type"].endswith(":http-signature-replayed")
    place.town.clock.now += 301
    late = place.town.session.send(caught[-1])
    assert late.json()["type"].endswith(":http-signature-time")


def test_a_stolen_request_of_a_member_is_good_once(place: Place) -> None:
    """The same with a reviewer's question, and with its path changed: the signature covers it."""
    member = place.sealed.manifest.panel[0]
    place.town.desk_client(member).cases()
    caught = [r for r in place.town.office.desk.requests if str(r.url).endswith("/v1/desk")][-1]
    assert place.town.session.send(caught).json()["type"].endswith(":http-signature-replayed")
    place.town.desk_client(member).cases()
    bent = place.town.office.desk.requests[-1].copy()
    bent.url = f"{DESK}/v1/cases/{place.sealed.manifest.case.hex()}/events"
    assert place.town.session.send(bent).json()["type"].endswith(":http-signature-wrong")


def test_a_request_made_for_another_office_is_refused(place: Place) -> None:
    """What a member signed for another desk is not valid at this one."""
    member = place.sealed.manifest.panel[0]
    auth = MemberAuth(member, make_key(member), place.town.clock)
    other = requests.Request("GET", "http://other.town/v1/desk", auth=auth).prepare()
    other.url = f"{DESK}/v1/desk"
    assert place.town.session.send(other).json()["type"].endswith(":http-signature-wrong")
