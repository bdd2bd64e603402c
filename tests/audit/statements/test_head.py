"""The head: what a holder or mirror says it has seen, for this challenge and no other."""

import dataclasses

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import sign_note
from dengwen_audit.statements.head import Head, HeadError, check_head
from dengwen_audit.text import ZERO_HASH, TextError
from tests.small_office import make_key, make_roster, make_seed
from tests.small_statements import make_challenge, make_head


def _check(head: Head, signer: str | None = None) -> Head:
    note = sign_note(head.to_bytes(), make_key(signer or head.holder))
    return check_head(note, make_roster(), make_challenge())


def _head(**changes: object) -> Head:
    return dataclasses.replace(make_head(), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("holder", ["gatekeeper-1", "trustee-5", "mirror-1"])
def test_holders_and_mirrors_have_heads_to_give(holder: str) -> None:
    """Everybody whose word makes a list complete can give it."""
    assert _check(_head(holder=holder)).holder == holder


def test_who_saw_nothing_says_so() -> None:
    """Number 0 and no hash is an answer too."""
    head = _head(seen_number=0, seen_hash=ZERO_HASH, released=())
    assert _check(head) == head


@pytest.mark.parametrize("holder", ["reviewer-1", "auditor-1", "water-board", "stranger"])
def test_nobody_else_has(holder: str) -> None:
    """A reviewer's word does not stand for a gatekeeper's."""
    with pytest.raises(HeadError):
        _check(_head(holder=holder))


@pytest.mark.parametrize(
    "changes",
    [{"office": "other.example/log"}, {"case": bytes(32)}, {"nonce": bytes(32)}],
    ids=["office", "case", "nonce"],
)
def test_a_head_for_another_challenge_is_refused(changes: dict[str, object]) -> None:
    """An old head cannot be shown again as today's."""
    with pytest.raises(HeadError):
        _check(_head(**changes))


def test_a_head_signed_by_another_is_refused() -> None:
    """The office cannot answer for a gatekeeper, nor one gatekeeper for another."""
    for signer in ("gatekeeper-2", "intake"):
        with pytest.raises(SignatureError):
            _check(make_head(), signer)


@pytest.mark.parametrize(
    "changes",
    [
        {"seen_number": 0},
        {"seen_hash": ZERO_HASH},
        {"released": (make_seed("a"), make_seed("a"))},
        {"released": tuple(sorted((make_seed("a"), make_seed("b")), reverse=True))},
    ],
    ids=["no number", "no hash", "twice", "falling"],
)
def test_a_head_has_one_spelling(changes: dict[str, object]) -> None:
    """A number goes with a hash, and requests come by rising hash, each once."""
    with pytest.raises(TextError):
        Head.parse(_head(**changes).to_bytes())
