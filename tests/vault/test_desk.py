"""A case at the desk: from the petition to the shares, and what nobody else may see of it."""

import base64
import dataclasses
import hashlib
import json
from typing import Any

import pytest
import requests

from dengwen_audit.event import Event, check_chain
from dengwen_audit.note import Note, NoteHash, sign_note
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.answer import REFUSAL, RELEASE, Answer
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.request import check_request
from dengwen_audit.statements.statement import Statement
from dengwen_audit.text import ZERO_HASH
from tests.small_office import OFFICE, make_card, make_key, make_roster, make_seed
from tests.vault.office import DAY, VaultOffice, seal_petition

SEALED = b"what only the requester can open"


def _other_reviewer(manifest: Manifest) -> str:
    """Return an active reviewer who is not on the panel."""
    active = {member.id for member in make_roster().active("reviewer")}
    return min(active - set(manifest.panel))


def _answer_body(
    request: NoteHash, manifest: Manifest, by: str = "gatekeeper-1", /, **changes: object
) -> bytes:
    seat = make_roster().member(by).seat
    answer = Answer(
        RELEASE,
        OFFICE,
        manifest.case,
        "petition",
        request,
        by,
        seat,
        hashlib.sha256(SEALED).digest(),
    )
    answer = dataclasses.replace(answer, **changes)  # type: ignore[arg-type]
    note = sign_note(answer.to_bytes(), make_key(by))
    return _body(note, SEALED)


def _body(note: Note, sealed: bytes) -> bytes:
    shape = {"note": note.to_bytes().decode(), "sealed": base64.b64encode(sealed).decode()}
    return json.dumps(shape).encode()


def _logged_request(office: VaultOffice, manifest: Manifest) -> NoteHash:
    """Post a good request and let it enter the public log."""
    note = office.request_note(manifest)
    answer = office.ask(manifest.panel[0], "/v1/requests", note.to_bytes())
    assert (answer.status_code, answer.json()) == (202, {"request": note.hash.hex()})
    office.tick()
    return note.hash


def _slug(answer: requests.Response) -> str:
    slug: str = answer.json()["type"].rpartition(":")[2]
    return slug


def test_a_case_is_on_the_desks_of_its_panel_and_on_no_other(small_office: VaultOffice) -> None:
    """The draw decides, and nobody else."""
    manifest = small_office.accept()
    line = {
        "case": manifest.case.hex(),
        "manifest-hash": manifest.hash.hex(),
        "day": "2025-01-10",
    }
    for reviewer in manifest.panel:
        assert small_office.ask(reviewer, "/v1/desk").json() == {"cases": [line]}
        after = small_office.ask(reviewer, f"/v1/desk?after={manifest.case.hex()}")
        assert after.json() == {"cases": []}
    for other in (_other_reviewer(manifest), "gatekeeper-1", "mirror-1"):
        assert small_office.ask(other, "/v1/desk").json() == {"cases": []}


def test_a_case_is_at_the_desk_once_it_is_in_the_log(small_office: VaultOffice) -> None:
    """Reviewers do not learn the hour at which a petition came in."""
    petition = seal_petition()
    small_office.vault.accept(petition.to_bytes(), at_once=True)
    reviewer = petition.manifest.panel[0]
    path = f"/v1/cases/{petition.manifest.case.hex()}/manifest"
    assert small_office.ask(reviewer, "/v1/desk").json() == {"cases": []}
    assert _slug(small_office.ask(reviewer, path)) == "not-yours"
    small_office.tick()
    assert small_office.ask(reviewer, path).content == petition.note.to_bytes()


def test_the_panel_gets_every_part_but_the_shares(open_office: VaultOffice) -> None:
    """The operator hands out what it cannot read, and no lock's other half."""
    manifest = open_office.accept()
    reviewer, case = manifest.panel[1], manifest.case.hex()
    for part in manifest.parts:
        answer = open_office.ask(reviewer, f"/v1/cases/{case}/parts/{part.name}")
        if part.name.startswith("share/"):
            assert _slug(answer) == "not-yours"
        else:
            assert hashlib.sha256(answer.content).digest() == part.sha256


PATHS = ("manifest", "events", "parts/left", "parts/compartment/petition", "parts/attachment/1")


