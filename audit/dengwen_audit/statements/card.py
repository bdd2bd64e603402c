"""
The office card: the small signed text that a client trusts, and nothing else.

::

    dengwen/card/v1
    number 1                                    counts the office's cards from 1
    previous 0000…                              hash of the card before it; zeros for the first
    office dengwen.example/log                  origin of the log, and the name of its key
    name 登闻 complaints office
    operator city-services                      the institution that runs the servers
    door https://dengwen.example
    desk https://desk.dengwen.example
    tick 60                                     seconds between two records of the log
    root-threshold 2
    root alice+1a2b3c4d+AZ… bar-association     a line per root keeper
    policy log dengwen.example/log+…            the log's policy (C2SP tlog-policy), line by line

The first card is trusted because a person pins it. Card n + 1 is signed by the thresholds of both.
The office, the log and the keys may change from one card to the next; the chain of cards may not.

Source: docs/formats/card.md; C2SP tlog-policy.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dengwen_audit.errors import RuleError
from dengwen_audit.note import NoteHash
from dengwen_audit.policy import Policy
from dengwen_audit.statements.fields import check_name, check_office, check_url, parse_key
from dengwen_audit.text import (
    ZERO_HASH,
    TextError,
    TextReader,
    TextWriter,
    check_token,
    split_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dengwen_audit.note import Note, VerificationKey

KIND = "dengwen/card/v1"
MAX_CARD_BYTES = 64 << 10
MAX_ROOTS = 32
MAX_POLICY_LINES = 256
MAX_TICK = 3600  # seconds
MIN_ROOTS = 3
MIN_ROOT_THRESHOLD = 2


class CardError(RuleError):
    """The card is well spelt, but no client may trust it."""


class RootThresholdError(CardError):
    """The root threshold is under two, over the number of keys, or there are under three keys."""


class RootKeyError(CardError):
    """Two root keepers share a key, or a root key is also the log's or a witness's."""


class RootInstitutionError(CardError):
    """Two root keepers are of the same institution."""


class RootOperatorError(CardError):
    """The operator holds a root key."""


class LogNameError(CardError):
    """The log's key does not bear the office's name."""


class WitnessQuorumError(CardError):
    """The log's policy is content with so few witnesses that two views of the log could stand."""


class CardChainError(CardError):
    """The card does not follow the one before it."""


@dataclass(frozen=True)
class Root:
    """A root keeper: the key, and the institution the keeper belongs to."""

    key: VerificationKey
    institution: str


@dataclass(frozen=True)
class Card:
    """The card's text; the module's docstring tells its lines."""

    number: int
    previous: bytes
    office: str
    name: str
    operator: str
    door: str
    desk: str
    tick: int
    root_threshold: int
    roots: tuple[Root, ...]
    policy_lines: tuple[str, ...]

    @cached_property
    def policy(self) -> Policy:
        """The log's policy: its key, its witnesses and their quorum."""
        return Policy.parse("".join(line + "\n" for line in self.policy_lines))

    @cached_property
    def hash(self) -> NoteHash:
        """What the next card calls this one by."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())

    @property
    def fingerprint(self) -> str:
        """The card's hash in groups of four, as people read it to each other."""
        text = self.hash.hex()
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4))

    @classmethod
    def parse(cls, text: bytes) -> Card:
        """
        Read a card's text. It says nothing of whether the card may be trusted: see `check_card`.

        Raises:
            FormatError: If it is not a card in its one spelling, or its policy is none.
        """
        reader = TextReader(text, KIND, MAX_CARD_BYTES)
        card = cls(
            number=reader.take_number("number"),
            previous=reader.take_hash("previous"),
            office=check_office(reader.take("office"), "card: office"),
            name=check_name(reader.take("name"), "card: name"),
            operator=reader.take_token("operator"),
            door=check_url(reader.take("door"), "card: door"),
            desk=check_url(reader.take("desk"), "card: desk"),
            tick=reader.take_number("tick"),
            root_threshold=reader.take_number("root-threshold"),
            roots=tuple(_parse_root(line) for line in reader.take_all("root", MAX_ROOTS)),
            policy_lines=tuple(reader.take_all("policy", MAX_POLICY_LINES)),
        )
        reader.end()
        if not card.number or (card.number == 1) != (card.previous == ZERO_HASH):
            raise TextError("card: the first card, and no other, has number 1 and no previous")
        if not 1 <= card.tick <= MAX_TICK:
            raise TextError(f"card: tick: not between 1 and {MAX_TICK} seconds")
        if any(line.startswith("#") for line in card.policy_lines):
            raise TextError("card: policy: a comment")
        if len(card.policy.logs) != 1:
            raise TextError("card: policy: not exactly one log")
        return card

    def to_bytes(self) -> bytes:
        """Spell the card's text."""
        writer = TextWriter(KIND)
        writer.line("number", self.number).line("previous", self.previous)
        writer.line("office", self.office).line("name", self.name).line("operator", self.operator)
        writer.line("door", self.door).line("desk", self.desk).line("tick", self.tick)
        writer.line("root-threshold", self.root_threshold)
        writer.lines("root", ((root.key.to_text(), root.institution) for root in self.roots))
        return writer.lines("policy", ((line,) for line in self.policy_lines)).to_bytes()

    def check_roots(self, note: Note) -> None:
        """
        Check that the root threshold signed *note*.

        Raises:
            SignatureError: If fewer root keepers did, or one's line is wrong.
        """
        note.check((root.key for root in self.roots), self.root_threshold)


