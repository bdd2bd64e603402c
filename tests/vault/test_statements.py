"""What a petitioner says of her case becomes an event, if it is hers to say."""

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.event import Event
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.statement import Statement, StatementError
from dengwen_vault.errors import NotYoursError, TooManyError
from dengwen_vault.statements import MAX_IN_LINE, StatementTypeError
from tests.small_office import OFFICE, make_seed
from tests.vault.office import VaultOffice, seal_petition, words_of


def _said(case: bytes, kind: str = "case.withdrawn", subject: str | None = None) -> Note:
    about = make_seed(subject) if subject else None
    text = Statement(OFFICE, case, kind, about).to_bytes()  # type: ignore[arg-type]
    return sign_note(text, words_of("first").signing_key())


def test_a_withdrawal_is_in_the_log_once(open_office: VaultOffice) -> None:
    """However often it is sent, before the tick and after it."""
    case = open_office.accept().case
    for _ in range(2):
        for _ in range(2):
            open_office.vault.post_case_statement(case, _said(case), at_once=True)
        open_office.tick()
    events = [Event.parse(event.event) for event in open_office.vault.case_events(case).events]
    assert [event.type for event in events] == ["petition.received", "case.withdrawn"]
    assert events[1].actor == "petitioner"


def test_a_statement_waits_like_a_petition(small_office: VaultOffice) -> None:
    """Unless she asks otherwise, its place in the log does not tell when she was there."""
    case = small_office.accept().case
    for number in range(20):
        note = _said(case, "message.posted", f"message {number}")
        small_office.vault.post_case_statement(case, note)
    small_office.tick()
    assert small_office.rows()["pending_event"] > 0


def test_only_the_case_key_speaks_for_the_petitioner(small_office: VaultOffice) -> None:
    """Another petitioner's signature moves nothing, nor does hers in another case."""
    case, other = small_office.accept().case, small_office.accept("other").case
    before = small_office.rows()
    forged = sign_note(_said(case).text, words_of("other").signing_key())
    with pytest.raises(SignatureError):
        small_office.vault.post_case_statement(case, forged)
    with pytest.raises(StatementError):
        small_office.vault.post_case_statement(other, _said(case))
    assert small_office.rows() == before


def test_a_case_that_is_not_there_hears_nothing(small_office: VaultOffice) -> None:
    """The door asks with the case of the key, but nothing depends on that."""
    case = seal_petition().manifest.case
    with pytest.raises(NotYoursError):
        small_office.vault.post_case_statement(case, _said(case))


@pytest.mark.parametrize("kind", ["case.closed", "petition.received", "roster.published", "x.y"])
def test_a_petitioner_says_only_what_is_hers_to_say(small_office: VaultOffice, kind: str) -> None:
    """She cannot close her case in a reviewer's place, nor publish a roster."""
    case = small_office.accept().case
    with pytest.raises(StatementTypeError):
        small_office.vault.post_case_statement(case, _said(case, kind))


def test_one_case_does_not_fill_the_line(small_office: VaultOffice) -> None:
    """The log has room for everybody else's."""
    case = small_office.accept().case
    for number in range(MAX_IN_LINE):
        note = _said(case, "message.posted", f"message {number}")
        small_office.vault.post_case_statement(case, note, at_once=True)
    with pytest.raises(TooManyError):
        small_office.vault.post_case_statement(case, _said(case))
    small_office.tick()
    small_office.vault.post_case_statement(case, _said(case))
