"""What a holder remembers is on the disk, once, and readable by its owner alone."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dengwen_audit.note import Note
from dengwen_audit.statements.roster import Roster
from dengwen_keys.gatekeeper.matter import Memory
from dengwen_keys.gatekeeper.store import Store, StoredAnswer
from tests.keys.gatekeeper_fixture import NOON
from tests.keys.gatekeeper_story import Told, tell
from tests.small_office import make_roster, make_seed, sign_by_roots


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give an empty store."""
    store = Store(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture(scope="module")
def told() -> Told:
    """Give a request with all that bears on it."""
    return tell()


def _answer(told: Told, *, released: bool = True) -> StoredAnswer:
    return StoredAnswer(told.request.hash, released, b"note", b"sealed")


def _later(version: int) -> Roster:
    return replace(make_roster(), version=version, previous=make_seed(f"version {version - 1}"))


def _roster(version: int) -> Note:
    return sign_by_roots(_later(version).to_bytes())


def test_the_file_is_its_owners_alone(store: Store, tmp_path: Path) -> None:
    """Which cases were opened, and for whom, is nobody else's business."""
    del store
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_empty_store_remembers_nothing(store: Store, told: Told) -> None:
    """Before the first request there is nothing to hold against it."""
    assert store.memory(told.request.hash, told.matter.request, NOON) == Memory()
    assert store.checkpoint() is None
    assert store.card() is None
    assert store.newest_roster() is None
    assert store.handed_roster() is None


def test_a_case_is_remembered_with_its_chain(store: Store, told: Told) -> None:
    """Manifest, hashes and types come back, and the newest event is the last."""
    events = told.matter.evidence.events
    tree = told.office.log.checkpoint()
    store.remember(told.petition.case, told.petition.manifest.hash, events, tree)
    memory = store.memory(told.request.hash, told.matter.request, NOON)
    assert memory.manifest == told.petition.manifest.hash
    assert memory.chain == tuple(event.hash for event in events)
    assert memory.types == {"petition.received", "open.requested"}
    assert store.newest_event(told.petition.case) == (2, events[1].hash)


def test_the_checkpoint_only_grows(store: Store, told: Told) -> None:
    """A smaller one that comes later does not take the place of a larger one."""
    log, case, manifest = told.office.log, told.petition.case, told.petition.manifest.hash
    for size in (2, 4, 3):
        store.remember(case, manifest, [], log.checkpoint(size))
    assert store.checkpoint() == log.checkpoint(4)


def test_the_first_answer_stays(store: Store, told: Told) -> None:
    """Two processes on one file cannot give two answers to a request."""
    request = told.matter.request
    first = store.keep_answer(_answer(told), request, NOON)
    second = replace(_answer(told), note=b"another", released=False)
    assert store.keep_answer(second, request, NOON) == first == store.answer(told.request.hash)


def test_an_answer_waits_until_it_is_posted(store: Store, told: Told) -> None:
    """What may not have arrived is listed, and nothing else."""
    store.keep_answer(_answer(told), told.matter.request, NOON)
    assert store.unposted() == [_answer(told)]
    store.mark_posted(told.request.hash)
    assert store.unposted() == []


def test_a_nonce_is_used_by_a_release_only(store: Store, told: Told) -> None:
    """Nobody can use up a reviewer's nonce by a request that is refused."""
    request = told.matter.request
    other = replace(request, purpose="contact")
    store.keep_answer(_answer(told, released=False), request, NOON)
    assert not store.memory(other.hash, other, NOON).nonce_used
    third = replace(request, last_index=5)
    store.keep_answer(replace(_answer(told), request=third.hash), third, NOON)
    assert store.memory(other.hash, other, NOON).nonce_used
    assert not store.memory(third.hash, third, NOON).nonce_used


def test_openings_are_counted_by_requester_and_day(store: Store, told: Told) -> None:
    """Refusals do not count, nor what another reviewer opened, nor yesterday."""
    request = told.matter.request

    def count(requester: str, now: float) -> int:
        asked = replace(request, requester=requester)
        return store.memory(asked.hash, asked, now).openings_today

    for number, released in enumerate((True, True, False)):
        asked = replace(request, nonce=make_seed(f"nonce {number}"))
        store.keep_answer(
            replace(_answer(told, released=released), request=asked.hash), asked, NOON
        )
    assert count(request.requester, NOON) == 2
    assert count("another", NOON) == 0
    assert count(request.requester, NOON + 24 * 3600) == 0


def test_releases_are_listed_in_order(store: Store, told: Told) -> None:
    """A head lists them by rising hash."""
    for number in range(5):
        asked = replace(told.matter.request, nonce=make_seed(f"nonce {number}"))
        released = number != 2
        kept = replace(_answer(told, released=released), request=asked.hash)
        store.keep_answer(kept, asked, NOON)
    listed = store.released(told.petition.case)
    assert len(listed) == 4
    assert list(listed) == sorted(listed)


def test_rosters_and_card_come_back_as_they_were_signed(store: Store) -> None:
    """Notes are kept with their signatures."""
    first, second = _roster(2), _roster(3)
    store.keep_roster(first)
    store.keep_newest_roster(second)
    assert (store.roster(first.hash), store.roster(second.hash)) == (first, second)
    assert store.newest_roster() == second.hash
    store.keep_card(first)
    assert store.card() == first


def test_a_handed_roster_keeps_the_time_at_which_it_came(store: Store) -> None:
    """Handing the same one again, at every start of the service, does not restart the clock."""
    note = _roster(2)
    store.hand_roster(note, NOON)
    store.hand_roster(note, NOON + 500)
    assert store.handed_roster() == (_later(2), NOON)
    store.hand_roster(_roster(3), NOON + 900)
    assert store.handed_roster() == (_later(3), NOON + 900)


def test_everything_survives_the_process(tmp_path: Path, told: Told) -> None:
    """What was kept is there when the file is opened again."""
    store = Store(tmp_path / "store")
    store.keep_answer(_answer(told), told.matter.request, NOON)
    store.close()
    again = Store(tmp_path / "store")
    assert again.unposted() == [_answer(told)]
    again.close()
