"""
Fetching an office, and holding what was fetched against what was pinned.

Whoever answers at the address may be anybody. What comes must be the pinned card or follow from it,
card by card, and its roster may not be older than one that was seen before: an old roster, well
signed and still cosigned, could bring back a member who was revoked since.
"""

from __future__ import annotations

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note
from dengwen_audit.statements.card import Card, check_card
from dengwen_audit.statements.roster import Roster
from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import OfficeError
from dengwen_submit.office import Office, OfficeFiles, check_past_office, check_pinned
from dengwen_submit.settled import check_settled


def fetch_office(
    door: DoorClient, held: OfficeFiles | None, now: float
) -> tuple[OfficeFiles, Office]:
    """
    Fetch card, roster and latest proof, and check all but their age.

    Args:
        door: Where to fetch; not trusted.
        held: What was pinned before; its roster may be missing. None to pin for the first time.
        now: Seconds since 1970.

    Raises:
        DoorError: If the door does not answer.
        OfficeError: If what it serves does not hold, or does not follow from *held*.
    """
    files = OfficeFiles(
        door.fetch("/card"), door.fetch("/roster"), door.fetch("/latest.tlog-proof")
    )
    if held is not None:
        check_follows(held.card, files.card, door)
    office = check_past_office(files, now)
    if held is not None and office.roster.version < _version(held.roster):
        raise OfficeError("the office serves an older roster than it did before: do not use it")
    check_settled(office, door.fetch)
    return files, office


def check_follows(held: bytes, fetched: bytes, door: DoorClient) -> Card:
    """
    Check that the *fetched* card is the *held* one, or the end of a chain that begins at it.

    Each card is checked before the next is fetched, so that a false number costs nothing.

    Raises:
        OfficeError: If it is not.

    Returns:
        The newest card.
    """
    card, last = check_pinned(held), _parse(fetched)
    if last.number <= card.number and last.hash != card.hash:
        raise OfficeError(
            "this is not the card that you pinned: do not use it; for another office, "
            "give another folder with --office"
        )
    while card.number < last.number:
        number = card.number + 1
        data = fetched if number == last.number else door.fetch(f"/cards/{number}")
        try:
            card = check_card(Note.parse(data), card)
        except AuditError as error:
            raise OfficeError(f"a later card does not follow from yours: {error}") from error
    return card


def _parse(data: bytes) -> Card:
    """Read a card; nothing is checked yet."""
    try:
        return Card.parse(Note.parse(data).text)
    except AuditError as error:
        raise OfficeError(f"the card cannot be used: {error}") from error


def _version(roster: bytes) -> int:
    """Return the version of a roster that was checked when it was written, or 0 without one."""
    try:
        return Roster.parse(Note.parse(roster).text).version
    except AuditError:
        return 0
