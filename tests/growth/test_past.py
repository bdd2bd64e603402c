"""What the generator writes is what the product would have written, and the product goes on."""

import datetime
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import delete, func, select, text

from bench.growth import past
from bench.growth.office import AgedOffice
from bench.growth.past import WAITING, log_size
from bench.growth.petitions import Petitions
from dengwen_audit.cli.events import read_dossier
from dengwen_audit.epoch_feed import EpochFeed
from dengwen_audit.event import Event
from dengwen_audit.http_client import HttpClient
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.monitor import Monitor
from dengwen_audit.note import Note, sign_note
from dengwen_audit.rules import check_rules
from dengwen_audit.statements.answer import RELEASE, Answer
from dengwen_audit.statements.manifest import PETITION, Manifest
from dengwen_audit.statements.statement import Statement
from dengwen_audit.trust import Trust, open_office, read_cards
from dengwen_keys.age.identities import decrypt
from dengwen_keys.age.recipients import Recipient, encrypt
from dengwen_keys.opening import open_left, open_petition, rebuild
from dengwen_keys.sealing import seal
from dengwen_keys.words import Words
from dengwen_vault.admission import Arrival
from dengwen_vault.columns import Base, draw_spot
from dengwen_vault.doctor import GOOD, examine
from dengwen_vault.models import Cause, Petition, Reception
from dengwen_vault.parts import find_wrong_parts, read_part
from dengwen_vault.status import estimate_petitions
from tests.small_office import OFFICE, make_card, make_identity, make_key
from tests.vault.office import DRAFT, VaultOffice

CASES = 250
GATEKEEPERS = ("gatekeeper-1", "gatekeeper-2", "gatekeeper-3")
FRESH = "a fresh recipient"

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory, petitions: Petitions) -> Iterator[AgedOffice]:
    """Give an office with a past, on SQLite."""
    folder = tmp_path_factory.mktemp("aged") / "office"
    office = AgedOffice(folder, "sqlite:///vault.sqlite3", petitions, CASES)
    yield office
    office.close()


def _read(office: VaultOffice) -> Rows:
    with office.vault.store.reading() as connection:
        return {
            name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for name, table in Base.metadata.tables.items()
        }


def _shape(rows: list[dict[str, Any]]) -> dict[str, set[object]]:
    """Return of each column what its values are like: type, and size where it is a hash's."""
    return {column: {_kind(row[column]) for row in rows} for column in (rows[0] if rows else {})}


def _kind(value: object) -> object:
    is_hash = isinstance(value, bytes) and len(value) == 32
    return "a hash" if is_hash else type(value)


def _of_case(rows: Rows, case: bytes) -> Rows:
    """Return the rows of the tables that a deposit writes, of one case, without where they lie."""
    received = {row["cause"] for row in rows["event"] if row["case_id"] == case}
    mine = {
        name: [row for row in rows[name] if row["case_id"] == case]
        for name in ("petition", "panel")
    }
    mine["cause"] = [row for row in rows["cause"] if row["hash"] in received]
    without = {"spot", "segment", "slot", "not_before"}
    return {
        name: [{key: row[key] for key in row.keys() - without} for row in found]
        for name, found in mine.items()
    }


def _live(office: VaultOffice, petitions: Petitions) -> list[Manifest]:
    """Let two cases go their way through the product alone, one of them to its answer."""
    manifests = []
    for number in range(2):
        petition = petitions.sealed(number, office.vault.roster.hash)
        office.vault.accept_all([Arrival(petition.to_bytes(), at_once=True)])
        manifests.append(petition.manifest)
    office.tick()
    manifest = manifests[0]
    reviewer = manifest.panel[0]
    note = office.request_note(manifest)
    office.vault.post_request(office.vault.roster.member(reviewer), note)
    office.tick()
    for holder in GATEKEEPERS[:2]:
        _release(office, holder, manifest, note, b"x" * 3000)
    statement = Statement(OFFICE, manifest.case, "case.answered").to_bytes()
    member = office.vault.roster.member(reviewer)
    office.vault.post_statement(member, sign_note(statement, make_key(reviewer)))
    office.tick()
    return manifests


