"""Tests of log.py, publisher.py, quorum.py: what a crash leaves, when the sequencer stops."""

import errno
import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import flask
import pytest

from dengwen_audit.log import STEPS, LostRaceError, RestoredStoreError, Sequencer
from dengwen_audit.note import Note
from dengwen_audit.policy import Policy
from dengwen_audit.publisher import LATEST_PATH, FolderInUseError, Publisher
from dengwen_audit.receipt import check_latest
from dengwen_audit.witness_client import IncidentError, WitnessAheadError
from tests.audit.log_house import WITNESSES, Crash, LogHouse, make_record
from tests.audit.memory_log import MemoryLog
from tests.patience import PATIENCE
from tests.small_log import LOG_KEY, ORIGIN
from tests.wsgi_adapter import WsgiAdapter


@pytest.fixture
def house(tmp_path: Path) -> Iterator[LogHouse]:
    """Return a log with four witnesses, of which three must agree."""
    house = LogHouse(tmp_path)
    yield house
    house.close()


def crash_at(step: str) -> Callable[[str], None]:
    """Return a hook that ends the process before *step*."""

    def hook(reached: str) -> None:
        if reached == step:
            raise Crash

    return hook


def ticks(sequencer: Sequencer, count: int) -> None:
    """Tick so many times, each of them public at its end."""
    for _ in range(count):
        assert sequencer.tick()


def test_each_tick_publishes_one_record(house: LogHouse) -> None:
    """The checkpoint has the quorum, the files give its root, and the latest proof is of it."""
    sequencer = house.started()
    for size in range(1, 6):
        ticks(sequencer, 1)
        assert house.public().size == size
        latest = (house.folder / "public" / LATEST_PATH).read_bytes()
        record, cosigned = check_latest(latest, house.policy, house.now, max_age=1)
        assert record.to_bytes() == house.store.rows[-1]
        assert cosigned.checkpoint == house.public()


def test_every_witness_that_answers_in_time_is_in_the_checkpoint(house: LogHouse) -> None:
    """A quorum is the least, not the most."""
    ticks(house.started(), 1)
    note = house.publisher.published()
    assert note is not None
    assert house.policy.check(note).times.keys() == set(WITNESSES)


def test_steps_come_in_the_order_that_the_page_tells(house: LogHouse) -> None:
    """Committed, durable, signed, cosigned, public."""
    reached: list[str] = []
    ticks(house.started(reached.append), 1)
    assert reached == list(STEPS)


def test_the_checkpoint_waits_for_the_files_under_it(house: LogHouse) -> None:
    """When the public checkpoint is about to change, the new files are there, and it is not."""
    ticks(house.started(), 1)
    with pytest.raises(Crash):
        house.started(crash_at("checkpoint")).tick()
    assert (house.publisher.size, house.public().size) == (2, 1)


def test_one_witness_may_be_down(house: LogHouse) -> None:
    """Three of four are enough, and the fourth catches up when it is back."""
    house.wires["hill"].down = True
    sequencer = house.started()
    ticks(sequencer, 2)
    assert house.witnesses["hill"].latest(ORIGIN).size == 0
    house.wires["hill"].down = False
    ticks(sequencer, 1)
    assert house.witnesses["hill"].latest(ORIGIN).size == 3


def test_without_a_quorum_nothing_is_published_and_no_record_is_made(house: LogHouse) -> None:
    """The same size is tried until the witnesses are back; then the log goes on from there."""
    sequencer = house.started()
    ticks(sequencer, 2)
    house.wires["hill"].down = house.wires["lake"].down = True
    for _ in range(3):
        assert not sequencer.tick()
    assert (house.store.size(), house.public().size) == (3, 2)
    house.wires["hill"].down = house.wires["lake"].down = False
    ticks(sequencer, 1)
    assert (house.store.size(), house.public().size) == (3, 3)
    ticks(sequencer, 1)
    assert house.public().size == 4


def test_nothing_is_committed_before_a_quorum_of_witnesses_was_asked(house: LogHouse) -> None:
    """Who cannot ask whether it lost its past makes no new present."""
    for name in ("hill", "lake"):
        house.wires[name].down = True
    sequencer = house.started()
    assert not sequencer.tick()
    assert house.store.size() == 0
    house.wires["hill"].down = False
    ticks(sequencer, 1)
    assert house.store.size() == 1