@pytest.mark.parametrize("path", PATHS)
def test_a_reviewer_off_the_panel_gets_the_answer_of_a_case_that_is_not_there(
    small_office: VaultOffice, path: str
) -> None:
    """Status, body and headers are the same, so that nobody learns which case exists."""
    manifest = small_office.accept()
    stranger, nowhere = _other_reviewer(manifest), make_seed("no case").hex()
    there = small_office.ask(stranger, f"/v1/cases/{manifest.case.hex()}/{path}")
    not_there = small_office.ask(stranger, f"/v1/cases/{nowhere}/{path}")
    assert there.status_code == 404
    assert there.content == not_there.content
    assert dict(there.headers) == dict(not_there.headers)


def test_events_come_with_their_causes_and_their_receipts(open_office: VaultOffice) -> None:
    """What the petitioner and her panel see can be checked against the card alone."""
    manifest = open_office.accept()
    request = _logged_request(open_office, manifest)
    path = f"/v1/cases/{manifest.case.hex()}/events"
    file = open_office.ask(manifest.panel[2], path).json()
    events = [Event.parse(line["event"].encode()) for line in file["events"]]
    assert [event.type for event in events] == ["petition.received", "open.requested"]
    check_chain(events, manifest.hash)
    for line, event in zip(file["events"], events, strict=True):
        assert Note.parse(line["cause"].encode()).hash == event.cause
        receipt = check_receipt(line["receipt"].encode(), make_card().policy)
        assert receipt.event == event
    assert events[1].cause == request


def test_a_record_that_is_not_public_has_no_receipt(small_office: VaultOffice) -> None:
    """A committed record may still be all that exists of it: nobody is given a proof yet."""
    petition = seal_petition()
    small_office.vault.accept(petition.to_bytes(), at_once=True)
    small_office.epoch_store.commit_tick(small_office.epoch_store.size(), small_office.now)
    (event,) = small_office.vault.case_events(petition.manifest.case).events
    assert event.receipt is None


def test_a_request_reaches_its_seats_once_it_is_in_the_public_log(
    small_office: VaultOffice,
) -> None:
    """Log before release begins here; every seat of the right kind hears of it, and no other."""
    manifest = small_office.accept()
    note = small_office.request_note(manifest)
    small_office.ask(manifest.panel[0], "/v1/requests", note.to_bytes())
    assert small_office.ask("gatekeeper-1", "/v1/work").json()["requests"] == []
    assert _slug(small_office.ask("gatekeeper-1", f"/v1/work/{note.hash.hex()}")) == "not-yours"
    small_office.tick()
    for seat in (1, 2, 3):
        item = _work_item(small_office, f"gatekeeper-{seat}", note.hash)
        share = manifest.part(f"share/petition/{seat}")
        assert hashlib.sha256(base64.b64decode(item["share"])).digest() == share.sha256
        assert item["request"].encode() == note.to_bytes()
        receipt = check_receipt(item["receipt"].encode(), make_card().policy)
        assert receipt.event.cause == note.hash
        assert len(item["events"]) == 2
    for other in ("trustee-1", "mirror-1", manifest.panel[0]):
        assert small_office.ask(other, "/v1/work").json()["requests"] == []
        assert _slug(small_office.ask(other, f"/v1/work/{note.hash.hex()}")) == "not-yours"


def _work_item(office: VaultOffice, holder: str, request: NoteHash) -> dict[str, str]:
    waiting = office.ask(holder, "/v1/work").json()["requests"]
    assert waiting == [request.hex()]
    item: dict[str, str] = office.ask(holder, f"/v1/work/{request.hex()}").json()
    return item


def test_a_request_that_a_seat_leaves_lying_is_taken_away_in_the_end(
    small_office: VaultOffice,
) -> None:
    """A dead seat's list does not grow for ever."""
    manifest = small_office.accept()
    _logged_request(small_office, manifest)
    small_office.now += 31 * DAY
    assert small_office.ask("gatekeeper-1", "/v1/work").json()["requests"] == []
    note = small_office.request_note(manifest, nonce=make_seed("another nonce"))
    small_office.ask(manifest.panel[0], "/v1/requests", note.to_bytes())
    assert small_office.rows()["work"] == 3


