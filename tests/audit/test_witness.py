"""Tests of witness.py and witness_web.py: the status table, row by row, and what is remembered."""

import base64
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner, check_cosignature
from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note, NoteSignature, sign_note
from dengwen_audit.problems import PROBLEM_TYPE
from dengwen_audit.witness import (
    MAX_BODY_BYTES,
    ConflictError,
    Submission,
    UnknownLogError,
    Witness,
    hash_origin,
)
from dengwen_audit.witness_web import make_witness_app
from tests.audit.memory_log import ORIGIN, MemoryLog, cosigning_key, signing_key
from tests.patience import PATIENCE

KEY = cosigning_key("hill.example/witness", 7)
NOW = 1_750_000_000


class Clock:
    """A clock that a test sets."""

    now: float = NOW

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def log() -> MemoryLog:
    """Return a log of 20 entries."""
    return MemoryLog(20)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def witness(tmp_path: Path, log: MemoryLog, clock: Clock) -> Iterator[Witness]:
    """Return a witness that knows the log and has not seen it yet."""
    witness = Witness(tmp_path / "witness.sqlite", Cosigner(KEY), [log.key.verification_key], clock)
    yield witness
    witness.close()


@pytest.fixture
def client(witness: Witness) -> FlaskClient:
    """Call the witness over HTTP, without a socket."""
    return make_witness_app(witness).test_client()


def send(client: FlaskClient, body: bytes) -> TestResponse:
    """Send a submission."""
    return client.post("/add-checkpoint", data=body)


def read_time(answer: TestResponse, note: Note) -> int:
    """Check the one cosignature in an answer, and return its time."""
    assert answer.status_code == 200
    (line,) = answer.text.splitlines()
    return check_cosignature(NoteSignature.parse(line), KEY.verification_key, note.text)


def test_200_the_first_checkpoint_is_cosigned(client: FlaskClient, log: MemoryLog) -> None:
    """A witness that never saw the log takes its first checkpoint with old 0 and no proof."""
    assert read_time(send(client, log.submission(0, 5)), log.note(5)) == NOW


def test_200_an_extension_is_cosigned(client: FlaskClient, log: MemoryLog, clock: Clock) -> None:
    """Each next checkpoint comes with its proof from the last."""
    send(client, log.submission(0, 5))
    clock.now += 60.9
    assert read_time(send(client, log.submission(5, 13)), log.note(13)) == NOW + 60


def test_200_the_same_size_again_gets_a_fresh_time(
    client: FlaskClient, log: MemoryLog, clock: Clock
) -> None:
    """So an idle log stays provably fresh."""
    send(client, log.submission(0, 5))
    clock.now += 3600
    assert read_time(send(client, log.submission(5, 5)), log.note(5)) == NOW + 3600


def test_200_the_empty_log_is_cosigned(client: FlaskClient, log: MemoryLog) -> None:
    """Size 0 with the empty tree's root, twice, and then the first entries."""
    assert read_time(send(client, log.submission(0, 0)), log.note(0)) == NOW
    assert read_time(send(client, log.submission(0, 0)), log.note(0)) == NOW
    assert read_time(send(client, log.submission(0, 3)), log.note(3)) == NOW


def test_200_signatures_by_unknown_keys_are_passed_over(
    client: FlaskClient, log: MemoryLog
) -> None:
    """They are neither judged nor kept."""
    stranger = signing_key("stranger.example/log", 9).sign(log.note(5).text)
    note = Note(log.note(5).text, (stranger, *log.note(5).signatures))
    assert read_time(send(client, Submission(0, (), note).to_bytes()), note) == NOW
    shown = client.get(f"/monitoring/{hash_origin(ORIGIN)}/checkpoint")
    assert "stranger" not in shown.text


MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda body: b"",
    "no old line": lambda body: body.removeprefix(b"old 5\n"),
    "another word": lambda body: body.replace(b"old 5", b"new 5"),
    "a leading zero": lambda body: body.replace(b"old 5", b"old 05"),
    "a negative size": lambda body: body.replace(b"old 5", b"old -5"),
    "two spaces": lambda body: body.replace(b"old 5", b"old  5"),
    "no empty line": lambda body: body.replace(b"\n\n", b"\n"),
    "a proof line that is no base64": lambda body: body.replace(b"old 5\n", b"old 5\n!!!!\n"),
    "a proof line of 31 bytes": lambda body: body.replace(
        b"old 5\n", b"old 5\n" + base64.b64encode(bytes(31)) + b"\n"
    ),
    "64 proof lines": lambda body: body.replace(
        b"old 5\n", b"old 5\n" + 64 * (base64.b64encode(bytes(32)) + b"\n")
    ),
    "a note without signature": lambda body: body[: body.rindex("\u2014".encode())],
    "an extension line": lambda body: body.replace("\n\n\u2014".encode(), "\nx\n\n\u2014".encode()),
    "not UTF-8": lambda body: body.replace(b"old 5\n", b"old 5\n\xff\n"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_400_malformed(client: FlaskClient, log: MemoryLog, name: str) -> None:
    """Each way to misspell a submission is refused, and nothing is recorded."""
    send(client, log.submission(0, 5))
    body = log.submission(5, 13)
    answer = send(client, MALFORMED[name](body))
    assert (answer.status_code, answer.content_type) == (400, PROBLEM_TYPE)
    assert send(client, body).status_code == 200


def test_400_the_old_size_is_larger_than_the_checkpoint(
    client: FlaskClient, log: MemoryLog
) -> None:
    """Backwards is never consistent."""
    send(client, log.submission(0, 13))
    assert send(client, Submission(13, (), log.note(5)).to_bytes()).status_code == 400


def test_403_no_signature_by_the_log(client: FlaskClient, log: MemoryLog) -> None:
    """A checkpoint that only a stranger signed is nobody's word."""
    note = sign_note(log.note(5).text, signing_key("stranger.example/log", 9))
    answer = send(client, Submission(0, (), note).to_bytes())
    assert (answer.status_code, answer.content_type) == (403, PROBLEM_TYPE)


def test_403_a_wrong_signature_by_the_log(client: FlaskClient, log: MemoryLog) -> None:
    """A line by the known key that does not verify condemns the note."""
    note = Note(log.note(6).text, log.note(5).signatures)
    assert send(client, Submission(0, (), note).to_bytes()).status_code == 403


def test_404_an_unknown_log(client: FlaskClient) -> None:
    """Another origin is another log, whoever signed."""
    key = signing_key("other.example/log")
    text = Checkpoint("other.example/log", 1, Hash(bytes(32))).to_bytes()
    answer = send(client, Submission(0, (), sign_note(text, key)).to_bytes())
    assert (answer.status_code, answer.content_type) == (404, PROBLEM_TYPE)


@pytest.mark.parametrize("old_size", [0, 4, 6, 13])
def test_409_another_old_size(client: FlaskClient, log: MemoryLog, old_size: int) -> None:
    """The answer is the size to reckon from, in the type that logs expect."""
    send(client, log.submission(0, 5))
    answer = send(client, log.submission(old_size, 13))
    assert (answer.status_code, answer.text) == (409, "5\n")
    assert answer.content_type == "text/x.tlog.size"


def test_409_an_old_size_that_was_never_cosigned(client: FlaskClient, log: MemoryLog) -> None:
    """A witness that knows nothing answers 0."""
    answer = send(client, log.submission(5, 13))
    assert (answer.status_code, answer.text) == (409, "0\n")


def test_422_a_fork(client: FlaskClient, log: MemoryLog) -> None:
    """Another history, with its own perfect proof, does not extend what was cosigned."""
    send(client, log.submission(0, 5))
    fork = MemoryLog(20, fork="!")
    answer = send(client, fork.submission(5, 13))
    assert (answer.status_code, answer.content_type) == (422, PROBLEM_TYPE)


def test_422_a_mangled_proof(client: FlaskClient, log: MemoryLog) -> None:
    """One bit is enough; so is one hash more or less."""
    send(client, log.submission(0, 5))
    proof = log.prove(5, 13)
    flipped = Hash(bytes([proof[0][0] ^ 1]) + proof[0][1:])
    for wrong in ([flipped, *proof[1:]], proof[1:], [*proof, proof[0]], []):
        body = Submission(5, tuple(wrong), log.note(13)).to_bytes()
        assert send(client, body).status_code == 422
    assert send(client, log.submission(5, 13)).status_code == 200


def test_422_another_root_for_the_same_size(client: FlaskClient, log: MemoryLog) -> None:
    """Two roots for one size are a fork."""
    send(client, log.submission(0, 5))
    fork = MemoryLog(20, fork="!")
    assert send(client, fork.submission(5, 5)).status_code == 422


def test_422_a_proof_where_none_belongs(client: FlaskClient, log: MemoryLog) -> None:
    """From 0, and to the same size, the proof is empty."""
    proof = tuple(log.prove(5, 13))
    assert send(client, Submission(0, proof, log.note(13)).to_bytes()).status_code == 422
    send(client, log.submission(0, 5))
    assert send(client, Submission(5, proof, log.note(5)).to_bytes()).status_code == 422


def test_422_an_empty_tree_with_another_root(client: FlaskClient, log: MemoryLog) -> None:
    """The root of nothing is no matter of choice."""
    root = base64.b64encode(bytes(32)).decode()
    note = sign_note(f"{ORIGIN}\n0\n{root}\n".encode(), log.key)
    assert send(client, Submission(0, (), note).to_bytes()).status_code == 422


def test_400_an_empty_tree_with_no_root(client: FlaskClient, log: MemoryLog) -> None:
    """What is no hash at all is malformed rather than inconsistent."""
    note = sign_note(f"{ORIGIN}\n0\nAAAA\n".encode(), log.key)
    assert send(client, Submission(0, (), note).to_bytes()).status_code == 400


def test_413_a_body_over_the_limit(client: FlaskClient) -> None:
    """128 KiB hold the largest submission several times."""
    answer = send(client, bytes(MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.content_type) == (413, PROBLEM_TYPE)


def test_the_evidence_of_a_fork_is_kept(witness: Witness, log: MemoryLog) -> None:
    """A signed checkpoint that contradicts another is a proof that must not be thrown away."""
    client = make_witness_app(witness).test_client()
    send(client, log.submission(0, 5))
    fork = MemoryLog(20, fork="!")
    send(client, fork.submission(5, 13))
    send(client, fork.submission(5, 13))
    assert witness.evidence() == [fork.note(13).to_bytes()]


def test_monitors_see_what_was_cosigned_last(client: FlaskClient, log: MemoryLog) -> None:
    """The log's signature and the witness's, on the last checkpoint, and nothing before."""
    url = f"/monitoring/{hash_origin(ORIGIN)}/checkpoint"
    assert client.get(url).status_code == 404
    send(client, log.submission(0, 5))
    send(client, log.submission(5, 13))
    shown = Note.parse(client.get(url).data)
    assert shown.text == log.note(13).text
    shown.check([log.key.verification_key])
    assert check_cosignature(shown.signatures[-1], KEY.verification_key, shown.text) == NOW
    assert client.get(f"/monitoring/{'0' * 64}/checkpoint").status_code == 404


def test_the_memory_outlives_the_process(tmp_path: Path, log: MemoryLog, clock: Clock) -> None:
    """A witness that starts again refuses the fork that it refused before."""
    path, keys = tmp_path / "witness.sqlite", [log.key.verification_key]
    first = Witness(path, Cosigner(KEY), keys, clock)
    first.add_checkpoint(log.submission(0, 5))
    first.close()
    second = Witness(path, Cosigner(KEY), keys, clock)
    assert second.latest(ORIGIN) == log.checkpoint(5)
    with pytest.raises(ConflictError):
        second.add_checkpoint(MemoryLog(20, fork="!").submission(0, 5))
    second.close()


def test_a_log_that_is_no_longer_witnessed_is_unknown(
    tmp_path: Path, log: MemoryLog, clock: Clock
) -> None:
    """Its memory stays, in case it comes back."""
    path = tmp_path / "witness.sqlite"
    first = Witness(path, Cosigner(KEY), [log.key.verification_key], clock)
    first.add_checkpoint(log.submission(0, 5))
    first.close()
    second = Witness(path, Cosigner(KEY), [], clock)
    with pytest.raises(UnknownLogError):
        second.latest(ORIGIN)
    second.close()
    third = Witness(path, Cosigner(KEY), [log.key.verification_key], clock)
    assert third.latest(ORIGIN).size == 5
    third.close()


def test_several_logs_do_not_mix(tmp_path: Path, log: MemoryLog, clock: Clock) -> None:
    """Each origin has its own memory."""
    other = signing_key("other.example/log", 3)
    keys = [log.key.verification_key, other.verification_key]
    witness = Witness(tmp_path / "witness.sqlite", Cosigner(KEY), keys, clock)
    witness.add_checkpoint(log.submission(0, 5))
    text = Checkpoint("other.example/log", 9, Hash(bytes(32))).to_bytes()
    witness.add_checkpoint(Submission(0, (), sign_note(text, other)).to_bytes())
    assert (witness.latest(ORIGIN).size, witness.latest("other.example/log").size) == (5, 9)
    witness.close()


def test_of_two_forks_that_arrive_together_one_is_cosigned(
    tmp_path: Path, log: MemoryLog, clock: Clock
) -> None:
    """Both pass the proof before either is recorded; compare-and-swap lets one through."""
    both_checked = threading.Barrier(2)

    def wait_for_the_other(_last: Checkpoint, _new: Checkpoint) -> None:
        both_checked.wait(PATIENCE)

    witness = Witness(
        tmp_path / "witness.sqlite",
        Cosigner(KEY),
        [log.key.verification_key],
        clock,
        hold=wait_for_the_other,
    )
    outcomes: list[str] = []

    def submit(body: bytes) -> None:
        try:
            witness.add_checkpoint(body)
            outcomes.append("cosigned")
        except ConflictError as error:
            outcomes.append(f"conflict at {error.size}")

    bodies = (log.submission(0, 5), MemoryLog(20, fork="!").submission(0, 5))
    threads = [threading.Thread(target=submit, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(outcomes) == ["conflict at 5", "cosigned"]
    witness.close()


def test_a_signature_is_kept_back_if_it_could_not_be_recorded(
    tmp_path: Path, log: MemoryLog, clock: Clock
) -> None:
    """Without memory there is no cosignature."""
    witness = Witness(tmp_path / "witness.sqlite", Cosigner(KEY), [log.key.verification_key], clock)
    with witness._database.transaction() as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    answer = send(make_witness_app(witness).test_client(), log.submission(0, 5))
    assert answer.status_code == 500
    assert "hill.example" not in answer.text
    assert witness.latest(ORIGIN).size == 0
    witness.close()


def test_a_submission_has_one_spelling(log: MemoryLog) -> None:
    """What parses is spelt as it came."""
    body = log.submission(5, 13)
    assert Submission.parse(body).to_bytes() == body