def test_a_policy_without_witnesses_asks_none(house: LogHouse) -> None:
    """Such a log is no accountable log, but a tick of it ends."""
    key = LOG_KEY.verification_key.to_text()
    house.policy = Policy.parse(f"log {key}\nquorum none\n")
    ticks(house.started(), 2)
    assert house.public().size == 2


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_before_any_step_loses_nothing_and_forks_nothing(
    house: LogHouse, step: str
) -> None:
    """The next start carries the committed record through; every size has one root for ever."""
    ticks(house.started(), 2)
    with pytest.raises(Crash):
        house.started(crash_at(step)).tick()
    house.look()
    committed = list(house.store.rows)
    house.crash()
    ticks(house.started(), 2)
    house.look()
    assert house.store.rows[: len(committed)] == committed
    assert house.public().size == house.store.size()
    assert all(len(roots) == 1 for roots in house.seen.values())
    assert house.evidence() == []


def test_fifty_crashes_in_a_row_leave_one_history(house: LogHouse) -> None:
    """Whatever the order of steps, lost answers and sleeping witnesses."""
    chance = random.Random(4)
    for _ in range(50):
        for wire in house.wires.values():
            wire.down = chance.random() < 0.1
            wire.lose_answers = chance.random() < 0.1
        sequencer = house.started(crash_at(chance.choice(STEPS)))
        try:
            for _ in range(chance.randrange(1, 4)):
                sequencer.tick()
        except Crash:
            pass
        sequencer.close()
        house.look()
        house.crash()
    for wire in house.wires.values():
        wire.down = wire.lose_answers = False
    ticks(house.started(), 2)
    house.look()
    assert house.public().size == house.store.size() > 10
    assert all(len(roots) == 1 for roots in house.seen.values())
    assert house.evidence() == []


def test_a_database_restored_from_an_older_copy_is_refused(house: LogHouse) -> None:
    """The public files remember what the database forgot."""
    ticks(house.started(), 5)
    del house.store.rows[3:]
    house.crash()
    with pytest.raises(RestoredStoreError, match="has 5 records and the database 3"):
        house.sequencer().start()


def test_the_witnesses_remember_when_the_files_are_lost_too(house: LogHouse) -> None:
    """Another machine, an older copy: the first question to the witnesses ends it."""
    ticks(house.started(), 5)
    del house.store.rows[3:]
    house.forget_public()
    with pytest.raises(WitnessAheadError, match="cosigned size 5, and the database holds 3"):
        house.sequencer().start()
    assert house.store.size() == 3


def test_a_witness_that_could_not_be_asked_at_the_start_is_asked_before_the_first_record(
    house: LogHouse,
) -> None:
    """Being unreachable for a moment is no leave to fork."""
    ticks(house.started(), 5)
    del house.store.rows[3:]
    house.forget_public()
    for wire in house.wires.values():
        wire.down = True
    sequencer = house.started()
    assert not sequencer.tick()
    for wire in house.wires.values():
        wire.down = False
    with pytest.raises(WitnessAheadError):
        sequencer.tick()
    assert house.store.size() == 3


def test_another_history_of_the_same_size_is_refused(house: LogHouse) -> None:
    """A database that holds other records than the public files is not gone on with."""
    ticks(house.started(), 5)
    house.store.rows[2] = make_record("something else")
    house.crash()
    with pytest.raises(RestoredStoreError, match="other records"):
        house.sequencer().start()


def test_a_public_checkpoint_of_another_history_is_refused(house: LogHouse) -> None:
    """Somebody signed with the log's key elsewhere."""
    ticks(house.started(), 5)
    fork = MemoryLog(5, fork="!")
    note = fork.note(4)
    signed = Note(note.text, (LOG_KEY.sign(note.text),))
    house.publisher.publish_checkpoint(signed)
    with pytest.raises(RestoredStoreError, match="another history"):
        house.sequencer().start()


def test_a_failover_to_a_copy_that_lacks_records_is_found_before_a_commit(house: LogHouse) -> None:
    """The database changed under a running sequencer."""
    sequencer = house.started()
    ticks(sequencer, 5)
    del house.store.rows[4:]
    with pytest.raises(RestoredStoreError):
        sequencer.tick()
    assert house.store.size() == 4
    with pytest.raises(AssertionError, match="end the process"):
        sequencer.tick()