def check_card(note: Note, previous: Card | None) -> Card:
    """
    Check a card and return it.

    Args:
        note: The card with its signatures.
        previous: The card that is already trusted; None for a card that a person pins.

    Raises:
        FormatError: If it is no card.
        CardError: If it breaks one of the rules, or does not follow *previous*.
        SignatureError: If its own root threshold, or that of *previous*, did not sign it.
    """
    card = Card.parse(note.text)
    check_card_rules(card)
    card.check_roots(note)
    if previous is not None:
        check_card_follows(previous, card)
        previous.check_roots(note)
    return card


def check_card_rules(card: Card) -> None:
    """
    Check every rule that a single card, signatures apart, must keep.

    Raises:
        CardError: The class says which rule is broken.
    """
    for check in _RULES:
        check(card)


def check_card_follows(previous: Card, card: Card) -> None:
    """
    Check that *card* is the next after *previous* by number and hash.

    Raises:
        CardChainError: If it is not.
    """
    if (card.number, card.previous) != (previous.number + 1, previous.hash):
        raise CardChainError("the card does not follow the one before it")


def _parse_root(line: str) -> Root:
    key, institution = split_fields(line, 2, "card: root")
    return Root(parse_key(key, "card: root"), check_token(institution, "card: root"))


def _check_root_threshold(card: Card) -> None:
    if len(card.roots) < MIN_ROOTS:
        raise RootThresholdError(f"fewer than {MIN_ROOTS} root keys")
    if not MIN_ROOT_THRESHOLD <= card.root_threshold <= len(card.roots):
        raise RootThresholdError("the root threshold is under two, or over the number of keys")


def _check_root_keys(card: Card) -> None:
    keys = [root.key.public_key for root in card.roots]
    others = {card.policy.log_key.public_key, *(w.key.public_key for w in card.policy.witnesses)}
    if len(set(keys)) < len(keys) or not others.isdisjoint(keys):
        raise RootKeyError("a root key that serves twice")


def _check_root_institutions(card: Card) -> None:
    if len({root.institution for root in card.roots}) < len(card.roots):
        raise RootInstitutionError("two root keepers of one institution")


def _check_root_operator(card: Card) -> None:
    if any(root.institution == card.operator for root in card.roots):
        raise RootOperatorError("the operator holds a root key")


def _check_log_name(card: Card) -> None:
    if card.policy.log_key.name != card.office:
        raise LogNameError("the log key does not bear the office's name")


def _check_witness_quorum(card: Card) -> None:
    needed = 1 + 2 * len(card.policy.witnesses) // 3
    if card.policy.minimum_witnesses() < needed:
        raise WitnessQuorumError(f"the quorum can be met by fewer than {needed} witnesses")


_RULES: tuple[Callable[[Card], None], ...] = (
    _check_root_threshold,
    _check_root_keys,
    _check_root_institutions,
    _check_root_operator,
    _check_log_name,
    _check_witness_quorum,
)