def test_an_answer_reaches_the_requester_and_the_log(open_office: VaultOffice) -> None:
    """What a holder released or refused is an event, and its work is done."""
    manifest = open_office.accept()
    request = _logged_request(open_office, manifest)
    first = _answer_body(request, manifest)
    second = _answer_body(request, manifest, "gatekeeper-2", kind=REFUSAL)
    for holder, body in (
        ("gatekeeper-1", first),
        ("gatekeeper-2", second),
        ("gatekeeper-1", first),
    ):
        assert open_office.ask(holder, "/v1/answers", body).status_code == 202
    assert open_office.ask("gatekeeper-1", "/v1/work").json()["requests"] == []
    open_office.tick()
    state = open_office.ask(manifest.panel[0], f"/v1/requests/{request.hex()}").json()
    assert {answer["note"] for answer in state["answers"]} == {
        json.loads(body)["note"] for body in (first, second)
    }
    assert base64.b64decode(state["answers"][0]["sealed"]) == SEALED
    check_receipt(state["receipt"].encode(), make_card().policy)
    file = open_office.vault.case_events(manifest.case)
    types = [Event.parse(line.event).type for line in file.events]
    assert sorted(types[2:]) == ["share.refused", "share.released"]


def test_only_the_requester_sees_the_answers(small_office: VaultOffice) -> None:
    """Another member of the same panel asks for herself."""
    manifest = small_office.accept()
    request = _logged_request(small_office, manifest)
    for other in (manifest.panel[1], "gatekeeper-1"):
        assert _slug(small_office.ask(other, f"/v1/requests/{request.hex()}")) == "not-yours"


def test_a_seat_answers_a_request_once(open_office: VaultOffice) -> None:
    """A holder that released cannot take it back, nor the operator invent a refusal later."""
    manifest = open_office.accept()
    request = _logged_request(open_office, manifest)
    open_office.ask("gatekeeper-1", "/v1/answers", _answer_body(request, manifest))
    before = open_office.rows()
    other = _answer_body(request, manifest, kind=REFUSAL)
    assert _slug(open_office.ask("gatekeeper-1", "/v1/answers", other)) == "second-answer"
    assert open_office.rows() == before


