"""The challenge: nobody but the petitioner can ask what was seen of her case."""

import dataclasses

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements.challenge import ChallengeError, check_challenge
from tests.small_office import make_case_key, make_key, make_recipient
from tests.small_statements import make_challenge


def test_a_challenge_by_the_case_key_is_returned() -> None:
    """Who never saw the case can check it, since the keys that make the case id are in it."""
    note = sign_note(make_challenge().to_bytes(), make_case_key())
    assert check_challenge(note) == make_challenge()


def test_a_challenge_by_another_key_is_refused() -> None:
    """Knowing the text is not enough."""
    for key in (make_case_key("another case"), make_key("reviewer-1")):
        with pytest.raises(SignatureError):
            check_challenge(sign_note(make_challenge().to_bytes(), key))


@pytest.mark.parametrize(
    "changes",
    [
        {"case": bytes(32)},
        {"mailbox": make_recipient("somebody else")},
        {"signing_key": make_case_key("another case").verification_key.public_key},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_challenge_about_somebody_elses_case_is_refused(changes: dict[str, object]) -> None:
    """A stranger's own keys do not make the id of this case, whoever signs."""
    challenge = dataclasses.replace(make_challenge(), **changes)  # type: ignore[arg-type]
    for key in (make_case_key(), make_case_key("another case")):
        with pytest.raises(ChallengeError):
            check_challenge(sign_note(challenge.to_bytes(), key))
