"""Tests of receipt.py: a stranger is convinced by a receipt and by nothing near it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.epoch import Record
from dengwen_audit.errors import AuditError, PolicyError, ProofError
from dengwen_audit.merkle import Hash
from dengwen_audit.receipt import (
    MAX_CLOCK_SKEW,
    Receipt,
    StaleError,
    build_latest,
    build_receipt,
    check_latest,
    check_receipt,
)
from dengwen_audit.text import TextError
from tests.mangling import byte_flips, mangled, refuses_or_respells
from tests.small_log import NAMES, NOON, POLICY, seed
from tests.vectors.samples import sample_epoch, sample_events, sample_log

LOG, EPOCH = sample_log(), sample_epoch()
ROSTER = seed("roster")
PROOF = LOG.proof(6)
RECEIPT = build_receipt(EPOCH.leaves, EPOCH.positions[1], ROSTER, PROOF)
LAST = Record.parse(LOG.entries[10])
LATEST = build_latest(LAST, LOG.proof(10))


def test_every_event_of_an_epoch_has_its_receipt() -> None:
    """It tells the event, its record, and where and when it was logged."""
    for position in EPOCH.positions:
        receipt = build_receipt(EPOCH.leaves, position, ROSTER, PROOF)
        checked = check_receipt(receipt.to_bytes(), POLICY)
        assert checked.event.to_bytes() == EPOCH.leaves[position]
        assert (checked.record, checked.index) == (EPOCH.record, 6)
        assert checked.cosigned.checkpoint == LOG.checkpoint()


def test_a_changed_byte_anywhere_is_refused() -> None:
    """Of the extra too, although the log proof by itself does not vouch for it."""
    for twin in byte_flips(RECEIPT.to_bytes()):
        with pytest.raises(AuditError):
            check_receipt(twin, POLICY)


@given(mangled(RECEIPT.to_bytes()))
def test_a_receipt_is_read_only_in_its_one_spelling(twin: bytes) -> None:
    """Whatever is accepted is spelt exactly so."""
    assert refuses_or_respells(Receipt.parse, twin)


@given(mangled(RECEIPT.to_bytes()))
def test_a_twin_that_still_checks_proves_the_same(twin: bytes) -> None:
    """Signature lines may be swapped; event, record and index may not."""
    try:
        checked = check_receipt(twin, POLICY)
    except AuditError:
        return
    assert (checked.event, checked.record, checked.index) == (RECEIPT.event, EPOCH.record, 6)


@given(mangled(RECEIPT.to_bytes().split(b"\n")[1]))
def test_no_extra_breaks_the_parser(extra: bytes) -> None:
    """It refuses with its own error, whatever comes along with a good proof."""
    lines = RECEIPT.to_bytes().split(b"\n")
    twin = b"\n".join([lines[0], extra, *lines[2:]])
    assert refuses_or_respells(Receipt.parse, twin)


def test_an_empty_leaf_has_no_receipt() -> None:
    """Nothing happened there."""
    place = next(n for n in range(16) if n not in EPOCH.positions)
    with pytest.raises(TextError):
        build_receipt(EPOCH.leaves, place, ROSTER, PROOF)


def test_an_event_that_was_not_logged_has_no_receipt() -> None:
    """An epoch of the forger's own making leads to a record that is not in the log."""
    forged = replace(sample_events()[1], actor="reviewer-8").to_bytes()
    leaves = list(EPOCH.leaves)
    leaves[EPOCH.positions[1]] = forged
    receipt = build_receipt(leaves, EPOCH.positions[1], ROSTER, PROOF)
    with pytest.raises(ProofError):
        check_receipt(receipt.to_bytes(), POLICY)


def test_the_record_of_a_tree_of_another_shape_is_refused() -> None:
    """An inner node cannot pass for a leaf, nor a taller tree for the epoch's."""
    shorter = replace(RECEIPT, path=RECEIPT.path[:-2], leaf=RECEIPT.leaf % 4)
    taller = replace(RECEIPT, path=(*RECEIPT.path, Hash(seed("a")), Hash(seed("b"))))
    for twin in (shorter, taller):
        with pytest.raises(ProofError):
            check_receipt(twin.to_bytes(), POLICY)


def test_too_few_witnesses_make_no_receipt() -> None:
    """Nor does a log that signs alone."""
    for names in (NAMES[:3], ()):
        receipt = replace(RECEIPT, proof=replace(PROOF, checkpoint=LOG.note(names)))
        with pytest.raises(PolicyError):
            check_receipt(receipt.to_bytes(), POLICY)


def test_the_latest_record_is_proved_while_it_is_fresh() -> None:
    """By the median of the witnesses' times, to the second."""
    record, cosigned = check_latest(LATEST, POLICY, NOON + 1, 600)
    assert record == LAST
    median = cosigned.median_time
    for now in (median + 600, median - MAX_CLOCK_SKEW):
        assert check_latest(LATEST, POLICY, now, 600)
    for now in (median + 601, median - MAX_CLOCK_SKEW - 1):
        with pytest.raises(StaleError):
            check_latest(LATEST, POLICY, now, 600)


def test_one_witness_with_a_wrong_clock_does_not_move_the_median() -> None:
    """Neither into the past nor into the future."""
    text = LOG.note(()).text
    for wrong in (0, NOON * 2):
        note = LOG.note(NAMES[:3]).signed_by(LOG.note(("ford",), time=wrong).signatures[1])
        assert note.text == text
        data = build_latest(LAST, LOG.proof(10, note))
        _, cosigned = check_latest(data, POLICY, NOON + 60, 600)
        assert abs(cosigned.median_time - NOON) <= 2


def test_an_earlier_record_is_not_the_latest() -> None:
    """However good its proof: a rollback of the roster is seen."""
    earlier = build_latest(Record.parse(LOG.entries[9]), LOG.proof(9))
    with pytest.raises(ProofError, match="later record"):
        check_latest(earlier, POLICY, NOON, 600)


def test_a_changed_byte_of_a_latest_proof_is_refused() -> None:
    """The record is vouched for, although it travels as extra."""
    for twin in byte_flips(LATEST):
        with pytest.raises(AuditError):
            check_latest(twin, POLICY, NOON, 600)


@given(st.sampled_from([RECEIPT.proof.to_bytes(), RECEIPT.to_bytes()]))
def test_another_proof_is_not_a_latest_one(data: bytes) -> None:
    """Without extra, or with a receipt's."""
    with pytest.raises(TextError):
        check_latest(data, POLICY, NOON, 600)


def test_a_receipt_is_checked_in_five_milliseconds() -> None:
    """The best of some runs, so that other load on the machine does not matter."""
    data = RECEIPT.to_bytes()
    runs = []
    for _ in range(20):
        start = time.perf_counter()
        check_receipt(data, POLICY)
        runs.append(time.perf_counter() - start)
    assert min(runs) < 0.005
