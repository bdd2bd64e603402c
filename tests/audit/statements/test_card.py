"""The office card: what a person may pin, and what may follow it."""

import dataclasses

import pytest

from dengwen_audit.errors import FormatError, SignatureError
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements import card as card_module
from dengwen_audit.statements.card import (
    Card,
    CardChainError,
    check_card,
    check_card_rules,
)
from dengwen_audit.text import ZERO_HASH, TextError
from tests.bad_statements import BAD_CARDS, with_roots
from tests.small_office import make_card, make_key, sign_by_roots


def test_a_card_is_trusted_when_its_own_root_threshold_signed_it() -> None:
    """A first card is checked against the root keys that it names itself."""
    card = make_card()
    assert check_card(sign_by_roots(card.to_bytes()), None) == card


def test_a_card_signed_by_fewer_root_keepers_is_refused() -> None:
    """One signature does not meet a threshold of two."""
    with pytest.raises(SignatureError):
        check_card(sign_by_roots(make_card().to_bytes(), 1), None)


def test_a_root_keeper_who_signs_twice_counts_once() -> None:
    """The same line twice does not meet a threshold of two."""
    note = sign_by_roots(make_card().to_bytes(), 1)
    with pytest.raises(SignatureError):
        check_card(note.signed_by(*note.signatures), None)


@pytest.mark.parametrize("name", BAD_CARDS)
def test_each_rule_refuses_its_bad_card(name: str) -> None:
    """A card that breaks a rule is refused under that rule's name, whoever signed it."""
    change, error = BAD_CARDS[name]
    card = change(make_card())
    note = sign_note(card.to_bytes(), *(make_key(root.key.name) for root in card.roots))
    with pytest.raises(error):
        check_card(note, None)


@pytest.mark.parametrize("name", BAD_CARDS)
def test_each_bad_card_breaks_one_rule_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its rule the bad card would pass: so no rule can be dropped unseen."""
    change, error = BAD_CARDS[name]
    card = change(make_card())
    others = []
    for rule in card_module._RULES:
        try:
            rule(card)
        except error:
            continue
        others.append(rule)
    assert len(others) == len(card_module._RULES) - 1
    monkeypatch.setattr(card_module, "_RULES", tuple(others))
    check_card_rules(card)


def test_a_following_card_needs_the_thresholds_of_both() -> None:
    """New root keepers alone cannot make themselves trusted."""
    first = make_card()
    new_roots = (("root-c", "university"), ("root-d", "notaries"), ("root-e", "charity"))
    second = dataclasses.replace(
        with_roots(first, *new_roots), number=2, previous=first.hash, tick=30
    )
    text = second.to_bytes()
    everybody = [make_key(name) for name in ("root-a", "root-c", "root-d")]
    assert check_card(sign_note(text, *everybody), first) == second
    for missing in everybody[:2]:
        with pytest.raises(SignatureError):
            check_card(sign_note(text, *(key for key in everybody if key != missing)), first)


@pytest.mark.parametrize("changes", [{"number": 3}, {"previous": bytes(31) + b"\x01"}])
def test_a_card_that_skips_another_is_refused(changes: dict[str, int | bytes]) -> None:
    """The next card has the next number and names the hash of the one before it."""
    first = make_card()
    second = dataclasses.replace(first, number=2, previous=first.hash)
    check_card(sign_by_roots(second.to_bytes()), first)
    third = dataclasses.replace(second, **changes)  # type: ignore[arg-type]
    with pytest.raises(CardChainError):
        check_card(sign_by_roots(third.to_bytes()), first)


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("number 1", "number 0"),
        ("number 1", "number 2"),
        (f"previous {ZERO_HASH.hex()}", f"previous {'1' * 64}"),
        ("tick 60", "tick 0"),
        ("tick 60", "tick 3601"),
        ("office dengwen.example/log", "office Dengwen.example/log"),
        ("door https://dengwen.example", "door https://dengwen.example/"),
        ("door https://dengwen.example", "door https://dengwen.example/#a"),
        ("door https://dengwen.example", "door ftp://dengwen.example"),
        ("operator city-services", "operator city services"),
        ("quorum all-witnesses", "quorum nobody"),
        ("policy quorum", "policy # a comment\npolicy quorum"),
    ],
)
def test_a_malformed_line_is_refused(line: str, other: str) -> None:
    """Every line has one spelling, and a value that makes sense by itself."""
    text = make_card().to_bytes().decode()
    assert line in text
    with pytest.raises(FormatError):
        Card.parse(text.replace(line, other, 1).encode())


def test_a_card_with_two_logs_is_refused() -> None:
    """An office has one log."""
    card = make_card()
    second = f"log {make_key('second.example/log').verification_key.to_text()}"
    lines = dataclasses.replace(card, policy_lines=(second, *card.policy_lines)).to_bytes()
    with pytest.raises(TextError):
        Card.parse(lines)


def test_unknown_signature_lines_are_passed_over() -> None:
    """A line by a key that the card does not name says nothing for or against it."""
    note = sign_by_roots(make_card().to_bytes())
    stranger = make_key("stranger").sign(note.text)
    check_card(Note.parse(note.signed_by(stranger).to_bytes()), None)
