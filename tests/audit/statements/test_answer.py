"""The answer: a holder's release or refusal, bound to its seat."""

import dataclasses

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements.answer import Answer, AnswerError, check_answer
from dengwen_audit.text import TextError
from tests.small_office import make_key, make_roster
from tests.small_statements import make_answer


def _check(answer: Answer, signer: str = "gatekeeper-1") -> Answer:
    return check_answer(sign_note(answer.to_bytes(), make_key(signer)), make_roster())


@pytest.mark.parametrize("refusal", [False, True])
def test_an_answer_by_the_holder_of_the_seat_is_returned(refusal: bool) -> None:
    """Releases and refusals are of two types, so that neither can be read as the other."""
    answer = make_answer(refusal=refusal)
    assert _check(answer) == answer
    assert answer.is_release is not refusal
    assert Answer.parse(answer.to_bytes()) == answer


def test_an_answer_signed_by_another_holder_is_refused() -> None:
    """No holder can release or refuse in another's name."""
    with pytest.raises(SignatureError):
        _check(make_answer(), "gatekeeper-2")


@pytest.mark.parametrize(
    ("changes", "signer"),
    [
        ({"office": "other.example/log"}, "gatekeeper-1"),
        ({"seat": 2}, "gatekeeper-1"),
        ({"seat": 0}, "gatekeeper-1"),
        ({"holder": "reviewer-1", "seat": 0}, "reviewer-1"),
        ({"holder": "mirror-1", "seat": 0}, "mirror-1"),
        ({"holder": "stranger"}, "stranger"),
    ],
)
def test_an_answer_by_no_holder_or_of_another_seat_is_refused(
    changes: dict[str, object], signer: str
) -> None:
    """Seats decide where a share belongs, so an answer names its own."""
    with pytest.raises(AnswerError):
        _check(dataclasses.replace(make_answer(), **changes), signer)  # type: ignore[arg-type]


def test_an_answer_by_a_revoked_holder_is_refused() -> None:
    """A revocation is in force at once."""
    roster = make_roster()
    revocation = dataclasses.replace(roster.revoked[0], member="gatekeeper-1")
    note = sign_note(make_answer().to_bytes(), make_key("gatekeeper-1"))
    with pytest.raises(AnswerError):
        check_answer(note, dataclasses.replace(roster, revoked=(revocation,)))


def test_an_answer_of_a_third_kind_is_refused() -> None:
    """There are releases and refusals."""
    text = make_answer().to_bytes().replace(b"dengwen/release/v1", b"dengwen/remorse/v1")
    with pytest.raises(TextError):
        Answer.parse(text)
