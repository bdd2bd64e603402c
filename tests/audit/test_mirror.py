"""Tests of mirror.py: it cosigns only what it holds, and tells petitioners what that is."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

from dengwen_audit.auditkey import AuditKey
from dengwen_audit.epoch import Record, events_root
from dengwen_audit.epoch_feed import EpochFeed
from dengwen_audit.event import Event
from dengwen_audit.http_client import HttpClient, UnreachableError
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.merkle import consistency_proof
from dengwen_audit.mirror import ChallengePoll, Mirror
from dengwen_audit.mirror_store import MirrorStore
from dengwen_audit.mirror_web import MAX_CHALLENGE_NOTE_BYTES, make_mirror_app
from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.fields import CASE_KEY_NAME
from dengwen_audit.statements.head import Head
from dengwen_audit.statements.manifest import case_id
from dengwen_audit.text import ZERO_HASH
from dengwen_audit.witness import Submission, Witness
from tests.audit.small_desk import SmallDesk, make_event
from tests.patience import PATIENCE, wait_until
from tests.small_log import LOG_KEY, ORIGIN, seed
from tests.wsgi_adapter import WsgiAdapter

DESK = "https://desk.example"
NOW = 1_770_000_000.0
KEY = AuditKey("mirror-1", "court.example/mirror", seed("mirror"), seed("mirror cosigning"))
PETITIONER = SigningKey(CASE_KEY_NAME, seed("petitioner"))
MAILBOX = "age1pq1" + "q" * 1952


class House:
    """A mirror, the desk it reads from, and the wire between them."""

    def __init__(self, folder: Path) -> None:
        """Start both."""
        self.folder = folder
        self.desk = SmallDesk(lambda: NOW)
        self.desk.keys[KEY.id] = KEY.signing_key.verification_key
        self.wire = WsgiAdapter(self.desk.app)
        session = requests.Session()
        session.mount(DESK, self.wire)
        self.http = HttpClient(session, MemberAuth(KEY.id, KEY.signing_key, lambda: NOW))
        self.start()

    def start(self) -> None:
        """Start the mirror from what is in its folder."""
        path = self.folder / "mirror.sqlite"
        self.store = MirrorStore(path)
        feed = EpochFeed(self.http, DESK)
        self.mirror = Mirror(self.store, feed, KEY.signing_key, ORIGIN)
        keys = [LOG_KEY.verification_key]
        self.witness = Witness(path, KEY.cosigner, keys, lambda: NOW, self.mirror.hold)
        self.client: FlaskClient = make_mirror_app(self.witness, self.mirror).test_client()

    def close(self) -> None:
        """Stop the mirror."""
        self.witness.close()
        self.store.close()

    def submit(self, size: int | None = None) -> int:
        """Let the log send its newest checkpoint; return the status."""
        log, old = self.desk.log, self.witness.latest(ORIGIN).size
        size = len(log.entries) if size is None else size
        proof = consistency_proof(log.leaves()[:size], old, size)
        note = sign_note(log.checkpoint(size).to_bytes(), LOG_KEY)
        answer = self.client.post(
            "/add-checkpoint", data=Submission(old, tuple(proof), note).to_bytes()
        )
        self.last = answer
        return answer.status_code


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Return a mirror that has seen nothing, and a desk with three epochs."""
    house = House(tmp_path)
    house.desk.tick([make_event("street", 1)])
    house.desk.tick()
    house.desk.tick([make_event("street", 2), make_event("river", 1)])
    yield house
    house.close()


def ask(case_key: SigningKey = PETITIONER, office: str = ORIGIN) -> Note:
    """Return a petitioner's challenge."""
    public = PETITIONER.verification_key.public_key
    case = case_id(public, MAILBOX)
    challenge = Challenge(office, case, public, MAILBOX, seed("nonce"))
    return sign_note(challenge.to_bytes(), case_key)


def test_it_cosigns_what_it_holds(house: House) -> None:
    """All epochs are fetched, rebuilt and kept before the cosignature."""
    assert house.submit() == 200
    assert house.store.held().size == 3
    kept = list(house.store.epochs(0, 9))
    assert [record for record, _ in kept] == house.desk.log.entries
    assert [[leaf.decode() for leaf in leaves] for _, leaves in kept] == [
        epoch["leaves"] for epoch in house.desk.epochs
    ]


def test_it_fetches_only_what_is_new(house: House) -> None:
    """One call a tick; none for the same size again."""
    house.submit()
    house.desk.tick()
    house.wire.calls.clear()
    assert house.submit() == 200
    assert len(house.wire.calls) == 1
    assert house.submit() == 200
    assert len(house.wire.calls) == 1


def test_short_answers_are_asked_on(house: House) -> None:
    """A desk may give fewer epochs at a time than were asked for."""
    house.desk.most = 1
    assert house.submit() == 200
    assert house.store.held().size == 3


