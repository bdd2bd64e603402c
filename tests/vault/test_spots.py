"""The revision that gives long rows a spot: nothing is lost on the way there and back."""

import itertools
from dataclasses import astuple
from typing import Any

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from dengwen_audit.note import Note
from dengwen_vault.columns import Base, draw_spot
from dengwen_vault.database import Store, insert_new
from dengwen_vault.models import Cause, Petition
from dengwen_vault.papers import Papers, papers_of_all
from dengwen_vault.schema import check_schema, migrate, migrate_back
from dengwen_vault.segments import Segments
from tests.vault.office import VaultOffice, seal_petition

BEFORE = "0004"
LONG = ("answer", "cause", "event", "sealed_petition")

PLACES = {"spot", "segment", "slot"}
PAPERS = {"note", "acceptance"}  # of a petition

Rows = dict[str, list[tuple[Any, ...]]]


def _rows(store: Store, segments: Segments | None) -> Rows:
    """
    Return all rows but for where they, and what they name, lie; papers apart.

    The epoch that a petition waited for is forgotten on the way once it is in the log.
    """
    forgotten = PLACES | {"not_before"}
    columns = {
        name: [
            column
            for column in table.columns
            if column.name not in (forgotten | PAPERS if name == "petition" else forgotten)
        ]
        for name, table in Base.metadata.tables.items()
    }
    with store.reading() as connection:
        rows = {
            name: sorted(tuple(row) for row in connection.execute(select(*found)))
            for name, found in columns.items()
        }
        papers = [
            astuple(found)
            for found in papers_of_all(connection, segments)
            if isinstance(found, Papers)
        ]
        return rows | {"papers": sorted(papers)}


def _live(office: VaultOffice) -> None:
    """Let a case be asked for and answered."""
    manifest = office.accept()
    note = office.request_note(manifest)
    office.ask(manifest.panel[0], "/v1/requests", note.to_bytes())
    office.tick()


def test_an_older_office_keeps_everything(open_office: VaultOffice) -> None:
    """Each row is there after the revision, each long one at a spot of its own."""
    _live(open_office)
    store, segments = open_office.vault.store, open_office.vault.segments
    before = _rows(store, segments)
    migrate_back(store, open_office.vault.places, BEFORE)
    for name in LONG:
        assert "spot" not in {column["name"] for column in inspect(store.engine).get_columns(name)}
    migrate(store, open_office.vault.places)
    check_schema(store)
    assert _rows(store, segments) == before
    with store.reading() as connection:
        spots = connection.scalars(text("SELECT spot FROM event")).all()
    assert len(set(spots)) == len(spots) > 3
    assert min(spots) >= 0


def test_an_older_office_goes_on(open_office: VaultOffice) -> None:
    """A case from before is on its desks, and a new one is taken in, received and asked for."""
    _live(open_office)
    migrate_back(open_office.vault.store, open_office.vault.places, BEFORE)
    migrate(open_office.vault.store, open_office.vault.places)
    (reviewer, *_) = seal_petition().manifest.panel
    assert len(open_office.ask(reviewer, "/v1/desk").json()["cases"]) == 1
    manifest = open_office.accept("another")
    events = open_office.vault.case_events(manifest.case).events
    assert [event.receipt is not None for event in events] == [True]


def test_long_rows_lie_by_chance(small_office: VaultOffice) -> None:
    """Of two petitions of one day the spot tells neither which came first nor how many did."""
    for name in ("first", "second", "third"):
        small_office.vault.accept(seal_petition(name).to_bytes(), at_once=True)
    with small_office.vault.store.reading() as connection:
        spots = list(connection.scalars(select(Petition.spot)))
    assert len({spot >> 47 for spot in spots}) == 1
    assert min(abs(one - other) for one, other in itertools.combinations(spots, 2)) > 1 << 20
    assert {draw_spot() >> 47 for _ in range(9)} != {spots[0] >> 47}


def test_two_rows_at_one_place_are_an_error_and_not_known_already(
    open_office: VaultOffice,
) -> None:
    """Else an event would be taken for one that is in line, and be lost without a word."""
    store = open_office.vault.store
    with store.reading() as connection:
        known = connection.execute(select(Cause.spot, Cause.hash, Cause.actor)).first()
    assert known is not None
    row = {"hash": bytes(32), "actor": "office", "note": b""}
    with pytest.raises(IntegrityError), store.writing() as connection:
        insert_new(connection, Cause, row | {"spot": known.spot})
    same = {"hash": known.hash, "actor": known.actor, "note": b""}
    with store.writing() as connection:
        assert not insert_new(connection, Cause, same)
        assert insert_new(connection, Cause, row)


def test_a_long_row_is_found_without_reading_others(small_office: VaultOffice) -> None:
    """Where rows are long SQLite looks for the key in an index, and then goes to the spot."""
    small_office.accept()
    one = select(Petition.note).where(Petition.case_id == bytes(32))
    compiled = one.compile(small_office.vault.store.engine)
    with small_office.vault.store.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", (bytes(32),)).all()
    assert [row[3] for row in plan] == [
        "SEARCH petition USING INDEX sqlite_autoindex_petition_1 (case_id=?)"
    ]
    manifest = small_office.vault.manifest
    assert Note.parse(manifest(*_first_of_desk(small_office))).text.startswith(b"dengwen/manifest")


def _first_of_desk(office: VaultOffice) -> tuple[Any, Any]:
    manifest = seal_petition().manifest
    return office.vault.roster.member(manifest.panel[0]), manifest.case