BAD_ANSWERS: dict[str, dict[str, Any]] = {
    "for a request that is not there": {"request": make_seed("no request")},
    "for another case": {"case": make_seed("no case")},
    "for another compartment": {"compartment": "identity"},
    "of another seat": {"seat": 2},
    "by another holder": {"holder": "gatekeeper-2", "seat": 2},
    "for another office": {"office": "elsewhere.example/log"},
    "with other sealed bytes": {"sealed": make_seed("other bytes")},
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_an_answer_that_does_not_fit_changes_nothing(small_office: VaultOffice, case: str) -> None:
    """The desk takes what the holder signed for this request, and nothing else."""
    manifest = small_office.accept()
    request = _logged_request(small_office, manifest)
    before = small_office.rows()
    body = _answer_body(request, manifest, **BAD_ANSWERS[case])
    answer = small_office.ask("gatekeeper-1", "/v1/answers", body)
    assert answer.status_code in {403, 404}
    assert small_office.rows() == before


BAD_REQUESTS: dict[str, dict[str, Any]] = {
    "another office": {"office": "elsewhere.example/log"},
    "another manifest": {"manifest": make_seed("another manifest")},
    "another roster": {"roster": make_seed("another roster")},
    "a compartment that nobody guards": {"compartment": "message/1"},
    "an identity for review": {"compartment": "identity"},
    "a petition for a court": {"purpose": "court-order"},
    "a disclosure by one alone": {"compartment": "identity", "purpose": "court-order"},
    "a checkpoint of the future": {"after_size": 99, "last_index": 100},
    "a record that is past": {"after_size": 0, "last_index": 1},
    "too long a life": {"last_index": 200},
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_a_request_that_no_holder_could_grant_stays_out_of_the_log(
    small_office: VaultOffice, case: str
) -> None:
    """The reviewer is told at once, and nothing is kept of it."""
    manifest = small_office.accept()
    before = small_office.rows()
    note = small_office.request_note(manifest, **BAD_REQUESTS[case])
    answer = small_office.ask(manifest.panel[0], "/v1/requests", note.to_bytes())
    assert (answer.status_code, _slug(answer)) == (403, "rule")
    assert small_office.rows() == before


def test_a_request_for_a_case_off_the_panel_is_answered_as_for_no_case(
    small_office: VaultOffice,
) -> None:
    """Neither existence nor manifest can be tested by asking to open."""
    manifest = small_office.accept()
    stranger = _other_reviewer(manifest)
    answers = []
    for case in (manifest.case, make_seed("no case")):
        note = small_office.request_note(manifest, requester=stranger, case=case)
        answers.append(small_office.ask(stranger, "/v1/requests", note.to_bytes()))
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def test_nobody_posts_a_request_in_anothers_name(small_office: VaultOffice) -> None:
    """Not even another member of the panel, though the request is rightly signed."""
    manifest = small_office.accept()
    note = small_office.request_note(manifest)
    answer = small_office.ask(manifest.panel[1], "/v1/requests", note.to_bytes())
    assert _slug(answer) == "not-yours"


def test_a_disclosure_takes_two_of_the_panel(small_office: VaultOffice) -> None:
    """Then the trustees hear of it, and the gatekeepers do not."""
    manifest = small_office.accept()
    note = small_office.request_note(
        manifest, compartment="identity", purpose="court-order", reason=make_seed("reason")
    )
    both = note.signed_by(make_key(manifest.panel[1]).sign(note.text))
    check_request(both, make_roster())
    answer = small_office.ask(manifest.panel[0], "/v1/requests", both.to_bytes())
    assert answer.status_code == 202
    small_office.tick()
    assert small_office.ask("trustee-5", "/v1/work").json()["requests"] == [note.hash.hex()]
    assert small_office.ask("gatekeeper-1", "/v1/work").json()["requests"] == []


def test_the_same_request_again_changes_nothing(open_office: VaultOffice) -> None:
    """A retry is one request, before the tick and after it."""
    manifest = open_office.accept()
    note = open_office.request_note(manifest)
    for _ in range(2):
        first = open_office.ask(manifest.panel[0], "/v1/requests", note.to_bytes())
        before = open_office.rows()
        again = open_office.ask(manifest.panel[0], "/v1/requests", note.to_bytes())
        assert first.json() == again.json()
        assert open_office.rows() == before
        open_office.tick()


def test_two_reviewers_who_say_the_same_are_two_events(open_office: VaultOffice) -> None:
    """Both withdraw from a case in the same words; the log says so of each."""
    manifest = open_office.accept()
    text = Statement(OFFICE, manifest.case, "case.recused").to_bytes()
    for reviewer in (*manifest.panel[:2], manifest.panel[0]):
        note = sign_note(text, make_key(reviewer))
        assert open_office.ask(reviewer, "/v1/statements", note.to_bytes()).status_code == 202
    open_office.tick()
    file = open_office.vault.case_events(manifest.case)
    actors = [Event.parse(line.event).actor for line in file.events[1:]]
    assert sorted(actors) == sorted(manifest.panel[:2])
    mirror = make_roster().member("mirror-1")
    (bundle,) = open_office.vault.epochs(mirror, 2, 3, causes=True)
    (cause,) = bundle.causes.values()
    assert len(Note.parse(cause).signatures) == 2


BAD_STATEMENTS = {
    "a type for petitioners": ("case.withdrawn", "reviewer"),
    "a type that no statement causes": ("open.requested", "reviewer"),
    "a type of no list": ("case.burnt", "reviewer"),
    "a type of the office": ("key.destroyed", "gatekeeper-1"),
    "a type for reviewers": ("case.recused", "gatekeeper-1"),
    "what takes two": ("case.closed", "reviewer"),
}


@pytest.mark.parametrize("case", BAD_STATEMENTS)
def test_a_statement_that_is_not_the_members_to_make_is_refused(
    small_office: VaultOffice, case: str
) -> None:
    """Who may cause what stands in one table, and the desk keeps to it."""
    manifest = small_office.accept()
    kind, who = BAD_STATEMENTS[case]
    member = manifest.panel[0] if who == "reviewer" else who
    note = sign_note(Statement(OFFICE, manifest.case, kind).to_bytes(), make_key(member))
    before = small_office.rows()
    answer = small_office.ask(member, "/v1/statements", note.to_bytes())
    assert answer.status_code == 403
    assert small_office.rows() == before


def test_a_holder_says_that_a_key_is_destroyed(small_office: VaultOffice) -> None:
    """Events of the office have no case."""
    note = sign_note(
        Statement(OFFICE, ZERO_HASH, "key.destroyed", make_seed("old key")).to_bytes(),  # type: ignore[arg-type]
        make_key("gatekeeper-1"),
    )
    answer = small_office.ask("gatekeeper-1", "/v1/statements", note.to_bytes())
    assert answer.status_code == 202
    small_office.tick()
    assert small_office.rows()["pending_event"] == 0


def test_a_body_over_the_limit_is_refused(small_office: VaultOffice) -> None:
    """Before anybody asks who sends it."""
    before = small_office.rows()
    answer = small_office.ask("gatekeeper-1", "/v1/requests", b"x" * ((64 << 10) + 1))
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert small_office.rows() == before