def test_a_failover_to_a_copy_with_another_last_record_is_found(house: LogHouse) -> None:
    """Also if the size is the same."""
    sequencer = house.started()
    ticks(sequencer, 5)
    house.store.rows[4] = make_record("something else")
    with pytest.raises(RestoredStoreError, match="other records"):
        sequencer.tick()


def test_a_witness_that_has_seen_more_than_the_store_stops_the_log(house: LogHouse) -> None:
    """Somebody else goes on with the log's key."""
    sequencer = house.started()
    ticks(sequencer, 2)
    rows = list(house.store.rows)
    house.forget_public()
    twin = house.started()
    ticks(twin, 3)
    house.store.rows = rows
    with pytest.raises(WitnessAheadError):
        sequencer.tick()


def test_a_witness_that_has_seen_another_history_stops_the_log(house: LogHouse) -> None:
    """One contradiction is enough to look for a person, and the witness keeps the proof of it."""
    ticks(house.started(), 2)
    house.store.rows = [make_record("one"), make_record("two")]
    house.forget_public()
    sequencer = house.started()
    with pytest.raises(IncidentError, match="another history"):
        sequencer.tick()
    assert house.publisher.published() is None
    sequencer.close()
    assert len(house.evidence()) > 0


def test_a_witness_that_lost_its_memory_is_taught_again(house: LogHouse) -> None:
    """It answers 409 with a smaller size, and gets its proof from there."""
    sequencer = house.started()
    ticks(sequencer, 3)
    house.add_witness("hill")
    ticks(sequencer, 1)
    assert house.witnesses["hill"].latest(ORIGIN).size == 4


def test_a_second_sequencer_loses_the_race_and_ends(house: LogHouse) -> None:
    """Both know the size; one commits; the other may not sign."""
    sequencer = house.started(
        lambda step: house.store.commit_tick(house.store.size(), 0) if step == "commit" else None
    )
    with pytest.raises(LostRaceError):
        sequencer.tick()


def test_a_twin_that_was_faster_is_no_incident(house: LogHouse) -> None:
    """The witnesses are ahead of this process, but not of the store: end, and raise no alarm."""

    def let_the_twin_go_first(step: str) -> None:
        if step == "cosign" and house.store.size() == 1:
            house.forget_public()
            ticks(house.started(), 2)

    sequencer = house.started(let_the_twin_go_first)
    with pytest.raises(LostRaceError, match="gone on meanwhile"):
        sequencer.tick()


def test_one_public_folder_has_one_writer(house: LogHouse) -> None:
    """Until the first lets go."""
    with pytest.raises(FolderInUseError):
        Publisher(house.folder / "public", LOG_KEY.verification_key)
    house.crash()


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_refuses_ends_the_process(
    house: LogHouse, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Nothing is retried after a failed flush; the next process reads what is really there."""
    sequencer = house.started()
    ticks(sequencer, 1)

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, call, refuse)
        with pytest.raises(OSError, match="input/output"):
            sequencer.tick()
    with pytest.raises(AssertionError, match="end the process"):
        sequencer.tick()
    house.crash()
    ticks(house.started(), 1)
    assert house.public().size == 2


def test_a_tick_before_the_start_is_a_bug(house: LogHouse) -> None:
    """Nobody skips the questions of the start."""
    with pytest.raises(AssertionError, match="not started"):
        house.sequencer().tick()


def test_a_witness_that_hangs_holds_nobody_up(house: LogHouse) -> None:
    """The round ends with the quorum, and the witness is not asked twice at once."""
    sequencer = house.started()
    sequencer._quorum.grace_seconds = 0.1
    let_go, asked, ended = threading.Event(), list[int](), list[bool]()
    slow = flask.Flask("slow")

    @slow.post("/add-checkpoint")
    def hang() -> tuple[str, int]:
        asked.append(1)
        ended.append(let_go.wait(PATIENCE / 2))  # less than the round may take
        return "", 500

    house.session.mount("https://hill.example", WsgiAdapter(slow))
    try:
        ticks(sequencer, 3)
        assert ended == []
        assert len(asked) == 1
    finally:
        let_go.set()


def test_it_runs_until_it_is_told_to_stop(house: LogHouse) -> None:
    """A tick is finished, and then it ends without an error."""
    stop = threading.Event()
    sequencer = house.sequencer(
        lambda step: stop.set() if step == "done" and house.store.size() == 3 else None
    )
    sequencer.run(stop, tick_seconds=0.01)
    assert house.public().size == 3
