"""The vector files are what their makers make, and every reader judges each case as it says."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import check_cosignature
from dengwen_audit.epoch import Epoch, Record, padded_count
from dengwen_audit.errors import AuditError, PolicyError, ProofError, SignatureError
from dengwen_audit.event import Event, check_chain
from dengwen_audit.merkle import Hash, check_consistency, check_inclusion, leaf_hash, root
from dengwen_audit.note import Note, NoteSignature, VerificationKey
from dengwen_audit.policy import Policy
from dengwen_audit.proof import LogProof
from dengwen_audit.receipt import Receipt, check_latest, check_receipt
from dengwen_audit.text import TextError
from tests.mangling import Spelt
from tests.vectors.log_vectors import FOLDER, vectors
from tests.vectors.spelling import to_json

NAMES = list(vectors())
ERRORS: dict[str, type[AuditError]] = {
    "format": TextError,
    "signature": SignatureError,
    "policy": PolicyError,
    "proof": ProofError,
}


def load(name: str) -> dict[str, list[dict[str, str]]]:
    """Read one vector file."""
    content: dict[str, list[dict[str, str]]] = json.loads(
        (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    )
    return content


def cases(name: str, key: str = "cases") -> pytest.MarkDecorator:
    """Run a test on each case of a file, named by its comment."""
    return pytest.mark.parametrize("case", load(name)[key], ids=lambda case: str(case["comment"]))


def judge(expect: str, check: Callable[[], object]) -> None:
    """Check that *check* does what a case expects of it."""
    if expect == "ok":
        check()
        return
    with pytest.raises(AuditError) as refusal:
        check()
    assert isinstance(refusal.value, ERRORS[expect])


def judge_spelling(expect: str, text: str, parse: Callable[[bytes], Spelt]) -> None:
    """Check that *text* is refused as expected, or read and written back."""
    judge(expect, lambda: parse(text.encode()))
    if expect == "ok":
        assert parse(text.encode()).to_bytes() == text.encode()


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_made_again_byte_for_byte(name: str) -> None:
    """Nothing in them comes from chance, from a clock or from another project."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == to_json(vectors()[name])


def test_the_trees_have_the_roots_and_proofs_of_the_file() -> None:
    """Every size has its root, and each proof leads there."""
    file = json.loads((FOLDER / "merkle.json").read_text(encoding="utf-8"))
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in file["entries"]]
    roots = [Hash(bytes.fromhex(value)) for value in file["roots"]]
    assert roots == [root(leaves[:size]) for size in range(len(leaves) + 1)]
    for case in file["inclusion"]:
        proof = [Hash(bytes.fromhex(value)) for value in case["proof"]]
        size, index = case["size"], case["index"]
        check_inclusion(proof, leaves[index], index, size, roots[size])
    for case in file["consistency"]:
        proof = [Hash(bytes.fromhex(value)) for value in case["proof"]]
        old, size = case["old"], case["size"]
        check_consistency(proof, old, roots[old], size, roots[size])


@cases("checkpoint")
def test_checkpoints(case: dict[str, str]) -> None:
    """Three lines, and no others."""
    judge_spelling(case["expect"], case["text"], Checkpoint.parse)


@cases("cosignature")
def test_cosignatures(case: dict[str, str]) -> None:
    """By this witness, of this text, at its time."""
    file = json.loads((FOLDER / "cosignature.json").read_text(encoding="utf-8"))
    key, text = VerificationKey.parse(file["key"]), file["text"].encode()
    line = NoteSignature.parse(case["line"].removesuffix("\n"))
    judge(case["expect"], lambda: check_cosignature(line, key, text))
    if case["expect"] == "ok":
        assert check_cosignature(line, key, text) == int(case["time"])


@cases("policy", "files")
def test_policies(case: dict[str, str]) -> None:
    """The whole grammar, and nothing beside it."""
    judge(case["expect"], lambda: Policy.parse(case["policy"]))
    if case["expect"] == "ok":
        policy = Policy.parse(case["policy"])
        assert policy.minimum_witnesses() == int(case["minimum"])
        assert policy.to_text() == case["policy"]


@cases("policy", "checks")
def test_checkpoints_under_a_policy(case: dict[str, str]) -> None:
    """Signed by the log, cosigned by enough witnesses."""
    policy, note = Policy.parse(case["policy"]), Note.parse(case["note"].encode())
    judge(case["expect"], lambda: policy.check(note))


@cases("event")
def test_events(case: dict[str, str]) -> None:
    """Each in its one spelling, each with its hash."""
    judge_spelling(case["expect"], case["event"], Event.parse)
    if case["expect"] == "ok":
        assert Event.parse(case["event"].encode()).hash.hex() == case["hash"]


def test_the_events_of_the_file_form_a_chain() -> None:
    """The first three, under the manifest's hash."""
    file = json.loads((FOLDER / "event.json").read_text(encoding="utf-8"))
    events = [Event.parse(case["event"].encode()) for case in file["cases"][:3]]
    check_chain(events, bytes.fromhex(file["first_previous"]))


def test_the_epoch_of_the_file_is_built_again() -> None:
    """The same events, seed and roster give the same leaves, places and root."""
    file = json.loads((FOLDER / "epoch.json").read_text(encoding="utf-8"))
    events = [event.encode() for event in file["events"]]
    seed, roster = bytes.fromhex(file["seed"]), bytes.fromhex(file["roster"])
    epoch = Epoch.build(events, seed, roster)
    assert [leaf.decode() for leaf in epoch.leaves] == file["leaves"]
    assert list(epoch.positions) == file["positions"]
    assert epoch.record.events_root.hex() == file["events_root"]
    assert [[count, padded_count(count)] for count, _ in file["padded"]] == file["padded"]


@cases("epoch", "records")
def test_records(case: dict[str, str]) -> None:
    """A constant length, one spelling."""
    judge_spelling(case["expect"], case["record"], Record.parse)


@cases("proof")
def test_proofs(case: dict[str, str]) -> None:
    """The entry is in the log, or the proof says why not."""
    file = json.loads((FOLDER / "proof.json").read_text(encoding="utf-8"))
    policy, entry = Policy.parse(file["policy"]), file["entry"].encode()
    data = case["proof"].encode()
    judge(case["expect"], lambda: LogProof.parse(data).check(policy, entry))
    if case["expect"] != "format":
        assert LogProof.parse(data).to_bytes() == data


@cases("receipt")
def test_receipts(case: dict[str, str]) -> None:
    """The event was logged, or the receipt is refused."""
    file = json.loads((FOLDER / "receipt.json").read_text(encoding="utf-8"))
    policy, data = Policy.parse(file["policy"]), case["receipt"].encode()
    judge(case["expect"], lambda: check_receipt(data, policy))
    if case["expect"] == "ok":
        assert check_receipt(data, policy).event.to_bytes().decode() == file["event"]
    if case["expect"] != "format":
        assert Receipt.parse(data).to_bytes() == data


@cases("receipt", "latest")
def test_latest_proofs(case: dict[str, str]) -> None:
    """The record is the last, and the witnesses said so of late."""
    file = json.loads((FOLDER / "receipt.json").read_text(encoding="utf-8"))
    policy, data = Policy.parse(file["policy"]), case["proof"].encode()
    judge(case["expect"], lambda: check_latest(data, policy, file["now"], 3600))
    if case["expect"] == "ok":
        last_moment = file["median_time"] + 3600
        assert check_latest(data, policy, last_moment, 3600)
        judge("policy", lambda: check_latest(data, policy, last_moment + 1, 3600))