def _release(
    office: VaultOffice, holder: str, manifest: Manifest, request: Note, sealed: bytes
) -> None:
    member = office.vault.roster.member(holder)
    answer = Answer(
        kind=RELEASE,
        office=OFFICE,
        case=manifest.case,
        compartment=PETITION,
        request=request.hash,
        holder=holder,
        seat=member.seat,
        sealed=hashlib.sha256(sealed).digest(),
    )
    office.vault.answer(member, sign_note(answer.to_bytes(), make_key(holder)), sealed)


def test_bulk_rows_are_of_the_shape_of_the_products(
    aged: AgedOffice, small_office: VaultOffice, petitions: Petitions
) -> None:
    """Every table that a past fills has the same columns with the same kinds of values."""
    _live(small_office, petitions)
    ours, its = _read(aged), _read(small_office)
    lived = {name for name, rows in its.items() if rows}
    assert lived <= {name for name, rows in ours.items() if rows}
    assert {name: _shape(ours[name]) for name in lived} == {
        name: _shape(its[name]) for name in lived
    }


def test_the_rows_of_a_case_are_those_that_the_product_writes(
    aged: AgedOffice, small_office: VaultOffice, petitions: Petitions
) -> None:
    """The same petition on the same day gives the same bytes in every row of the deposit."""
    _, received = _live(small_office, petitions)
    ours, its = (_of_case(_read(office), received.case) for office in (aged, small_office))
    assert ours == its
    assert {name: len(rows) for name, rows in its.items()} == {
        "petition": 1,
        "panel": 3,
        "cause": 0,
    }


def _laid_by_day(office: VaultOffice) -> set[tuple[str, str]]:
    """Return table and kind of event of those rows that all lie at the spots of their day."""
    rows = _read(office)
    events = {(row["cause"], row["actor"]): Event.parse(row["text"]) for row in rows["event"]}
    laid = {("petition", "petition.received", row["spot"], row["day"]) for row in rows["petition"]}
    for row in rows["cause"]:
        event = events[row["hash"], row["actor"]]
        laid.add(("cause", event.type, row["spot"], event.day))
    for row in rows["answer"]:
        event = events[row["note"], row["holder"]]
        laid.add(("answer", event.type, row["spot"], event.day))
    kinds = {(table, type_) for table, type_, _, _ in laid}
    return kinds - {
        (table, type_) for table, type_, spot, day in laid if spot >> 47 != draw_spot(day) >> 47
    }


def test_rows_lie_where_the_product_lays_them(
    aged: AgedOffice, small_office: VaultOffice, petitions: Petitions
) -> None:
    """Beside those of their day, or by chance: else a past would be read otherwise."""
    _live(small_office, petitions)
    assert _laid_by_day(aged) == _laid_by_day(small_office)
    assert ("cause", "share.released") in _laid_by_day(aged)


@pytest.mark.parametrize("number", [0, 7, CASES - 1])
def test_the_sealed_parts_of_a_past_are_those_that_were_sent(
    aged: AgedOffice, petitions: Petitions, number: int
) -> None:
    """Each lies in a slot of its own, and comes out as the manifest names it."""
    manifest = petitions.manifest(number, aged.roster.hash)
    with aged.vault.store.reading() as connection:
        places = connection.execute(select(Petition.segment, Petition.slot)).all()
        sent = petitions.original(number).parts
        for name, data in sent.items():
            assert read_part(connection, aged.vault.segments, manifest, name) == data
    assert len(set(places)) == len(places) >= CASES
    assert all(segment is not None for segment, _ in places)


