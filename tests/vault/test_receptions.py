"""Receptions: what a petition leaves in line for the log, and what its tick makes of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from dengwen_audit.event import Event, check_chain
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.statement import Statement
from dengwen_vault.database import Store
from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.models import Panel, Reception
from dengwen_vault.schema import check_schema, migrate, migrate_back
from tests.small_office import OFFICE, make_key
from tests.vault.office import VaultOffice, seal_petition, words_of

BEFORE = "0006"


def _withdrawal(name: str, case: CaseId) -> Note:
    text = Statement(OFFICE, case, "case.withdrawn").to_bytes()
    return sign_note(text, words_of(name).signing_key())


def _desk(office: VaultOffice, manifest: Manifest) -> list[bool]:
    """Tell of each reviewer of a panel whether the case is on the desk."""
    desks = [office.ask(id_, "/v1/desk").json()["cases"] for id_ in manifest.panel]
    return [any(bytes.fromhex(line["case"]) == manifest.case for line in desk) for desk in desks]


def _panels(store: Store) -> set[tuple[object, ...]]:
    with store.reading() as connection:
        rows = select(Panel.reviewer, Panel.day, Panel.case_id, Panel.manifest)
        return {tuple(row) for row in connection.execute(rows)}


def _line(store: Store) -> set[tuple[int, bytes, bytes, bytes, frozenset[str]]]:
    with store.reading() as connection:
        found = connection.execute(
            select(
                Reception.not_before,
                Reception.cause,
                Reception.case_id,
                Reception.manifest,
                Reception.panel,
            )
        ).all()
    return {(*row[:4], frozenset(row[4].split())) for row in found}


def test_a_case_has_no_panel_before_its_tick(small_office: VaultOffice) -> None:
    """The door lays nothing on desks; its tick lays the case on its panel's, and on no other."""
    petition = seal_petition("first")
    small_office.vault.accept(petition.to_bytes(), at_once=True)
    assert (small_office.rows()["reception"], small_office.rows()["panel"]) == (1, 0)
    assert _desk(small_office, petition.manifest) == [False] * 3
    small_office.tick()
    assert small_office.rows()["reception"] == 0
    with small_office.vault.store.reading() as connection:
        lines = connection.execute(select(Panel.reviewer, Panel.case_id, Panel.manifest)).all()
    expected = [
        (id_, petition.manifest.case, petition.note.hash) for id_ in petition.manifest.panel
    ]
    assert sorted(map(tuple, lines)) == sorted(expected)
    assert _desk(small_office, petition.manifest) == [True] * 3


@pytest.mark.parametrize("together", [1, 2, 3, 4])
def test_a_case_begins_with_its_reception_however_little_a_tick_carries(
    small_office: VaultOffice, together: int
) -> None:
    """Receptions and other events lie apart, and still enter the log in the order of the case."""
    names = ("first", "second", "third")
    petitions = {name: seal_petition(name) for name in names}
    for petition in petitions.values():
        small_office.vault.accept(petition.to_bytes(), at_once=True)
    for name, petition in petitions.items():
        case = petition.manifest.case
        small_office.vault.post_case_statement(case, _withdrawal(name, case), at_once=True)
    assert (small_office.rows()["reception"], small_office.rows()["pending_event"]) == (3, 3)
    store = VaultEpochStore(small_office.vault.store, max_events=together)
    before = small_office.rows()["event"]
    for tick in range(1, 7):
        store.commit_tick(store.size(), small_office.now)
        assert small_office.rows()["event"] == before + min(6, together * tick)
    for petition in petitions.values():
        served = small_office.vault.case_events(petition.manifest.case).events
        events = [Event.parse(event.event) for event in served]
        assert [event.type for event in events] == ["petition.received", "case.withdrawn"]
        check_chain(events, petition.note.hash)


def test_what_members_say_does_not_wait_behind_a_crowd(small_office: VaultOffice) -> None:
    """A tick takes first what is due for longest, and members' events are due at once."""
    manifest = small_office.accept("before")
    for number in range(4):
        petition = seal_petition(f"crowd {number}")
        small_office.vault.accept(petition.to_bytes(), at_once=True)
    text = Statement(OFFICE, manifest.case, "case.answered").to_bytes()
    note = sign_note(text, make_key(manifest.panel[0]))
    assert small_office.ask(manifest.panel[0], "/v1/statements", note.to_bytes()).ok
    store = VaultEpochStore(small_office.vault.store, max_events=2)
    store.commit_tick(store.size(), small_office.now)
    assert small_office.rows()["pending_event"] == 0
    assert small_office.rows()["reception"] == 3


def test_an_older_line_moves_there_and_back(open_office: VaultOffice) -> None:
    """Cases in the log and in line, with what waits behind them: nothing is lost or overtaken."""
    vault, store = open_office.vault, open_office.vault.store
    logged, waiting = seal_petition("first"), seal_petition("second")
    vault.accept(logged.to_bytes(), at_once=True)
    open_office.tick()
    vault.accept(waiting.to_bytes())
    case = waiting.manifest.case
    vault.post_case_statement(case, _withdrawal("second", case), at_once=True)
    line, panels = _line(store), _panels(store)
    assert (len(line), len(panels)) == (1, 3)

    migrate_back(store, vault.places, BEFORE)
    with store.reading() as connection:
        query = "SELECT type, not_before FROM pending_event ORDER BY not_before, turn, cause"
        in_line = connection.execute(text(query)).all()
        (names,) = connection.execute(text("SELECT count(*) FROM panel")).one()
    ((not_before, *_),) = line
    types = ("petition.received", "case.withdrawn")
    assert [tuple(row) for row in in_line] == [(type_, not_before) for type_ in types]
    assert names == 6

    migrate(store, vault.places)
    check_schema(store)
    assert (_line(store), _panels(store)) == (line, panels)
    assert _desk(open_office, waiting.manifest) == [False] * 3
    while open_office.rows()["pending_event"] or open_office.rows()["reception"]:
        open_office.tick()
    events = [Event.parse(event.event) for event in vault.case_events(case).events]
    assert [event.type for event in events] == list(types)
    assert _desk(open_office, waiting.manifest) == [True] * 3
    assert _desk(open_office, logged.manifest) == [True] * 3


def test_an_older_case_in_line_is_not_overtaken_after_the_move(small_office: VaultOffice) -> None:
    """What she says after it still waits for her petition."""
    vault, petition = small_office.vault, seal_petition("hasty")
    case = petition.manifest.case
    vault.accept(petition.to_bytes())
    migrate_back(vault.store, vault.places, BEFORE)
    migrate(vault.store, vault.places)
    ((not_before, *_),) = _line(vault.store)
    vault.post_case_statement(case, _withdrawal("hasty", case), at_once=True)
    while small_office.epoch_store.size() < not_before:
        small_office.epoch_store.commit_tick(small_office.epoch_store.size(), small_office.now)
    assert small_office.rows()["pending_event"] == small_office.rows()["reception"] == 1
    small_office.epoch_store.commit_tick(not_before, small_office.now)
    assert small_office.rows()["pending_event"] == small_office.rows()["reception"] == 0
