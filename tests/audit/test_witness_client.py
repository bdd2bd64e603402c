"""Tests of witness_client.py: what the log does with each answer of a witness."""

from collections.abc import Iterator
from pathlib import Path

import flask
import pytest
import requests

from dengwen_audit import policy, witness_client
from dengwen_audit.cosignature import Cosigner, check_cosignature
from dengwen_audit.errors import AuditError
from dengwen_audit.http_client import UnreachableError
from dengwen_audit.merkle import Hash
from dengwen_audit.witness import Witness
from dengwen_audit.witness_client import (
    IncidentError,
    WitnessAheadError,
    WitnessClient,
    WitnessRefusalError,
)
from dengwen_audit.witness_web import make_witness_app
from tests.audit.memory_log import MemoryLog, cosigning_key, signing_key
from tests.patience import PATIENCE
from tests.wsgi_adapter import WsgiAdapter

KEY = cosigning_key("hill.example/witness", 7)
URL = "https://hill.example"
NOW = 1_750_000_000


@pytest.fixture
def log() -> MemoryLog:
    """Return a log of 20 entries."""
    return MemoryLog(20)


@pytest.fixture
def witness(tmp_path: Path, log: MemoryLog) -> Iterator[Witness]:
    """Return a real witness."""
    keys = [log.key.verification_key]
    witness = Witness(tmp_path / "witness.sqlite", Cosigner(KEY), keys, lambda: NOW)
    yield witness
    witness.close()


def connect(app: flask.Flask) -> tuple[WitnessClient, WsgiAdapter]:
    """Return a client of the witness that *app* is, and the wire between them."""
    wire, session = WsgiAdapter(app), requests.Session()
    session.mount(URL, wire)
    described = policy.Witness("hill", KEY.verification_key, URL + "/")
    return WitnessClient(described, session, timeout=PATIENCE), wire


def answering(*answers: tuple[str, int]) -> flask.Flask:
    """Return a witness that gives these *answers* in turn, whatever it is asked."""
    app, turn = flask.Flask("scripted"), iter(answers)

    @app.post("/add-checkpoint")
    @app.get("/monitoring/<origin_hash>/checkpoint")
    def answer(origin_hash: str = "") -> tuple[str, int]:
        return next(turn)

    return app


def test_a_witness_that_knows_nothing_cosigns(witness: Witness, log: MemoryLog) -> None:
    """The first call asks from 0; what comes back verifies."""
    client, wire = connect(make_witness_app(witness))
    signature = client.cosign(log.note(5), log.prove)
    assert check_cosignature(signature, KEY.verification_key, log.note(5).text) == NOW
    assert len(wire.calls) == 1


def test_the_size_is_remembered(witness: Witness, log: MemoryLog) -> None:
    """After the first time one call is enough, for the next size and for the same."""
    client, wire = connect(make_witness_app(witness))
    for size in (5, 6, 13, 13):
        client.cosign(log.note(size), log.prove)
    assert len(wire.calls) == 4


def test_a_client_that_forgot_learns_the_size_from_409(witness: Witness, log: MemoryLog) -> None:
    """A log that starts again asks from 0, is told the size, and proves from there."""
    connect(make_witness_app(witness))[0].cosign(log.note(5), log.prove)
    client, wire = connect(make_witness_app(witness))
    client.cosign(log.note(13), log.prove)
    assert len(wire.calls) == 2
    assert witness.latest(log.key.name) == log.checkpoint(13)


def test_an_answer_that_was_lost_is_asked_for_again(witness: Witness, log: MemoryLog) -> None:
    """The witness recorded, but we never heard: the next call learns the size and goes on."""
    client, wire = connect(make_witness_app(witness))
    wire.lose_answers = True
    with pytest.raises(UnreachableError):
        client.cosign(log.note(5), log.prove)
    wire.lose_answers = False
    client.cosign(log.note(5), log.prove)
    assert witness.latest(log.key.name).size == 5


def test_a_witness_that_is_ahead_stops_us(witness: Witness, log: MemoryLog) -> None:
    """It has cosigned entries that we do not hold."""
    connect(make_witness_app(witness))[0].cosign(log.note(13), log.prove)
    client, _ = connect(make_witness_app(witness))
    with pytest.raises(WitnessAheadError, match="size 13, and we hold only 5"):
        client.cosign(log.note(5), log.prove)


def test_a_witness_that_saw_another_history_stops_us(witness: Witness, log: MemoryLog) -> None:
    """422 is never retried."""
    fork = MemoryLog(20, fork="!")
    connect(make_witness_app(witness))[0].cosign(fork.note(5), fork.prove)
    client, wire = connect(make_witness_app(witness))
    with pytest.raises(IncidentError, match="another history"):
        client.cosign(log.note(13), log.prove)
    assert len(wire.calls) == 2