def test_each_generation_has_its_own_parts(
    tmp_path: Path, petitions: Petitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long past is written piece by piece, of which the next begins with nothing."""
    monkeypatch.setattr(past, "GENERATION", 15)
    office = AgedOffice(tmp_path / "office", "sqlite:///vault.sqlite3", petitions, 40)
    with office.vault.store.reading() as connection:
        assert list(find_wrong_parts(connection, office.vault.segments)) == []
    office.close()


def test_a_past_is_whole(aged: AgedOffice) -> None:
    """Every key leads somewhere, the file is sound, the doctor finds nothing."""
    with aged.vault.store.reading() as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert estimate_petitions(connection) >= CASES
        mode = connection.execute(text("PRAGMA journal_mode")).scalar_one()
    assert mode == "wal"
    assert aged.epoch_store.size() >= log_size(CASES)
    aged.tick()
    assert {finding.state for finding in examine(aged.vault, aged.now)} == {GOOD}


def _breaches(office: AgedOffice) -> tuple[int, list[str]]:
    """Judge everything as an auditor with a grant does: return the events and what is wrong."""
    public = office.vault.public_folder
    with requests.Session() as session:
        files = open_office(str(public), session)
        cards = read_cards(Note.parse((public / "card").read_bytes()), files.files)
        trust = Trust(cards[-1].policy, cards)
        breaches = [
            str(breach) for breach in Monitor(files, trust, None, office.now).visit().breaches
        ]
        auth = MemberAuth("auditor-1", make_key("auditor-1"), office.clock)
        feed = EpochFeed(HttpClient(office.session, auth), make_card().desk, causes=True)
        dossier, _ = read_dossier(files, trust, feed, 0)
    today = datetime.datetime.fromtimestamp(office.now, datetime.UTC).date()
    return len(dossier.events), breaches + [str(b) for b in check_rules(dossier, today)]


def test_an_auditor_finds_no_rule_broken_in_a_past(aged: AgedOffice) -> None:
    """Log, chains, signatures, requests, releases: all of it holds."""
    aged.tick()
    events, breaches = _breaches(aged)
    assert events > CASES + 5 * (CASES // 10 - WAITING)
    assert breaches == []


def test_an_auditor_looks_at_what_the_generator_wrote(tmp_path: Path, petitions: Petitions) -> None:
    """One cause that is missing is one breach."""
    office = AgedOffice(tmp_path / "office", "sqlite:///vault.sqlite3", petitions, 40)
    office.tick()
    with office.vault.store.writing() as connection:
        first = select(func.min(Cause.hash)).where(Cause.actor.like("reviewer-%"))
        connection.execute(delete(Cause).where(Cause.hash == first.scalar_subquery()))
    (breach,) = _breaches(office)[1]
    assert breach.endswith("its cause is not served")
    office.close()


def test_a_petition_of_the_past_is_known(aged: AgedOffice) -> None:
    """Who sends it again gets its acceptance, and nothing new waits."""
    before = aged.rows()
    arrival = Arrival(aged.petitions.sealed(7, aged.roster.hash).to_bytes())
    (answer,) = aged.vault.accept_all([arrival])
    assert isinstance(answer, Note)
    assert aged.rows() == before


def test_an_aged_office_takes_a_petition_and_opens_it(aged: AgedOffice) -> None:
    """Really sealed, logged, asked for, released by two holders, and read."""
    sealed = seal(DRAFT, Words.generate(), aged.roster)
    manifest = sealed.manifest
    aged.vault.accept(sealed.to_bytes(), at_once=True)
    aged.tick()
    reviewer = manifest.panel[0]
    note = aged.request_note(manifest, roster=aged.roster.hash, nonce=secrets.token_bytes(32))
    aged.vault.post_request(aged.roster.member(reviewer), note)
    aged.tick()
    shares = {}
    for holder in GATEKEEPERS[:2]:
        member = aged.roster.member(holder)
        item = aged.vault.work_item(member, note.hash)
        share = decrypt([make_identity(holder)], item.share)
        recipient = make_identity(FRESH).recipient.to_text()
        _release(aged, holder, manifest, note, encrypt([Recipient.parse(recipient)], share))
        shares[member.seat] = share
    member = aged.roster.member(reviewer)
    answers = aged.vault.request_state(member, note.hash).answers
    opened = [decrypt([make_identity(FRESH)], answer) for _, answer in answers]
    assert sorted(opened) == sorted(shares.values())
    left_file = aged.vault.part(member, manifest.case, "left")
    left = open_left(sealed.note, left_file, make_identity(reviewer), reviewer)
    key = rebuild(manifest, left, PETITION, shares)
    part = aged.vault.part(member, manifest.case, f"compartment/{PETITION}")
    assert open_petition(manifest, part, key).petition.body == DRAFT.body


def test_a_past_can_be_laid_down_on_both_databases(
    tmp_path: Path, database_url: str, petitions: Petitions
) -> None:
    """The same tables fill on PostgreSQL, and its sequencer goes on too."""
    office = AgedOffice(tmp_path / "aged", database_url, petitions, 40)
    rows = office.rows()
    assert (rows["petition"], rows["panel"], rows["request"]) == (40, 120, 4)
    office.tick()
    assert {finding.state for finding in examine(office.vault, office.now)} == {GOOD}
    with office.vault.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(Reception)).scalar() == 0
    office.close()
