"""The statement: who said what caused an event."""

import dataclasses

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.statement import (
    Statement,
    StatementError,
    check_member_statement,
    check_petitioner_statement,
    check_root_statement,
)
from dengwen_audit.text import ZERO_HASH, TextError
from tests.small_office import (
    make_card,
    make_case_key,
    make_key,
    make_manifest,
    make_roster,
    make_seed,
    sign_by_roots,
)
from tests.small_statements import make_statement

WITHDRAWN = make_statement()
CLOSED = dataclasses.replace(WITHDRAWN, type="case.closed", subject=make_seed("answer"))
RECOVERY = dataclasses.replace(WITHDRAWN, case=CaseId(ZERO_HASH), type="key.recovery.requested")


def _by_members(*names: str) -> Note:
    return sign_note(CLOSED.to_bytes(), *(make_key(name) for name in names))


def test_the_petitioner_speaks_with_the_case_key() -> None:
    """A withdrawal is hers if the key of the manifest signed it."""
    note = sign_note(WITHDRAWN.to_bytes(), make_case_key())
    assert check_petitioner_statement(note, make_manifest()) == WITHDRAWN


def test_nobody_withdraws_for_her() -> None:
    """Neither another case's key nor a member makes her statement."""
    for key in (make_case_key("another case"), make_key("reviewer-1")):
        with pytest.raises(SignatureError):
            check_petitioner_statement(sign_note(WITHDRAWN.to_bytes(), key), make_manifest())


@pytest.mark.parametrize("changes", [{"office": "other.example/log"}, {"case": bytes(32)}])
def test_a_petitioners_statement_about_another_case_is_refused(changes: dict[str, object]) -> None:
    """One case's key says nothing of another case."""
    other = dataclasses.replace(WITHDRAWN, **changes)  # type: ignore[arg-type]
    with pytest.raises(StatementError):
        check_petitioner_statement(sign_note(other.to_bytes(), make_case_key()), make_manifest())


def test_members_are_named_as_signers() -> None:
    """The caller learns who spoke, and how many."""
    note = _by_members("reviewer-1", "reviewer-4")
    statement, signers = check_member_statement(note, make_roster(), 2)
    assert statement == CLOSED
    assert set(signers) == {"reviewer-1", "reviewer-4"}


def test_one_reviewer_does_not_make_two() -> None:
    """Closing without an answer takes two: one line, or one person twice, is not enough."""
    once = _by_members("reviewer-1")
    for note in (once, _by_members("reviewer-1", "reviewer-1")):
        with pytest.raises(SignatureError):
            check_member_statement(note, make_roster(), 2)
    check_member_statement(once, make_roster())


@pytest.mark.parametrize("name", ["reviewer-2", "stranger", "intake"])
def test_revoked_members_and_strangers_state_nothing(name: str) -> None:
    """A line by anybody who is no active member condemns the statement."""
    for note in (_by_members(name), _by_members("reviewer-1", name)):
        with pytest.raises(SignatureError):
            check_member_statement(note, make_roster())


def test_the_root_threshold_states_what_concerns_the_office() -> None:
    """A recovery is asked for by the root keepers together."""
    assert check_root_statement(sign_by_roots(RECOVERY.to_bytes()), make_card()) == RECOVERY
    with pytest.raises(SignatureError):
        check_root_statement(sign_by_roots(RECOVERY.to_bytes(), 1), make_card())


def test_a_statement_for_another_office_is_refused() -> None:
    """Members and root keepers of two offices speak for the one that the text names."""
    other = dataclasses.replace(CLOSED, office="other.example/log").to_bytes()
    with pytest.raises(StatementError):
        check_member_statement(sign_note(other, make_key("reviewer-1")), make_roster())
    with pytest.raises(StatementError):
        check_root_statement(sign_by_roots(other), make_card())


@pytest.mark.parametrize("kind", ["withdrawn", "Case.withdrawn", "case.", "case..closed"])
def test_a_type_that_is_none_is_refused(kind: str) -> None:
    """A type has the shape of an event's; which may be stated is the event's business."""
    with pytest.raises(TextError):
        Statement.parse(dataclasses.replace(WITHDRAWN, type=kind).to_bytes())
