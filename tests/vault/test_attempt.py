"""A tick's many short transactions: wherever it is cut off, the log has all of a record or none."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, func, select

from dengwen_audit.errors import AuditError
from dengwen_audit.event import Event, check_chain
from dengwen_audit.log import LostRaceError
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.grant import Grant
from dengwen_audit.statements.statement import Statement
from dengwen_keys.petition_file import SealedPetition
from dengwen_vault import attempt
from dengwen_vault.attempt import REST, Attempt, short_work
from dengwen_vault.columns import draw_spot
from dengwen_vault.database import Store
from dengwen_vault.doctor import FAULT, examine
from dengwen_vault.due import leave_line, read_due
from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.models import Event as EventRow
from dengwen_vault.models import LogHead
from dengwen_vault.schema import check_schema, migrate, migrate_back
from tests.small_office import OFFICE, make_key, make_roster, sign_by_roots
from tests.vault.office import VaultOffice, seal_petition, words_of

NAMES = ("first", "second", "third", "fourth", "fifth")
# Begin, look for what an older one left, lay down three times two, the record, leave three times.
TRANSACTIONS = 9
BEFORE_RECORD = 5
LONG = 0.05  # seconds that a piece takes


class CrashError(Exception):
    """The process is gone."""


class WatchedStore(Store):
    """A store that says when a transaction that writes is about to begin, by its number."""

    def __init__(self, url: str, say: Callable[[int], None]) -> None:
        super().__init__(url)
        self._say = say
        self._begun = 0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Say it first."""
        self._count()
        with super().writing() as connection:
            yield connection

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Say it first."""
        self._count()
        with super().noting() as connection:
            yield connection

    def _count(self) -> None:
        self._say(self._begun)
        self._begun += 1


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "PIECE", 2)


@contextmanager
def _watched(office: VaultOffice, say: Callable[[int], None]) -> Iterator[VaultEpochStore]:
    url = office.vault.store.engine.url.render_as_string(hide_password=False)
    store = WatchedStore(url, say)
    yield VaultEpochStore(store)
    store.close()


def _tick_until(office: VaultOffice, end: int) -> None:
    """Let a sequencer begin a tick, and be gone before its transaction number *end*."""

    def say(number: int) -> None:
        if number == end:
            raise CrashError

    with _watched(office, say) as store, pytest.raises(CrashError):
        store.commit_tick(store.size(), office.now)


def _crowd(office: VaultOffice) -> list[SealedPetition]:
    """Let five petitions come, and be followed by a withdrawal of the first."""
    petitions = [seal_petition(name) for name in NAMES]
    for petition in petitions:
        office.vault.accept(petition.to_bytes(), at_once=True)
    case = petitions[0].manifest.case
    office.vault.post_case_statement(case, _withdrawal(case), at_once=True)
    return petitions


def _withdrawal(case: CaseId) -> Note:
    text = Statement(OFFICE, case, "case.withdrawn").to_bytes()
    return sign_note(text, words_of(NAMES[0]).signing_key())


def _types(office: VaultOffice, petition: SealedPetition) -> list[str]:
    served = office.vault.case_events(petition.manifest.case).events
    events = [Event.parse(event.event) for event in served]
    check_chain(events, petition.note.hash)
    return [event.type for event in events]


def _desks(office: VaultOffice, petitions: list[SealedPetition]) -> int:
    """Return how many cases are on all desks together."""
    reviewers = {id_ for petition in petitions for id_ in petition.manifest.panel}
    return sum(len(office.ask(id_, "/v1/desk").json()["cases"]) for id_ in reviewers)


def test_a_tick_has_the_transactions_that_these_tests_cut(open_office: VaultOffice) -> None:
    """Else some of them would cut nothing."""
    _crowd(open_office)
    numbers: list[int] = []
    with _watched(open_office, numbers.append) as store:
        store.commit_tick(store.size(), open_office.now)
    assert numbers == list(range(TRANSACTIONS))


@pytest.mark.parametrize("end", range(TRANSACTIONS))
def test_wherever_a_tick_is_cut_off_the_next_one_goes_on(
    open_office: VaultOffice, end: int
) -> None:
    """Each event is in the log once, each case on its desks, and the line is empty."""
    petitions = _crowd(open_office)
    before = open_office.epoch_store.size()
    _tick_until(open_office, end)
    is_record = end > BEFORE_RECORD
    assert open_office.epoch_store.size() == before + is_record
    for petition in petitions:
        assert bool(_types(open_office, petition)) == is_record
    open_office.tick(2)
    assert [_types(open_office, petition) for petition in petitions] == [
        ["petition.received", "case.withdrawn"],
        *[["petition.received"]] * 4,
    ]
    rows = open_office.rows()
    assert (rows["reception"], rows["pending_event"], rows["panel"]) == (0, 0, 15)
    assert rows["event"] == 2 + 6
    assert _desks(open_office, petitions) == 15


def test_what_is_laid_down_is_not_in_the_log_yet(open_office: VaultOffice) -> None:
    """Before its record nobody is shown an event, and nobody may act upon one."""
    petitions = _crowd(open_office)
    first = petitions[0]
    events = open_office.rows()["event"]
    _tick_until(open_office, BEFORE_RECORD)
    assert open_office.rows()["event"] == events + 6
    assert _types(open_office, first) == []
    assert _desks(open_office, petitions) == 0
    text = Statement(OFFICE, first.manifest.case, "referral.countersigned").to_bytes()
    said = open_office.ask(
        "gatekeeper-1", "/v1/statements", sign_note(text, make_key("gatekeeper-1")).to_bytes()
    )
    assert said.status_code == 404
    assert not [f for f in examine(open_office.vault, open_office.now) if f.state == FAULT]


def test_an_event_that_is_laid_down_is_nothing_to_go_on_from(open_office: VaultOffice) -> None:
    """What the next tick hangs a chain on is in the log, not what a dead sequencer had begun."""
    petition = seal_petition("first")
    case = petition.manifest.case
    open_office.vault.accept(petition.to_bytes(), at_once=True)
    open_office.tick()
    open_office.vault.post_case_statement(case, _withdrawal(case), at_once=True)
    _tick_until(open_office, 3)  # begun, looked for what is left, laid down one piece
    open_office.tick()
    assert _types(open_office, petition) == ["petition.received", "case.withdrawn"]


def test_a_grant_that_is_laid_down_opens_nothing(open_office: VaultOffice) -> None:
    """An auditor reads once the world can see the grant, and not before."""
    today = datetime.datetime.fromtimestamp(open_office.now, datetime.UTC).date()
    until = today + datetime.timedelta(days=3)
    grant = Grant(OFFICE, "auditor-1", "court-of-audit", 0, until)
    open_office.vault.post_grant(sign_by_roots(grant.to_bytes()))
    _tick_until(open_office, 3)
    assert open_office.ask("auditor-1", "/v1/epochs?from=0&to=100").status_code == 404
    open_office.tick()
    assert open_office.ask("auditor-1", "/v1/epochs?from=0&to=100").status_code == 200


def test_a_door_comes_in_between(open_office: VaultOffice) -> None:
    """Whoever comes while a tick is at work is taken in, and is in the log with the next one."""
    _crowd(open_office)
    late: list[SealedPetition] = []

    def come(number: int) -> None:
        late.append(seal_petition(f"late {number}"))
        open_office.vault.accept(late[-1].to_bytes(), at_once=True)

    with _watched(open_office, come) as store:
        store.commit_tick(store.size(), open_office.now)
    assert open_office.rows()["reception"] == len(late) == TRANSACTIONS
    open_office.tick(2)  # one carries that record through
    assert [_types(open_office, petition) for petition in late] == [["petition.received"]] * 9


def test_after_each_piece_others_have_thrice_its_time(small_office: VaultOffice) -> None:
    """Where one writes at a time: else a tick of a crowd has the disk for itself for seconds."""
    begun = time.monotonic()
    with short_work(small_office.vault.store):
        time.sleep(LONG)  # it is the time itself that counts
    assert time.monotonic() - begun >= LONG * (1 + REST)


def _rows(office: VaultOffice, number: int) -> list[dict[str, object]]:
    row = {
        "number": 1,
        "hash": bytes(32),
        "actor": "office",
        "position": 0,
        "text": b"",
        "path": b"",
        "epoch": office.epoch_store.size(),
    }
    keys = [bytes([number, place]) * 16 for place in range(5)]
    return [row | {"spot": draw_spot(), "case_id": k, "cause": k} for k in keys]


def _head(office: VaultOffice) -> tuple[int, bool]:
    with office.vault.store.reading() as connection:
        row = connection.execute(select(LogHead.size, LogHead.attempt)).one()
    return row.size, row.attempt is not None


def test_a_second_attempt_ends_the_first(open_office: VaultOffice) -> None:
    """Whatever the first does then is refused, and what it had laid down is gone."""
    store, size = open_office.vault.store, open_office.epoch_store.size()
    roster = make_roster().hash
    events = open_office.rows()["event"]
    first = Attempt(store, size)
    first.lay_down(_rows(open_office, 1))
    second = Attempt(store, size)
    assert open_office.rows()["event"] == events
    second.lay_down(_rows(open_office, 2)[:3])
    with pytest.raises(LostRaceError):
        first.lay_down(_rows(open_office, 3))
    with pytest.raises(LostRaceError), store.writing() as connection:
        first.succeed(connection, roster)
    assert _head(open_office) == (size, True)
    with store.writing() as connection:
        second.succeed(connection, roster)
    assert _head(open_office) == (size + 1, False)
    with store.reading() as connection:
        mine = select(func.substr(EventRow.case_id, 1, 1)).where(EventRow.epoch == size)
        assert set(connection.scalars(mine)) == {b"\2"}
    assert open_office.rows()["event"] == events + 3


def test_an_attempt_at_a_record_that_is_made_is_refused(open_office: VaultOffice) -> None:
    """It deletes nothing of that record."""
    rows = open_office.rows()
    size = open_office.epoch_store.size()
    for other in (size - 1, size + 1):
        with pytest.raises(LostRaceError):
            Attempt(open_office.vault.store, other)
    assert open_office.rows() == rows


@pytest.mark.parametrize("end", [4, 6, 7])
def test_an_older_release_finds_no_half_of_a_tick(open_office: VaultOffice, end: int) -> None:
    """The way back puts in line what is not in the log, and takes out what is."""
    petitions = _crowd(open_office)
    _tick_until(open_office, end)
    store, is_record = open_office.vault.store, end > BEFORE_RECORD
    migrate_back(store, open_office.vault.places, "0006")
    with store.reading() as connection:
        counts = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608  # ours
            for table in ("pending_event", "panel", "event")
        ]
    assert counts == [0 if is_record else 6, 15, 8 if is_record else 2]
    migrate(store, open_office.vault.places)
    check_schema(store)
    open_office.tick()
    assert _types(open_office, petitions[0]) == ["petition.received", "case.withdrawn"]
    assert _desks(open_office, petitions) == 15


def test_two_sequencers_may_take_the_same_out_of_the_line(open_office: VaultOffice) -> None:
    """One that was slow to end finds done what it does, and nothing is on a desk twice."""
    petitions = _crowd(open_office)
    _tick_until(open_office, BEFORE_RECORD + 1)
    store = open_office.vault.store
    with store.reading() as connection:
        left = read_due(connection, open_office.epoch_store.size(), 100)
    assert len(left) == 6
    for _ in range(2):
        with store.writing() as connection:
            leave_line(connection, left)
    rows = open_office.rows()
    assert (rows["reception"], rows["pending_event"], rows["panel"]) == (0, 0, 15)
    assert _desks(open_office, petitions) == 15


def test_a_record_that_cannot_be_made_leaves_the_line_as_it_is(
    open_office: VaultOffice,
) -> None:
    """An attempt that is refused at its end is as if it had not been."""
    petitions = _crowd(open_office)

    def come(number: int) -> None:
        if number == BEFORE_RECORD:
            Attempt(open_office.vault.store, open_office.epoch_store.size())

    with _watched(open_office, come) as store, pytest.raises(AuditError):
        store.commit_tick(store.size(), open_office.now)
    assert open_office.rows()["reception"] == 5
    open_office.tick()
    assert all(_types(open_office, petition) for petition in petitions)
