"""
The petitioner's own view of her case: every event with its proof, and who says that this is all.

The office is one witness among several here. What it serves is checked (`dengwen_submit.case_file`)
and held against what every holder and mirror signs of the case, asked with a fresh nonce: it cannot
leave out the newest event without one of them saying more than the office did.

The office is read twice, before the holders are asked and after. What a holder has seen before it
answered must be in the later reading; held against the earlier one, an honest office that logged an
event in between would look like a liar.

"Complete" is said only when every proof is there, every holder that can be asked has answered, and
the roster that names them is fresh.

Source: docs/formats/challenge-head.md; docs/formats/event.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from dengwen_audit.errors import AuditError
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.member import MIRROR
from dengwen_keys.words import Words
from dengwen_submit.case_file import Entry, read_case
from dengwen_submit.door_client import CaseClient, DoorClient
from dengwen_submit.errors import CaseError
from dengwen_submit.heads import HeadRound, HolderStatement, askable_holders, judge_head
from dengwen_submit.office import Office, is_fresh
from dengwen_submit.rosters import Rosters, roster_source


@dataclass(frozen=True)
class CaseView:
    """
    Everything that can be known of a case with the words alone.

    Attributes:
        manifest: The signed manifest as the office keeps it.
        entries: The events, oldest first.
        statements: One per holder and mirror that keeps a service.
        unasked: Holders that keep no service; they hold shares of identities only.
        is_fresh: Whether the roster by which they were asked is surely the newest.
        has_mirror: Whether somebody was asked who holds every event.
        arrived: The numbers of the attachments that the office says have come; its word alone.
    """

    manifest: Manifest
    entries: tuple[Entry, ...]
    statements: tuple[HolderStatement, ...]
    unasked: tuple[str, ...]
    is_fresh: bool
    has_mirror: bool
    arrived: frozenset[int]

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the attachments that have not come."""
        numbers = range(1, len(self.manifest.attachments) + 1)
        return tuple(number for number in numbers if number not in self.arrived)

    @property
    def is_complete(self) -> bool:
        """
        Whether every event has its proof and everybody asked agrees that these are all.

        A mirror must be among them: holders see a case only as far as they were asked about it.
        """
        proven = bool(self.entries) and all(entry.receipt for entry in self.entries)
        agreed = self.has_mirror and all(statement.agrees for statement in self.statements)
        return self.is_fresh and proven and agreed


def follow_up(door: DoorClient, office: Office, words: Words, asking: HeadRound) -> CaseView:
    """
    Fetch and check the case of these *words*, and ask every holder about it.

    Args:
        door: The office's public door.
        office: The pinned and checked office; if it is old, nothing is called complete.
        words: The receipt words.
        asking: How to reach the holders, and how long to wait for them.

    Raises:
        DoorError: If the office does not answer, or knows no such case.
        CaseError: If what it says contradicts itself, the log, or a holder's signed statement.
    """
    client, rosters = door.case(words.signing_key()), roster_source(office, door.fetch)
    _, earlier = _read(client, words, office, rosters)
    holders = askable_holders(office)
    heads = asking.ask(client, office, words, holders)
    manifest, entries = _read(client, words, office, rosters)
    if _events(entries[: len(earlier)]) != _events(earlier):
        raise CaseError("the office showed one history of the case, and then another")
    unasked = (member.id for member in office.roster.active("trustee") if member.address is None)
    return CaseView(
        manifest,
        entries,
        tuple(judge_head(member, heads.get(member.id), entries) for member in holders),
        tuple(unasked),
        is_fresh(office, asking.clock()),
        has_mirror=any(member.role == MIRROR for member in holders),
        arrived=_arrived(client) if manifest.attachments else frozenset(),
    )


def _read(
    client: CaseClient, words: Words, office: Office, rosters: Rosters
) -> tuple[Manifest, tuple[Entry, ...]]:
    try:
        return read_case(client.events(), words, office, rosters)
    except AuditError as error:
        raise CaseError(f"what the office serves of this case does not hold: {error}") from error


def _arrived(client: CaseClient) -> frozenset[int]:
    """Ask which attachments have come."""
    try:
        numbers = json.loads(client.attachments())["arrived"]
        if all(type(number) is int for number in numbers):
            return frozenset(numbers)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise CaseError("the office does not say which files have come")


def _events(entries: tuple[Entry, ...]) -> list[bytes]:
    return [entry.event.to_bytes() for entry in entries]
