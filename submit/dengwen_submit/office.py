"""
The office as a petitioner's device knows it: a folder with card, roster and latest proof.

::

    card.txt             the pinned card; everything else is judged by it
    roster.txt           the roster in force
    latest.tlog-proof    the newest record of a freshly cosigned log, which names that roster

Nothing in the folder is secret, and nothing in it says that its owner ever petitioned.

Source: docs/formats/card.md, docs/formats/roster.md, docs/formats/receipt.md.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.receipt import check_latest
from dengwen_audit.statements.card import Card, check_card
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import check_roster
from dengwen_submit.errors import OfficeError

CARD = "card.txt"
ROSTER = "roster.txt"
LATEST = "latest.tlog-proof"

MAX_PROOF_AGE = 7 * 24 * 3600  # seconds: older cosignatures could hide a revocation


@dataclass(frozen=True)
class OfficeFiles:
    """The three files as bytes, verified or not."""

    card: bytes
    roster: bytes
    latest: bytes

    @classmethod
    def read(cls, folder: Path) -> OfficeFiles:
        """
        Read the three files of a folder.

        Raises:
            OfficeError: If one of them is not there.
        """
        try:
            return cls(*((folder / name).read_bytes() for name in (CARD, ROSTER, LATEST)))
        except OSError:
            raise OfficeError(
                "this folder does not hold an office: fetch it with `dengwen-submit card`"
            ) from None

    def write(self, folder: Path) -> None:
        """Write the three files into *folder*, which is made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CARD).write_bytes(self.card)
        (folder / ROSTER).write_bytes(self.roster)
        (folder / LATEST).write_bytes(self.latest)


@dataclass(frozen=True)
class Office:
    """
    An office whose every signature was checked.

    Attributes:
        card: The pinned card.
        card_hash: What people compare aloud.
        roster: Who may open what, in force and valid today.
        roster_hash: What a manifest names.
        proven: When the witnesses last vouched for this roster, in seconds since 1970.
    """

    card: Card
    card_hash: NoteHash
    roster: Roster
    roster_hash: NoteHash
    proven: float


def check_office(files: OfficeFiles, now: float, max_age: float = MAX_PROOF_AGE) -> Office:
    """
    Check card, roster and latest proof against each other and the clock.

    Costs about a dozen Ed25519 verifications.

    Args:
        files: What was fetched or read.
        now: Seconds since 1970.
        max_age: The oldest cosignatures accepted, in seconds.

    Raises:
        OfficeError: If any of it does not hold; the message says which file to fetch anew.
    """
    today = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
    card_note, card = _card(files.card)
    try:
        roster_note = Note.parse(files.roster)
        roster = check_roster(roster_note, card, today, None)
    except AuditError as error:
        raise OfficeError(f"the roster cannot be used: {error}") from error
    try:
        record, cosigned = check_latest(files.latest, card.policy, now, max_age)
    except AuditError as error:
        raise OfficeError(f"the latest proof cannot be used: {error}") from error
    if record.roster != roster_note.hash:
        raise OfficeError("the log names another roster than this one: fetch the office anew")
    return Office(card, card_note.hash, roster, roster_note.hash, cosigned.median_time)


def check_succession(held: bytes, later: list[bytes]) -> bytes:
    """
    Walk from the *held* card along *later* ones, each signed by the thresholds of both.

    Raises:
        OfficeError: If a card does not follow from the one before it.

    Returns:
        The newest card.
    """
    note, card = _card(held)
    for data in later:
        try:
            following = Note.parse(data)
            card = check_card(following, card)
        except AuditError as error:
            raise OfficeError(f"a later card does not follow from yours: {error}") from error
        note = following
    return note.to_bytes()


def _card(data: bytes) -> tuple[Note, Card]:
    """Check a card by its own threshold: that it is *the* card, the person who pinned it says."""
    try:
        note = Note.parse(data)
        return note, check_card(note, None)
    except AuditError as error:
        raise OfficeError(f"the card cannot be used: {error}") from error


def fingerprint(card_hash: bytes) -> str:
    """Spell a card's hash in groups of four, as people read it to each other."""
    text = card_hash.hex()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