def test_the_size_shown_to_monitors_can_be_asked(witness: Witness, log: MemoryLog) -> None:
    """0 before the first checkpoint, then the size of the last."""
    client, _ = connect(make_witness_app(witness))
    assert client.size(log.key.verification_key) == 0
    client.cosign(log.note(5), log.prove)
    assert client.size(log.key.verification_key) == 5


def test_a_shown_size_counts_only_with_the_logs_signature(log: MemoryLog) -> None:
    """No witness can stop a log by claiming that it is ahead."""
    forged = log.note(13).to_bytes().decode()
    client, _ = connect(answering((forged, 200)))
    with pytest.raises(WitnessRefusalError):
        client.size(signing_key(log.key.name, 9).verification_key)


@pytest.mark.parametrize(("status", "kind"), [(403, WitnessRefusalError), (503, UnreachableError)])
def test_a_witness_that_shows_nothing_was_not_asked(
    log: MemoryLog, status: int, kind: type[AuditError]
) -> None:
    """Only 404 means that it has seen nothing."""
    client, _ = connect(answering(("", status)))
    with pytest.raises(kind):
        client.size(log.key.verification_key)


COSIGN_ANSWERS: dict[str, tuple[tuple[str, int], type[AuditError]]] = {
    "malformed": (("", 400), WitnessRefusalError),
    "signature": (("", 403), WitnessRefusalError),
    "unknown log": (("", 404), WitnessRefusalError),
    "a redirect": (("", 308), WitnessRefusalError),
    "too many requests": (("", 429), UnreachableError),
    "crashed": (("", 500), UnreachableError),
    "a mirror that lacks events": (("", 503), UnreachableError),
    "no size": (("five\n", 409), WitnessRefusalError),
    "larger": (("14\n", 409), WitnessAheadError),
    "inconsistent": (("", 422), IncidentError),
    "no cosignature": (("", 200), WitnessRefusalError),
    "nonsense": (("\u2014 hill.example/witness AAAA\n", 200), WitnessRefusalError),
    "endless": (("x" * 70_000, 200), UnreachableError),
}


@pytest.mark.parametrize("name", COSIGN_ANSWERS)
def test_each_answer_means_wait_look_or_stop(log: MemoryLog, name: str) -> None:
    """The class of the error tells the log what to do next."""
    answer, expected = COSIGN_ANSWERS[name]
    client, _ = connect(answering(answer))
    with pytest.raises(AuditError) as caught:
        client.cosign(log.note(13), log.prove)
    assert type(caught.value) is expected


def test_409_without_a_size_at_the_same_size_is_a_fork(witness: Witness, log: MemoryLog) -> None:
    """Witnesses of the protocol before v1.0.0 say so when the root is another."""
    good = connect(make_witness_app(witness))[0].cosign(log.note(5), log.prove).to_line()
    client, _ = connect(answering((good, 200), ("root is different", 409)))
    client.cosign(log.note(5), log.prove)
    with pytest.raises(IncidentError, match="409 without a size"):
        client.cosign(log.note(5), log.prove)


def test_a_cosignature_of_another_checkpoint_is_refused(witness: Witness, log: MemoryLog) -> None:
    """A witness cannot answer with something it signed before."""
    other = connect(make_witness_app(witness))[0].cosign(log.note(5), log.prove).to_line()
    client, _ = connect(answering((other, 200)))
    with pytest.raises(WitnessRefusalError):
        client.cosign(log.note(13), log.prove)


def test_lines_by_other_keys_are_passed_over(witness: Witness, log: MemoryLog) -> None:
    """One address may speak for several witnesses."""
    ours = connect(make_witness_app(witness))[0].cosign(log.note(5), log.prove)
    theirs = signing_key("lake.example/witness", 9).sign(log.note(5).text)
    client, _ = connect(answering((theirs.to_line() + ours.to_line(), 200)))
    assert client.cosign(log.note(5), log.prove) == ours


def test_a_witness_that_changes_its_size_each_time_is_left_alone(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three calls, then the next tick."""
    monkeypatch.setattr(witness_client, "RETRY_SECONDS", (0.0, 0.0))
    client, wire = connect(answering(("3\n", 409), ("4\n", 409), ("3\n", 409)))
    with pytest.raises(UnreachableError):
        client.cosign(log.note(13), log.prove)
    assert len(wire.calls) == 3


def test_nobody_listens(log: MemoryLog) -> None:
    """Then the next tick asks again."""
    client, wire = connect(answering())
    wire.down = True
    with pytest.raises(UnreachableError):
        client.cosign(log.note(5), log.prove)
    with pytest.raises(UnreachableError):
        client.size(log.key.verification_key)


def test_a_proof_is_asked_for_only_where_one_belongs(witness: Witness, log: MemoryLog) -> None:
    """Neither from 0 nor to the same size."""
    asked: list[tuple[int, int]] = []

    def prove(old_size: int, size: int) -> list[Hash]:
        asked.append((old_size, size))
        return log.prove(old_size, size)

    client, _ = connect(make_witness_app(witness))
    for size in (5, 5, 13):
        client.cosign(log.note(size), prove)
    assert asked == [(5, 13)]
