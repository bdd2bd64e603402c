"""A gatekeeper at work at a real desk: what it says it has stored, and what it stored it says."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.event import Event
from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note, NoteHash, sign_note
from dengwen_audit.statements.answer import Answer
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.member import Revocation
from dengwen_audit.statements.statement import Statement
from dengwen_keys.gatekeeper.answers import Question, refuse
from dengwen_keys.gatekeeper.refusals import NonceUsed
from dengwen_keys.gatekeeper.store import StoredAnswer
from dengwen_keys.office_client import OfficeError
from dengwen_keys.released import Asked
from dengwen_vault.cases import logged_event
from tests.keys.gatekeeper_fixture import Petition, seal_petition
from tests.keys.working_office import GATEKEEPERS, WorkingOffice
from tests.patience import PATIENCE, wait_until
from tests.small_office import (
    OFFICE,
    TODAY,
    make_card,
    make_key,
    make_recipient,
    make_roster,
    make_seed,
    replace_member,
    sign_by_roots,
)

FIRST = GATEKEEPERS[0]
DAY = 24 * 3600
ANSWERS = "/v1/answers"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[WorkingOffice]:
    """Give an office with three gatekeepers."""
    office = WorkingOffice(tmp_path)
    yield office
    office.close()


@pytest.fixture
def petition() -> Petition:
    """Give a sealed petition."""
    return seal_petition()


@pytest.fixture
def manifest(office: WorkingOffice, petition: Petition) -> Manifest:
    """Give the manifest of a petition that the office has received."""
    return office.take_in(petition.sealed)


def _codes(office: WorkingOffice, asked: Asked) -> dict[str, str]:
    """Return the reason of each refusal, by holder, as the requester reads it."""
    return {
        holder: reason.code for holder, reason in office.progress(asked).collected.reasons.items()
    }


def _posted(office: WorkingOffice) -> list[bytes]:
    return office.desk.bodies.get(ANSWERS, [])


def test_a_logged_request_is_answered_with_shares(
    office: WorkingOffice, petition: Petition, manifest: Manifest
) -> None:
    """Three gatekeepers release, and the requester holds what the petitioner sealed to them."""
    asked = office.ask_to_open(manifest)
    office.round()
    shares = office.progress(asked).collected.shares
    assert shares == {seat: petition.share(seat) for seat in (1, 2, 3)}


def test_an_answered_request_is_not_answered_again(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """The next rounds have nothing to do."""
    office.ask_to_open(manifest)
    office.round(FIRST)
    office.round(FIRST)
    assert len(_posted(office)) == 1


def test_an_answer_that_was_lost_is_posted_again_byte_for_byte(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """A gatekeeper that dies between storing and posting says the same after it starts again."""
    asked = office.ask_to_open(manifest)
    office.desk.cut = ANSWERS
    office.round(FIRST)
    assert office.progress(asked).collected.shares == {}
    service = office.restart(FIRST)
    office.desk.cut = ""
    service.gatekeeper.round()
    first, second = _posted(office)
    assert first == second
    assert office.progress(asked).collected.shares.keys() == {1}


def test_an_answer_whose_arrival_is_unknown_is_posted_again(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """The desk took the answer, but its word got lost: the second post changes nothing."""
    asked = office.ask_to_open(manifest)
    service = office.gatekeepers[FIRST]
    kept = _release_by_hand(office, service.gatekeeper.desk.work().requests[0])
    office.desk.lose_answers = True
    with pytest.raises(OfficeError):
        service.gatekeeper.desk.answer(kept.note, kept.sealed)
    office.desk.lose_answers = False
    office.round(FIRST)
    assert len({*_posted(office)}) == 1
    assert service.store.unposted() == []
    assert office.progress(asked).collected.shares.keys() == {1}


def _release_by_hand(office: WorkingOffice, request: NoteHash) -> StoredAnswer:
    """Let the first gatekeeper decide and store, but not post."""
    office.desk.cut = ANSWERS
    office.round(FIRST)
    office.desk.cut = ""
    kept = office.gatekeepers[FIRST].store.answer(request)
    assert kept is not None
    return kept


def test_what_cannot_be_stored_is_not_posted(office: WorkingOffice, manifest: Manifest) -> None:
    """With a full disk no share leaves; when there is room again, one does."""
    asked = office.ask_to_open(manifest)
    database = office.gatekeepers[FIRST].store._database._connection
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    office.round(FIRST)
    assert _posted(office) == []
    database.execute("PRAGMA max_page_count = 100000")
    office.round(FIRST)
    assert office.progress(asked).collected.shares.keys() == {1}


def test_a_restored_gatekeeper_lets_the_first_answer_stand(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """A holder that forgot its answer gives another; the desk keeps the first, and work goes on."""
    asked = office.ask_to_open(manifest)
    office.round(FIRST)
    store = office.gatekeepers[FIRST].store
    with store._database.transaction() as database:
        database.execute("UPDATE answers SET posted = 0, note = ?, sealed = ?", _another(asked))
    office.round(FIRST)
    assert store.unposted() == []
    assert office.progress(asked).collected.shares.keys() == {1}


def _another(asked: Asked) -> tuple[bytes, bytes]:
    """Return a refusal of the same request, signed by the same holder."""
    request = asked.request
    question = Question(
        OFFICE, request.case, "petition", asked.hash, request.recipient, FIRST, seat=1
    )
    answer = refuse(question, NonceUsed("used"), make_key(FIRST))
    return answer.note, answer.sealed


def test_a_refusal_tells_its_reason_to_the_requester_alone(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """The signed note is the same whatever the reason; the reason is sealed, and of one length."""
    wrong_root = office.ask_to_open(manifest, after_root=make_seed("fork"))
    office.round()
    assert _codes(office, wrong_root) == dict.fromkeys(GATEKEEPERS, "not-signed-after")
    late = office.ask_to_open(manifest, last_index=office.epoch_store.size())
    office.tick()
    office.round()
    refused = [json.loads(body) for body in _posted(office)]
    answers = [Answer.parse(Note.parse(body["note"].encode()).text) for body in refused]
    assert {answer.kind for answer in answers[:3]} == {"dengwen/refusal/v1"}
    assert b"not-signed-after" not in b"".join(_posted(office))
    assert len({len(body["sealed"]) for body in refused[:3]}) == 1
    assert office.progress(late).is_enough


def test_a_withdrawn_case_is_not_opened(
    office: WorkingOffice, petition: Petition, manifest: Manifest
) -> None:
    """From the event on every gatekeeper refuses."""
    text = Statement(OFFICE, manifest.case, "case.withdrawn").to_bytes()
    note = sign_note(text, petition.words.signing_key())
    office.vault.post_case_statement(manifest.case, note, at_once=True)
    office.tick()
    asked = office.ask_to_open(manifest)
    office.round()
    assert _codes(office, asked) == dict.fromkeys(GATEKEEPERS, "case-withdrawn")


def test_what_follows_the_request_counts_but_is_not_remembered(
    office: WorkingOffice, petition: Petition, manifest: Manifest
) -> None:
    """A withdrawal right behind the request stops it; a head tells only what is proven."""
    reviewer = office.reviewer(manifest.panel[0])
    asked = reviewer.ask(manifest.case)
    reviewer.send(asked)
    text = Statement(OFFICE, manifest.case, "case.withdrawn").to_bytes()
    note = sign_note(text, petition.words.signing_key())
    office.vault.post_case_statement(manifest.case, note, at_once=True)
    office.tick()
    office.round(FIRST)
    assert _codes(office, asked) == {FIRST: "case-withdrawn"}
    newest = office.gatekeepers[FIRST].store.newest_event(manifest.case)
    served = office.vault.case_events(manifest.case).events
    assert newest == (2, Event.parse(served[1].event).hash)


def test_the_cap_says_tomorrow_and_means_it(office: WorkingOffice, manifest: Manifest) -> None:
    """The twenty-first opening of a day is not refused: it is released on the next day."""
    asked = office.ask_to_open(manifest)
    store = office.gatekeepers[FIRST].store
    for number in range(20):
        earlier = replace(asked.request, nonce=make_seed(f"earlier {number}"))
        answer = StoredAnswer(earlier.hash, released=True, note=b"", sealed=b"")
        store.keep_answer(answer, earlier, office.now)
        store.mark_posted(earlier.hash)
    office.round(FIRST)
    assert _posted(office) == []
    office.now += DAY
    office.tick()
    office.round(FIRST)
    assert office.progress(asked).collected.shares.keys() == {1}


def test_a_forked_log_stops_every_release(
    office: WorkingOffice, manifest: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    """A gatekeeper that has seen another log raises an alarm, and answers nobody until it ends."""
    store = office.gatekeepers[FIRST].store
    other = Checkpoint(OFFICE, 1, Hash(make_seed("another log")))
    store.remember(manifest.case, manifest.hash, [], other)
    asked = office.ask_to_open(manifest)
    office.round()
    assert office.progress(asked).collected.shares.keys() == {2, 3}
    assert "request: log-forked" in caplog.text
    assert store.answer(asked.hash) is None


def test_what_a_gatekeeper_logs_names_no_case_and_nobody(
    office: WorkingOffice, manifest: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    """A service's own log may be read by people who must not know who asked for what."""
    caplog.set_level(logging.DEBUG, logger="dengwen_keys")
    asked = office.ask_to_open(manifest, after_root=make_seed("fork"))
    office.door.down = True
    office.round(FIRST)
    office.door.down = False
    office.round(FIRST)
    assert "requests not done: OfficeError" in caplog.text
    assert "refused: not-signed-after" in caplog.text
    for secret in (manifest.case.hex(), asked.hash.hex(), asked.request.requester):
        assert secret not in caplog.text


