"""
What an auditor trusts: an office's card and all cards before and after it, or a bare log policy.

The card that a person pinned is enough. Older cards are found by their hash, which the next card
names; newer ones carry the signatures of the root threshold of the card before. So whoever pinned
one card years ago reads the whole chain from the office's own public files, and is fooled by none.

Source: docs/formats/card.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from dengwen_audit.errors import AuditError, SignatureError
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.policy import Policy
from dengwen_audit.statements.card import Card, CardChainError, check_card
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import check_past_roster
from dengwen_audit.tile_paths import CHECKPOINT_PATH
from dengwen_audit.tiles import FolderTiles, HttpTiles, MissingTileError, TileReader

LOG_PREFIX = "log/"


@dataclass(frozen=True)
class Below:
    """The files of *source* below a *prefix*."""

    source: TileReader
    prefix: str

    def read(self, path: str) -> bytes:
        """Return the file at *path* below the prefix (see `TileReader`)."""
        return self.source.read(self.prefix + path)


@dataclass(frozen=True)
class Office:
    """
    The public files of an office.

    Attributes:
        files: Cards, rosters and proofs.
        log: The files of its log.
    """

    files: TileReader
    log: TileReader


@dataclass(frozen=True)
class Trust:
    """
    By what a log is judged.

    Attributes:
        policy: Names the log's key and the witnesses that count.
        cards: The chain of cards, the newest last; empty if only a policy is known.
    """

    policy: Policy
    cards: tuple[Card, ...] = ()

    @property
    def tick(self) -> int | None:
        """Seconds between two records, if a card tells."""
        return self.cards[-1].tick if self.cards else None

    def check_roster(self, note: Note) -> Roster:
        """
        Check a roster of any time by the card whose root keepers signed it.

        Raises:
            AuditError: If no card of the chain vouches for it, or it breaks a rule.
        """
        refusal: AuditError = SignatureError("no card is known, so no roster can be checked")
        for card in reversed(self.cards):
            try:
                return check_past_roster(note, card)
            except AuditError as error:
                refusal = error
        raise refusal


def open_office(target: str, session: requests.Session) -> Office:
    """
    Return the public files at *target*, a URL or a folder.

    A target without a ``log/`` below it is taken as the log itself, as other C2SP logs are served.
    """
    if target.startswith(("http://", "https://")):
        files: TileReader = HttpTiles(session, target.rstrip("/"))
    else:
        files = FolderTiles(Path(target))
    try:
        files.read(LOG_PREFIX + CHECKPOINT_PATH)
    except MissingTileError:
        return Office(files, files)
    return Office(files, Below(files, LOG_PREFIX))


def read_cards(pinned: Note, files: TileReader) -> tuple[Card, ...]:
    """
    Return the office's cards from the first to the newest, of which one is *pinned*.

    Raises:
        MissingTileError: If one before the pinned card is not shown.
        AuditError: If the pinned card breaks a rule, or another does not fit into the chain.
    """
    card = check_card(pinned, None)
    older: list[Card] = []
    following = card
    while following.number > 1:
        following = _read_card_before(files, following)
        older.append(following)
    cards = [*reversed(older), card]
    while (note := _read_card(files, cards[-1].number + 1)) is not None:
        cards.append(check_card(note, cards[-1]))
    return tuple(cards)


def read_named_note(files: TileReader, path: str, hash_: bytes) -> Note:
    """
    Return the note at *path*, which must have this *hash_*.

    Raises:
        TileError: If it cannot be had.
        AuditError: If it is another one.
    """
    note = Note.parse(files.read(path))
    if note.hash != NoteHash(hash_):
        raise SignatureError(f"{path} is not the note of that hash")
    return note


def roster_reader(trust: Trust, files: TileReader) -> Callable[[bytes], Roster]:
    """Return a function that gives checked rosters by hash, and reads each file once."""
    known: dict[bytes, Roster] = {}

    def read(hash_: bytes) -> Roster:
        if hash_ not in known:
            note = read_named_note(files, f"rosters/{hash_.hex()}", hash_)
            known[hash_] = trust.check_roster(note)
        return known[hash_]

    return read


def _read_card_before(files: TileReader, following: Card) -> Card:
    note = read_named_note(files, f"cards/{following.number - 1}", following.previous)
    card = Card.parse(note.text)
    if card.number != following.number - 1:
        raise CardChainError("the card before has another number")
    return card


def _read_card(files: TileReader, number: int) -> Note | None:
    try:
        return Note.parse(files.read(f"cards/{number}"))
    except MissingTileError:
        return None
