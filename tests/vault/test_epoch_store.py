"""The tick: one winner, nothing lost, nothing twice, whatever crashes."""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from dengwen_audit.epoch import Record, is_empty
from dengwen_audit.event import Event, check_chain
from dengwen_audit.log import STEPS, LostRaceError
from dengwen_audit.note import sign_note
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.statement import Statement
from dengwen_audit.text import ZERO_HASH
from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.errors import NotReadyError
from dengwen_vault.models import Reception
from tests.small_office import OFFICE, TODAY, make_card, make_roster
from tests.vault.office import VaultOffice, seal_petition, words_of

ROUNDS = 8


class Crash(Exception):  # noqa: N818  # it is none of ours
    """The process ends here."""


def _office_events(office: VaultOffice) -> list[Event]:
    member = make_roster().member("mirror-1")
    bundles = office.vault.epochs(member, 0, 256, causes=False)
    leaves = [leaf for bundle in bundles for leaf in bundle.leaves if not is_empty(leaf)]
    events = [Event.parse(leaf) for leaf in leaves]
    own = [event for event in events if event.case == ZERO_HASH]
    return sorted(own, key=lambda event: event.number)


def test_an_office_begins_with_its_card_and_its_roster(office: VaultOffice) -> None:
    """The first record holds both, hung on the card, and names the roster."""
    record = office.epoch_store.commit_tick(0, office.now)
    assert record.roster == make_roster().hash
    events = _office_events(office)
    assert [event.type for event in events] == ["card.published", "roster.published"]
    check_chain(events, make_card().hash)


def test_before_its_first_record_an_office_takes_nothing(office: VaultOffice) -> None:
    """No roster is in force yet, so nobody could say who would read it."""
    with pytest.raises(NotReadyError):
        office.vault.accept(seal_petition().to_bytes())


def test_of_two_sequencers_exactly_one_makes_each_record(open_office: VaultOffice) -> None:
    """They race from the same size; the other one learns it and has changed nothing."""
    start = threading.Barrier(2)
    stores = [VaultEpochStore(open_office.vault.store) for _ in range(2)]

    def race(store: VaultEpochStore) -> Record | None:
        size = store.size()
        start.wait()
        try:
            return store.commit_tick(size, open_office.now)
        except LostRaceError:
            return None
        finally:
            start.wait()

    with ThreadPoolExecutor(2) as threads:
        for number in range(ROUNDS):
            petition = seal_petition(f"race {number}")
            open_office.vault.accept(petition.to_bytes(), at_once=True)
            records = list(threads.map(race, stores))
            assert sum(record is not None for record in records) == 1
            assert len(open_office.vault.case_events(petition.manifest.case).events) == 1
    assert open_office.epoch_store.size() == 1 + ROUNDS
    assert len(open_office.epoch_store.records(0, 100)) == 1 + ROUNDS


def test_a_tick_from_another_size_changes_nothing(open_office: VaultOffice) -> None:
    """Neither a sequencer that slept nor one that dreams may write."""
    open_office.vault.accept(seal_petition().to_bytes(), at_once=True)
    before = open_office.rows()
    for size in (0, 2):
        with pytest.raises(LostRaceError):
            open_office.epoch_store.commit_tick(size, open_office.now)
    assert open_office.rows() == before


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_between_two_steps_loses_nothing_and_doubles_nothing(
    small_office: VaultOffice, step: str
) -> None:
    """The next start carries the committed record through; the petition is in the log once."""
    petition = seal_petition()
    small_office.vault.accept(petition.to_bytes(), at_once=True)
    with pytest.raises(Crash):
        _tick_until(small_office, step)
    committed = small_office.epoch_store.records(1, 2)
    small_office.tick(2)
    assert not committed or small_office.epoch_store.records(1, 2) == committed
    file = small_office.vault.case_events(petition.manifest.case)
    assert [Event.parse(event.event).type for event in file.events] == ["petition.received"]
    receipt = file.events[0].receipt
    assert receipt is not None
    check_receipt(receipt, make_card().policy)
    assert small_office.rows()["reception"] == 0


def test_a_petition_enters_the_log_at_a_random_epoch_of_the_delay(
    small_office: VaultOffice,
) -> None:
    """Sixty ticks and one are drawn from, so that its place does not tell the hour."""
    places = set()
    for number in range(40):
        small_office.vault.accept(seal_petition(f"delayed {number}").to_bytes())
    with small_office.vault.store.reading() as connection:
        places = set(connection.scalars(select(Reception.not_before)))
    assert min(places) >= 1
    assert max(places) <= 1 + 60
    assert len(places) > 10


def test_what_waits_is_taken_no_sooner_than_it_may_be(small_office: VaultOffice) -> None:
    """A delayed petition is not in the log before its epoch, and is in it then."""
    petition = seal_petition("waiting")
    small_office.vault.accept(petition.to_bytes())
    with small_office.vault.store.reading() as connection:
        first = connection.execute(select(Reception.not_before)).scalar_one()
    while small_office.epoch_store.size() <= first:
        assert small_office.vault.case_events(petition.manifest.case).events == ()
        small_office.epoch_store.commit_tick(small_office.epoch_store.size(), small_office.now)
    assert len(small_office.vault.case_events(petition.manifest.case).events) == 1


def test_her_own_events_never_overtake_one_another(small_office: VaultOffice) -> None:
    """A withdrawal at once waits for the petition that it withdraws."""
    petition = seal_petition("hasty")
    case = petition.manifest.case
    small_office.vault.accept(petition.to_bytes())
    text = Statement(OFFICE, case, "case.withdrawn").to_bytes()
    note = sign_note(text, words_of("hasty").signing_key())
    small_office.vault.post_case_statement(case, note, at_once=True)
    while small_office.rows()["pending_event"]:
        small_office.epoch_store.commit_tick(small_office.epoch_store.size(), small_office.now)
    events = [Event.parse(event.event) for event in small_office.vault.case_events(case).events]
    assert [event.type for event in events] == ["petition.received", "case.withdrawn"]
    check_chain(events, petition.note.hash)


def test_a_tick_takes_no_more_than_it_can_carry(small_office: VaultOffice) -> None:
    """The rest waits for the next tick, and the chains stay whole."""
    store = VaultEpochStore(small_office.vault.store, max_events=3)
    for number in range(5):
        small_office.vault.accept(seal_petition(f"crowd {number}").to_bytes(), at_once=True)
    for left in (2, 0):
        store.commit_tick(store.size(), small_office.now)
        assert small_office.rows()["reception"] == left


def test_an_event_bears_the_day_of_its_tick(small_office: VaultOffice) -> None:
    """Nothing in the log tells when a petition came, only when it was logged."""
    petition = seal_petition()
    small_office.vault.accept(petition.to_bytes(), at_once=True)
    small_office.now += 86_400
    small_office.tick()
    file = small_office.vault.case_events(petition.manifest.case)
    assert Event.parse(file.events[0].event).day == TODAY + datetime.timedelta(days=1)


def _tick_until(office: VaultOffice, step: str) -> None:
    """Tick, and crash before *step*."""

    def crash(reached: str) -> None:
        if reached == step:
            raise Crash

    with office.sequencer(crash) as sequencer:
        sequencer.tick()