def test_a_new_roster_is_taken_over_when_the_log_names_it(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """A request made under the old roster is refused then; one under the new roster is answered."""
    following = replace(make_roster(), version=2, previous=make_roster().hash, openings_per_day=5)
    early = office.ask_to_open(manifest)
    office.vault.publish_roster(sign_by_roots(following.to_bytes()))
    office.tick()
    late = office.ask_to_open(manifest)
    office.round()
    assert _codes(office, early) == dict.fromkeys(GATEKEEPERS, "old-roster")
    assert office.progress(late).is_enough


def _change_holder(office: WorkingOffice) -> None:
    """Publish a roster that gives a trustee another recipient; it is in force eight days later."""
    changed = replace_member(make_roster(), "trustee-1", recipient=make_recipient("successor"))
    following = replace(changed, version=2, previous=make_roster().hash)
    office.vault.publish_roster(sign_by_roots(following.to_bytes()))
    office.tick()
    office.now += 8 * DAY
    office.tick()


def test_a_change_of_holders_is_taken_over_after_its_week(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """The receipt of the publication proves that the week is over."""
    office.round()
    first = office.ask_to_open(manifest)
    office.round()
    assert office.progress(first).is_enough
    _change_holder(office)
    second = office.ask_to_open(manifest)
    office.round()
    assert office.progress(second).is_enough


def test_a_change_of_holders_without_proof_of_its_week_stops_every_release(
    office: WorkingOffice, manifest: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    """If the office can prove the publication only by a young receipt, the week is not over."""
    office.ask_to_open(manifest)
    office.round()
    _change_holder(office)
    roster = office.vault.roster
    path = office.vault.public_folder / "rosters" / f"{roster.hash.hex()}.tlog-proof"
    path.write_bytes(_young_receipt(office))
    second = office.ask_to_open(manifest)
    office.round()
    assert "requests: roster-too-early" in caplog.text
    assert office.progress(second).collected.shares == {}


def _young_receipt(office: WorkingOffice) -> bytes:
    """Return the receipt of the roster's publication under the newest checkpoint."""
    with office.vault.store.reading() as connection:
        logged = logged_event(connection, office.vault.roster.hash, "roots")
    view = office.vault._log.view()
    assert logged is not None
    assert view is not None
    receipt = view.receipt(logged)
    assert receipt is not None
    return receipt


def test_a_roster_handed_over_by_the_root_keepers_keeps_the_revoked_out(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """An operator who keeps back a revocation does not keep it from this gatekeeper."""
    roster = make_roster()
    line = Revocation(manifest.panel[0], TODAY)
    following = replace(roster, version=2, previous=roster.hash, revoked=(*roster.revoked, line))
    office.gatekeepers[FIRST].close()
    handed = sign_by_roots(following.to_bytes())
    office.gatekeepers[FIRST] = office.start(FIRST, handed)
    asked = office.ask_to_open(manifest)
    office.round()
    assert _codes(office, asked) == {FIRST: "revoked"}
    assert office.progress(asked).collected.shares.keys() == {2, 3}


def test_the_daemon_runs_until_it_is_told_to_stop(
    office: WorkingOffice, manifest: Manifest
) -> None:
    """An office that is down for a while is waited for."""
    asked = office.ask_to_open(manifest)
    stop = threading.Event()
    gatekeeper = office.gatekeepers[FIRST].gatekeeper
    assert gatekeeper.interval == 5.0
    quick = replace(gatekeeper, card=replace(make_card(), tick=1))
    assert quick.interval == 0.25
    office.desk.down = True
    thread = threading.Thread(target=quick.run, args=(stop,))
    thread.start()
    office.desk.down = False
    wait_until(lambda: not quick.store.unposted() and quick.store.answer(asked.hash), "no answer")
    stop.set()
    thread.join(PATIENCE)
    assert office.progress(asked).collected.shares.keys() == {1}