def test_an_office_that_withholds_epochs_gets_no_cosignature(house: House) -> None:
    """Logging and then withholding is answered by 503 until the epochs come."""
    house.desk.bend = lambda epochs: epochs[:2] if len(epochs) == 3 else []
    assert house.submit() == 503
    assert house.last.content_type == PROBLEM_TYPE
    assert int(house.last.headers["Retry-After"]) > 0
    assert house.witness.latest(ORIGIN).size == 0
    house.desk.bend = lambda epochs: epochs
    assert house.submit() == 200


def test_a_desk_that_is_down_is_waited_for(house: House) -> None:
    """No epochs, no cosignature."""
    house.wire.down = True
    assert house.submit() == 503


def test_a_desk_that_does_not_know_the_mirror_is_waited_for(house: House) -> None:
    """Until the roster names it."""
    house.desk.keys.clear()
    assert house.submit() == 503


Bend = Callable[[list[dict[str, object]]], object]


def change(**fields: object) -> Bend:
    """Return a desk's answer in which the first epoch is changed."""

    def bend(epochs: list[dict[str, object]]) -> object:
        epochs[0] |= fields
        return epochs

    return bend


MALFORMED: dict[str, Bend] = {
    "no list": lambda epochs: "epochs",
    "no objects": lambda epochs: ["epoch"],
    "an epoch twice": lambda epochs: [epochs[0], *epochs],
    "another number": change(index=7),
    "no record": change(record=None),
    "no leaves": change(leaves=None),
    "three leaves": change(leaves=["a", "b", "c"]),
    "leaves that are no texts": change(leaves=[1, 2, 3, 4]),
    "half a character": change(leaves=["\ud800"] * 4),
    "more than asked for": lambda epochs: [*epochs, epochs[-1] | {"index": 3}],
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_answer_is_no_answer(house: House, name: str) -> None:
    """A desk that talks nonsense is waited for; the log is not accused."""
    house.desk.bend = MALFORMED[name]
    assert house.submit() == 503
    assert house.store.incidents() == []


def test_leaves_that_do_not_give_their_record_are_refused(house: House) -> None:
    """Events of another epoch under a record are a contradiction, and the reason is kept."""
    house.desk.bend = change(leaves=house.desk.epochs[2]["leaves"])
    assert house.submit() == 422
    ((size, root, what),) = house.store.incidents()
    assert (size, root) == (3, house.desk.log.checkpoint().root)
    assert "do not give its record" in what


def test_a_leaf_that_is_neither_event_nor_empty_is_refused(house: House) -> None:
    """Nothing can hide in an epoch beside events and empties."""
    leaves = [b"something else\n", *(str(leaf).encode() for leaf in ("a", "b", "c"))]
    record = Record(events_root(leaves), bytes(32)).to_bytes()
    house.desk.epochs.append(
        {"index": 3, "record": record.decode(), "leaves": [leaf.decode() for leaf in leaves]}
    )
    house.desk.log.entries.append(record)
    assert house.submit() == 422
    assert "a leaf that is no event" in house.store.incidents()[0][2]


def test_records_that_are_not_the_logs_are_refused(house: House) -> None:
    """The desk shows the mirror another history than the one it signed."""
    other = SmallDesk(lambda: NOW)
    for _ in range(3):
        other.tick([make_event("hill", 1)])
    house.desk.bend = lambda epochs: other.epochs
    assert house.submit() == 422
    assert house.store.staged().size == 0


def test_a_second_event_for_one_number_is_refused(house: House) -> None:
    """A case that was forked between two epochs is found, and everything stays as it was."""
    house.submit()
    house.desk.tick([make_event("street", 3), make_event("street", 2, "another")])
    assert house.submit() == 422
    assert "epochs 2 and 3 hold two events 2 of one case" in house.store.incidents()[0][2]
    assert house.store.held().size == house.store.staged().size == 3
    assert house.store.newest(seed("street"))[0] == 2
    assert house.submit() == 422
    assert len(house.store.incidents()) == 1


def test_the_same_event_twice_is_refused(house: House) -> None:
    """An event enters the log once."""
    house.desk.tick([make_event("river", 1)])
    assert house.submit() == 422


def break_off(house: House, after: int) -> None:
    """Let the desk give so many answers, and then nonsense."""
    left = iter([True] * after)
    house.desk.bend = lambda epochs: epochs if next(left, False) else "nothing"


def test_a_long_way_back_is_walked_in_steps_that_last(house: House) -> None:
    """A fetch that breaks off goes on where it was, also after the mirror started again."""
    for _ in range(597):
        house.desk.tick()
    break_off(house, after=2)
    assert house.submit() == 503
    assert (house.store.staged().size, house.store.held().size) == (512, 0)
    house.close()
    house.start()
    house.desk.bend = lambda epochs: epochs
    house.wire.calls.clear()
    assert house.submit() == 200
    assert len(house.wire.calls) == 1


def test_what_was_staged_for_a_larger_checkpoint_is_fetched_again(house: House) -> None:
    """A checkpoint that never came to be does not stand in the way of the next."""
    for _ in range(297):
        house.desk.tick()
    break_off(house, after=1)
    house.submit()
    assert house.store.staged().size == 256
    house.desk.bend = lambda epochs: epochs
    assert house.submit(100) == 200
    assert house.store.staged().size == house.store.held().size == 100
    assert house.submit() == 200


def test_an_event_that_no_checkpoint_vouches_for_is_not_told(house: House) -> None:
    """What is staged may still turn out to be another history."""
    for _ in range(297):
        house.desk.tick()
    break_off(house, after=1)
    house.submit()
    assert house.store.newest(seed("street")) == (0, ZERO_HASH)
    house.desk.bend = lambda epochs: epochs
    house.submit()
    assert house.store.newest(seed("street")) == (2, make_event("street", 2).hash)


def test_two_checkpoints_at_once_are_fetched_one_after_the_other(house: House) -> None:
    """The second is told to come back soon."""
    entered, go_on = threading.Event(), threading.Event()

    def wait(epochs: list[dict[str, object]]) -> object:
        entered.set()
        assert go_on.wait(PATIENCE)
        return epochs

    house.desk.bend = wait
    statuses: list[int] = []
    first = threading.Thread(target=lambda: statuses.append(house.submit()))
    first.start()
    assert entered.wait(PATIENCE)
    assert house.submit() == 503
    assert house.last.headers["Retry-After"] == "10"
    go_on.set()
    first.join(PATIENCE)
    assert statuses == [200]


def test_a_head_names_the_newest_event_that_is_held(house: House) -> None:
    """The mirror signs it as a member."""
    case = case_id(PETITIONER.verification_key.public_key, MAILBOX)
    event = make_event("street", 1).to_bytes().decode().replace(seed("street").hex(), case.hex())
    house.desk.tick([Event.parse(event.encode())])
    house.submit()
    answer = house.client.post("/head", data=ask().to_bytes())
    note = Note.parse(answer.data)
    note.check([KEY.signing_key.verification_key])
    head = Head.parse(note.text)
    assert (head.holder, head.nonce, head.released) == ("mirror-1", seed("nonce"), ())
    assert (head.seen_number, head.seen_hash) == (1, Event.parse(event.encode()).hash)


def test_a_head_of_an_unknown_case_says_none(house: House) -> None:
    """Who asks proves that the case is hers; whether it is known is then no secret to her."""
    house.submit()
    head = Head.parse(Note.parse(house.client.post("/head", data=ask().to_bytes()).data).text)
    assert (head.seen_number, head.seen_hash) == (0, ZERO_HASH)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"nonsense", 400),
        (ask(SigningKey(CASE_KEY_NAME, seed("stranger"))).to_bytes(), 403),
        (ask(office="other.example/log").to_bytes(), 403),
        (bytes(MAX_CHALLENGE_NOTE_BYTES + 1), 413),
    ],
)
def test_a_challenge_that_is_none_is_refused(house: House, body: bytes, status: int) -> None:
    """Malformed, signed by a stranger, for another office, too long."""
    answer = house.client.post("/head", data=body)
    assert (answer.status_code, answer.content_type) == (status, PROBLEM_TYPE)


