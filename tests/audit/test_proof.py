"""Tests of proof.py: an entry is in the log, and no other. Cases: vectors/proof.json."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.errors import AuditError, ProofError
from dengwen_audit.merkle import Hash
from dengwen_audit.proof import MAX_EXTRA_BYTES, MAX_PROOF_BYTES, LogProof
from dengwen_audit.text import TextError
from tests.mangling import byte_flips, mangled, refuses_or_respells
from tests.small_log import POLICY, SmallLog, seed

LOG = SmallLog([f"entry {number}".encode() for number in range(11)])
PROOF = LOG.proof(6, extra=b"along for the ride")


def test_every_entry_has_its_proof_and_no_other() -> None:
    """Each proof fits its entry, and none of the others."""
    for index, entry in enumerate(LOG.entries):
        proof = LogProof.parse(LOG.proof(index).to_bytes())
        assert proof.check(POLICY, entry).checkpoint == LOG.checkpoint()
        for other in LOG.entries:
            if other != entry:
                with pytest.raises(ProofError):
                    proof.check(POLICY, other)


def test_a_changed_byte_anywhere_but_in_the_extra_is_refused() -> None:
    """Index, path, checkpoint and signatures are all vouched for; the extra says so of itself."""
    data = LOG.proof(6).to_bytes()
    for twin in byte_flips(data):
        with pytest.raises(AuditError):
            LogProof.parse(twin).check(POLICY, LOG.entries[6])


@given(mangled(PROOF.to_bytes()))
def test_a_proof_is_read_only_in_its_one_spelling(twin: bytes) -> None:
    """Whatever is accepted is spelt exactly so."""
    assert refuses_or_respells(LogProof.parse, twin)


@given(mangled(PROOF.to_bytes()))
def test_a_twin_that_still_checks_proves_the_same(twin: bytes) -> None:
    """Whatever is done to a proof, it proves this entry in this log at this index, or nothing."""
    try:
        proof = LogProof.parse(twin)
        cosigned = proof.check(POLICY, LOG.entries[6])
    except AuditError:
        return
    assert (proof.index, cosigned.checkpoint) == (6, LOG.checkpoint())


@given(st.binary(max_size=300))
def test_no_input_breaks_the_parser(data: bytes) -> None:
    """It refuses with its own error, whatever comes."""
    assert refuses_or_respells(LogProof.parse, data)


def test_a_proof_has_limits() -> None:
    """The extra, the path, and the whole."""
    fits = LOG.proof(6, extra=bytes(MAX_EXTRA_BYTES)).to_bytes()
    assert LogProof.parse(fits).to_bytes() == fits
    path = tuple(Hash(seed(str(n))) for n in range(64))
    for bad in (
        LOG.proof(6, extra=bytes(MAX_EXTRA_BYTES + 1)).to_bytes(),
        LogProof(None, 6, path, LOG.note()).to_bytes(),
        LogProof(None, 6, (Hash(bytes(31)),), LOG.note()).to_bytes(),
        b"a" * (MAX_PROOF_BYTES + 1),
    ):
        with pytest.raises(TextError):
            LogProof.parse(bad)
