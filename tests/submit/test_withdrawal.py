"""A withdrawal is hers, for one case of one office, and the same each time."""

import dataclasses

import pytest

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.statement import check_petitioner_statement
from dengwen_submit.withdrawal import case_of, sign_withdrawal
from tests.small_office import OFFICE, make_key
from tests.vault.office import seal_petition, words_of

WORDS = words_of("first")
MANIFEST = seal_petition("first").manifest


def test_the_case_follows_from_the_words_alone() -> None:
    """Nothing is looked up, and the petition that was sealed with them has the same."""
    assert case_of(WORDS) == MANIFEST.case
    assert case_of(words_of("other")) != MANIFEST.case


def test_a_withdrawal_checks_against_its_manifest() -> None:
    """It says which case of which office is withdrawn, and nothing else."""
    statement = check_petitioner_statement(sign_withdrawal(OFFICE, WORDS), MANIFEST)
    assert (statement.type, statement.subject) == ("case.withdrawn", None)


def test_the_same_withdrawal_twice_is_the_same_bytes() -> None:
    """Sent again, it changes nothing."""
    first, second = (sign_withdrawal(OFFICE, WORDS).to_bytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("note", "manifest"),
    [
        (sign_withdrawal("other.example/log", WORDS), MANIFEST),
        (sign_withdrawal(OFFICE, words_of("other")), MANIFEST),
        (sign_note(sign_withdrawal(OFFICE, WORDS).text, make_key("reviewer-1")), MANIFEST),
        (sign_withdrawal(OFFICE, WORDS), dataclasses.replace(MANIFEST, office="other.example/log")),
    ],
    ids=["another office", "other words", "another signer", "another office's manifest"],
)
def test_a_withdrawal_of_anything_else_is_refused(note: Note, manifest: Manifest) -> None:
    """Nobody withdraws for her, and it holds nowhere else."""
    with pytest.raises(AuditError):
        check_petitioner_statement(note, manifest)