def test_challenges_that_wait_at_the_desk_are_answered(house: House) -> None:
    """Whoever cannot reach the mirror herself is answered by way of the desk."""
    stranger = ask(SigningKey(CASE_KEY_NAME, seed("stranger")))
    house.desk.challenges = ["nonsense", stranger.to_bytes().decode(), ask().to_bytes().decode()]
    assert ChallengePoll(house.http, DESK, house.mirror).poll() == 1
    (head,) = house.desk.heads
    Note.parse(head).check([KEY.signing_key.verification_key])


def test_a_desk_that_refuses_the_mirror_is_polled_again(house: House) -> None:
    """Until the roster names it."""
    house.desk.keys.clear()
    with pytest.raises(UnreachableError, match="answers 401 for work"):
        ChallengePoll(house.http, DESK, house.mirror).poll()


def test_a_poll_of_a_desk_that_is_down_is_tried_again(house: House) -> None:
    """The thread goes on."""
    poll, stop = ChallengePoll(house.http, DESK, house.mirror), threading.Event()
    house.wire.down = True
    with pytest.raises(UnreachableError):
        poll.poll()
    thread = threading.Thread(target=poll.run, args=(stop, 0.01))
    thread.start()
    house.wire.down = False
    house.desk.challenges = [ask().to_bytes().decode()]
    wait_until(lambda: house.desk.heads, "no head")
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
