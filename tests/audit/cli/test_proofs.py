"""Tests of `dengwen-audit prove` and `receipt`."""

import dataclasses
from pathlib import Path

from dengwen_audit.proof import LogProof
from tests.audit.cli.conftest import Typed
from tests.audit.public_office import PublicOffice
from tests.small_office import OFFICE, make_card


def test_a_record_is_proved(typed: Typed, office: PublicOffice, card: Path, tmp_path: Path) -> None:
    """The proof stands alone; it is checked with the policy only."""
    path = tmp_path / "7.tlog-proof"
    code, said = typed("prove", office.folder, 7, "--card", card, "--output", path)
    assert (code, said) == (0, "")
    proof = LogProof.parse(path.read_bytes())
    assert proof.extra == office.records[7]
    assert proof.check(make_card().policy, office.records[7]).checkpoint.size == 10


def test_a_proof_can_be_shown(typed: Typed, office: PublicOffice, card: Path) -> None:
    """On the screen it is the same text."""
    code, said = typed("prove", office.folder, 0, "--card", card)
    assert code == 0
    assert LogProof.parse(said.encode()).index == 0


def test_a_record_that_is_not_there_cannot_be_proved(
    typed: Typed, office: PublicOffice, card: Path
) -> None:
    """Records are counted from 0."""
    code, said = typed("prove", office.folder, 10, "--card", card)
    assert code == 2
    assert "the log has 10 records" in said


def test_a_receipt_is_explained(typed: Typed, office: PublicOffice, card: Path) -> None:
    """In plain words, and what it does not prove as well."""
    second = dataclasses.replace(office.roster, version=2, previous=office.roster.hash)
    office.publish_roster(second)
    path = office.folder / f"rosters/{second.hash.hex()}.tlog-proof"
    code, said = typed("receipt", path, "--card", card)
    assert code == 0
    assert "Proven: roster.published, by roots, dated " in said
    assert f"It is in record 10 of the log {OFFICE}." in said
    assert "Not proven: that nothing came after it" in said


def test_a_mangled_receipt_proves_nothing(typed: Typed, office: PublicOffice, card: Path) -> None:
    """One hash more in its path is enough."""
    second = dataclasses.replace(office.roster, version=2, previous=office.roster.hash)
    office.publish_roster(second)
    path = office.folder / f"rosters/{second.hash.hex()}.tlog-proof"
    path.write_bytes(path.read_bytes().replace(b"\nindex 10\n", b"\nindex 9\n"))
    code, said = typed("receipt", path, "--card", card)
    assert code == 1
    assert said.startswith("Does not hold: ")
    assert "Proven" not in said
