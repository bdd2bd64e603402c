"""
How long a stranger needs to check one receipt offline, in a log of a million records.

The reference is what no checking can be done without: one signature of the log and three of the
witnesses, verified one after another.
"""

from __future__ import annotations

import datetime
import secrets
import statistics
import time
from collections.abc import Callable

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner, check_cosignature
from dengwen_audit.epoch import Record
from dengwen_audit.event import Event
from dengwen_audit.merkle import Hash, inclusion_root, leaf_hash
from dengwen_audit.note import COSIGNATURE_V1, Note, SigningKey, sign_note
from dengwen_audit.policy import Policy
from dengwen_audit.proof import LogProof
from dengwen_audit.receipt import Receipt, check_receipt
from dengwen_audit.text import HASH_SIZE

SIZE = 1_000_000  # records
EPOCH_DEPTH = 6  # an epoch of 64 leaves
ORIGIN = "bench.example/log"
WITNESSES = ("first", "second", "third", "fourth")
QUORUM = 3
ROUNDS = 300
NOW = 1_770_000_000


def measure() -> dict[str, float]:
    """Return medians in ms: the whole check, and its signatures alone."""
    log_key = SigningKey(ORIGIN, secrets.token_bytes(32))
    keys = [SigningKey(name, secrets.token_bytes(32), COSIGNATURE_V1) for name in WITNESSES]
    policy = Policy.parse(_policy_text(log_key, keys))
    receipt = _make_receipt(log_key, keys)
    data = receipt.to_bytes()
    checkpoint = receipt.proof.checkpoint

    def signatures() -> None:
        checkpoint.check([log_key.verification_key])
        for line, key in zip(checkpoint.signatures[1:], keys, strict=False):
            check_cosignature(line, key.verification_key, checkpoint.text)

    return {
        "receipt check ms": _median_ms(lambda: check_receipt(data, policy)),
        "its signatures alone ms": _median_ms(signatures),
        "receipt bytes": float(len(data)),
    }


def _policy_text(log_key: SigningKey, keys: list[SigningKey]) -> str:
    lines = [f"log {log_key.verification_key.to_text()}"]
    lines += [f"witness {key.name} {key.verification_key.to_text()}" for key in keys]
    lines += [f"group all {QUORUM} {' '.join(WITNESSES)}", "quorum all"]
    return "\n".join(lines) + "\n"


def _make_receipt(log_key: SigningKey, keys: list[SigningKey]) -> Receipt:
    """Make a receipt with a path of random hashes, and sign the root to which it leads."""
    event = Event(
        type="petition.received",
        case=secrets.token_bytes(HASH_SIZE),
        number=1,
        previous=secrets.token_bytes(HASH_SIZE),
        actor="office",
        day=datetime.date(2026, 1, 1),
        salt=secrets.token_bytes(HASH_SIZE),
        cause=secrets.token_bytes(HASH_SIZE),
    )
    path, roster = _random_hashes(EPOCH_DEPTH), secrets.token_bytes(HASH_SIZE)
    record = Record(inclusion_root(path, event.hash, 5, 1 << EPOCH_DEPTH), roster)
    index, proof = SIZE // 3, _random_hashes((SIZE - 1).bit_length())
    root = inclusion_root(proof, leaf_hash(record.to_bytes()), index, SIZE)
    note = _cosign(sign_note(Checkpoint(ORIGIN, SIZE, root).to_bytes(), log_key), keys)
    return Receipt(event, 5, tuple(path), roster, LogProof(None, index, tuple(proof), note))


def _cosign(note: Note, keys: list[SigningKey]) -> Note:
    return note.signed_by(*(Cosigner(key).cosign(note.text, NOW) for key in keys[:QUORUM]))


def _random_hashes(count: int) -> list[Hash]:
    return [Hash(secrets.token_bytes(HASH_SIZE)) for _ in range(count)]


def _median_ms(task: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        task()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000
