"""
The office as a petitioner's device knows it: a folder with card, roster and latest proof.

::

    card.txt             the pinned card; everything else is judged by it
    roster.txt           the roster in force
    latest.tlog-proof    the newest record of a freshly cosigned log, which names that roster

Nothing in the folder is secret, and nothing in it says that its owner ever petitioned: only
fetching an office writes to it.

Whether signatures and hashes hold is one question, whether they are of today another. Nothing is
sealed to an office that is not fresh; looking at a case works with an older one too, but never ends
with "complete".

Source: docs/formats/card.md, docs/formats/roster.md, docs/formats/receipt.md.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from pathlib import Path

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.receipt import StaleError, check_latest
from dengwen_audit.statements.card import Card, check_card
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import check_in_force, check_past_roster
from dengwen_audit.tile_writer import write_durably
from dengwen_submit.errors import OfficeError, StaleOfficeError

CARD = "card.txt"
ROSTER = "roster.txt"
LATEST = "latest.tlog-proof"

A_DAY = 24 * 3600  # seconds
MAX_PROOF_AGE = 7 * A_DAY  # seconds: older cosignatures could hide a revocation


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
        return cls(*(_read(folder / name) for name in (CARD, ROSTER, LATEST)))

    @classmethod
    def held(cls, folder: Path) -> OfficeFiles | None:
        """Return what a folder holds, the roster perhaps empty, or None without a card."""
        if not (folder / CARD).exists():
            return None
        files = (folder / name for name in (CARD, ROSTER, LATEST))
        return cls(*(path.read_bytes() if path.exists() else b"" for path in files))

    def write(self, folder: Path) -> None:
        """Write the three files into *folder*, each whole or not at all, the card last."""
        write_durably(folder / LATEST, self.latest)
        write_durably(folder / ROSTER, self.roster)
        write_durably(folder / CARD, self.card)


@dataclass(frozen=True)
class Office:
    """
    An office whose every signature was checked.

    Attributes:
        card: The pinned card.
        card_hash: What people compare aloud.
        roster: Who may open what.
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
        OfficeError: If any of it does not hold.
        StaleOfficeError: If all of it holds, but not today.
    """
    office = check_past_office(files, now)
    check_fresh(office, now, max_age)
    return office


def check_past_office(files: OfficeFiles, now: float) -> Office:
    """
    Check the three files against each other, however old they are; see `check_office`.

    Enough to look at a case, never to seal.
    """
    card = check_pinned(files.card)
    try:
        roster_note = Note.parse(files.roster)
        roster = check_past_roster(roster_note, card)
    except AuditError as error:
        raise OfficeError(f"the roster cannot be used: {error}") from error
    try:
        record, cosigned = check_latest(files.latest, card.policy, now, math.inf)
    except StaleError as error:
        raise OfficeError(
            "the newest proof is of a later time than now: set the clock of this device"
        ) from error
    except AuditError as error:
        raise OfficeError(f"the latest proof cannot be used: {error}") from error
    if record.roster != roster_note.hash:
        raise OfficeError("the log names another roster than this one: fetch the office anew")
    return Office(card, card.hash, roster, roster_note.hash, cosigned.median_time)


def check_fresh(office: Office, now: float, max_age: float = MAX_PROOF_AGE) -> None:
    """
    Check that the roster is in force today, and that witnesses vouched for it lately.

    Raises:
        StaleOfficeError: If not; the message says what to do.
    """
    try:
        check_in_force(office.roster, datetime.datetime.fromtimestamp(now, datetime.UTC).date())
    except AuditError as error:
        raise StaleOfficeError("the roster is not in force today") from error
    age = now - office.proven
    if age > max_age:
        days = int(age / A_DAY)
        raise StaleOfficeError(f"what this folder knows of the office is {days} days old")


def is_fresh(office: Office, now: float) -> bool:
    """Tell whether an office is fresh enough to rely on who is in its roster."""
    try:
        check_fresh(office, now)
    except StaleOfficeError:
        return False
    return True


def check_pinned(data: bytes) -> Card:
    """
    Check a card by its own threshold: that it is *the* card, the person who pinned it says.

    Raises:
        OfficeError: If nobody may rely on it.
    """
    try:
        return check_card(Note.parse(data), None)
    except AuditError as error:
        raise OfficeError(f"the card cannot be used: {error}") from error


def read_card(folder: Path) -> Card:
    """
    Read and check the pinned card alone.

    Raises:
        OfficeError: If there is none, or nobody may rely on it.
    """
    return check_pinned(_read(folder / CARD))


def fingerprint(card_hash: bytes) -> str:
    """Spell a card's hash in groups of four, as people read it to each other."""
    text = card_hash.hex()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise OfficeError(
            "this folder does not hold an office: fetch one with `dengwen-submit card`"
        ) from None
