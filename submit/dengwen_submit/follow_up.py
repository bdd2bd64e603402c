"""
The petitioner's own view of her case: every event with its proof, and who says that this is all.

The office is one witness among several here. What it serves is checked byte by byte:

1. The manifest is signed by the key that her words give.
2. The events form one gap-free chain that begins at the manifest.
3. Each event's cause is the note it names, signed by whoever may cause such an event.
4. Each receipt leads from the event to a checkpoint that the witness quorum cosigned.
5. Every holder and mirror, asked with a fresh nonce, signs what it has seen of the case: the office
   cannot leave out the newest event without one of them saying more than the office did.

"Complete" is said only when all of that holds and every holder that can be asked has answered.

Source: docs/formats/challenge-head.md; docs/formats/event.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from dengwen_audit.causes import Causes
from dengwen_audit.errors import AuditError
from dengwen_audit.event import Event, check_chain
from dengwen_audit.note import Note
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.manifest import Manifest, check_manifest
from dengwen_keys.words import Words
from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import CaseError
from dengwen_submit.heads import HeadRound, HolderStatement, askable_holders, judge_head
from dengwen_submit.office import Office
from dengwen_submit.rosters import Fetch, roster_source
from dengwen_submit.withdrawal import case_of


@dataclass(frozen=True)
class Entry:
    """One event of the case, its signed cause, and its receipt once it is in the log."""

    event: Event
    cause: Note
    receipt: bytes | None


@dataclass(frozen=True)
class CaseView:
    """
    Everything that can be known of a case with the words alone.

    Attributes:
        manifest: The signed manifest as the office keeps it.
        entries: The events, oldest first.
        statements: One per holder and mirror that keeps a service.
        unasked: Holders that keep no service; they hold shares of identities only.
    """

    manifest: Manifest
    entries: tuple[Entry, ...]
    statements: tuple[HolderStatement, ...]
    unasked: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every event has its proof and everybody asked agrees that these are all."""
        proven = bool(self.entries) and all(entry.receipt for entry in self.entries)
        return proven and all(statement.agrees for statement in self.statements)


def follow_up(door: DoorClient, office: Office, words: Words, asking: HeadRound) -> CaseView:
    """
    Fetch and check the case of these *words*, and ask every holder about it.

    Args:
        door: The office's public door.
        office: The pinned and checked office.
        words: The receipt words.
        asking: How to reach the holders, and how long to wait for them.

    Raises:
        DoorError: If the office does not answer, or knows no such case.
        CaseError: If what it says contradicts itself, the log, or a holder's signed statement.
    """
    client = door.case(words.signing_key())
    try:
        manifest, entries = read_case(client.events(), words, office, door.fetch)
    except AuditError as error:
        raise CaseError(f"what the office serves of this case does not hold: {error}") from error
    events = [entry.event for entry in entries]
    holders = askable_holders(office)
    heads = asking.ask(client, office, words, holders)
    statements = tuple(judge_head(member, heads.get(member.id), events) for member in holders)
    unasked = tuple(
        member.id for member in office.roster.active("trustee") if member.address is None
    )
    return CaseView(manifest, entries, statements, unasked)


def read_case(
    answer: bytes, words: Words, office: Office, fetch: Fetch
) -> tuple[Manifest, tuple[Entry, ...]]:
    """
    Check the case file that the office serves; return its manifest and its events.

    Args:
        answer: The JSON of ``/v1/case/events``; the strings in it are exact texts.
        words: Whose case it must be.
        office: By which policy and roots to judge.
        fetch: Returns a public file, for the rosters that were in force at earlier events.

    Raises:
        CaseError: If the answer lacks something or belongs to another case.
        AuditError: If a text, a signature, the chain or a proof does not hold.
    """
    try:
        served = json.loads(answer)
        manifest_note = Note.parse(served["manifest"].encode())
        rows = [(row["event"], row["cause"], row["receipt"]) for row in served["events"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CaseError("the office's answer is not a case file") from None
    manifest = check_manifest(manifest_note)
    if manifest.case != case_of(words):
        raise CaseError("the office answered with another case")
    causes = Causes(office.card, roster_source(office, fetch))
    entries = tuple(_entry(row, office, causes, manifest) for row in rows)
    check_chain([entry.event for entry in entries], manifest.hash)
    return manifest, entries


def _entry(
    row: tuple[str, str, str | None], office: Office, causes: Causes, manifest: Manifest
) -> Entry:
    """Check one event with its cause and, once its record is public, its receipt."""
    event = Event.parse(row[0].encode())
    cause = Note.parse(row[1].encode())
    receipt = row[2].encode() if row[2] is not None else None
    roster_hash: bytes = office.roster_hash
    if receipt is not None:
        checked = check_receipt(receipt, office.card.policy)
        if checked.event != event:
            raise CaseError("a receipt proves another event than the one it was served with")
        roster_hash = checked.record.roster
    causes.check(event, cause, roster_hash, manifest)
    return Entry(event, cause, receipt)
