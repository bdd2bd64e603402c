"""
The case file that the office serves to a petitioner, checked byte by byte.

1. The manifest is signed by the key that her words give.
2. The events are of her case, begin with its reception, and form one gap-free chain that hangs on
   the manifest.
3. Each event's cause is the note it names, signed by whoever may cause such an event.
4. Each receipt leads from the event to a checkpoint that the witness quorum cosigned.

That it is *all* of the case, no check of the file can tell: `dengwen_submit.heads` asks others.

Source: docs/formats/event.md; docs/formats/receipt.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dengwen_audit.causes import Causes
from dengwen_audit.event import Event, check_chain
from dengwen_audit.note import Note
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.answer import RELEASE, Answer
from dengwen_audit.statements.manifest import Manifest, check_manifest
from dengwen_keys.words import Words
from dengwen_submit.errors import CaseError
from dengwen_submit.office import Office
from dengwen_submit.rosters import Rosters
from dengwen_submit.withdrawal import case_of

FIRST = "petition.received"


@dataclass(frozen=True)
class Entry:
    """One event of the case, its signed cause, and its receipt once it is in the log."""

    event: Event
    cause: Note
    receipt: bytes | None

    @property
    def released_request(self) -> bytes | None:
        """The hash of the request for which this event let a share go, if it did."""
        if not self.cause.text.startswith(f"{RELEASE}\n".encode()):
            return None
        return Answer.parse(self.cause.text).request


@dataclass(frozen=True)
class _Row:
    """What is served of one event, as bytes."""

    event: bytes
    cause: bytes
    receipt: bytes | None


def read_case(
    answer: bytes, words: Words, office: Office, rosters: Rosters
) -> tuple[Manifest, tuple[Entry, ...]]:
    """
    Check the case file that the office serves; return its manifest and its events.

    Args:
        answer: The JSON of ``/v1/case/events``; the strings in it are exact texts.
        words: Whose case it must be.
        office: By which policy and roots to judge.
        rosters: Gives the rosters that were in force at earlier events.

    Raises:
        CaseError: If the answer lacks something or belongs to another case.
        AuditError: If a text, a signature, the chain or a proof does not hold.
    """
    manifest_note, rows = _parse(answer)
    manifest = check_manifest(Note.parse(manifest_note))
    if manifest.case != case_of(words):
        raise CaseError("the office answered with another case")
    causes = Causes(office.card, rosters)
    entries = tuple(_check_row(row, office, causes, manifest) for row in rows)
    check_chain([entry.event for entry in entries], manifest.hash)
    if entries and entries[0].event.type != FIRST:
        raise CaseError("the case does not begin with its reception")
    return manifest, entries


def _parse(answer: bytes) -> tuple[bytes, list[_Row]]:
    try:
        served: dict[str, Any] = json.loads(answer)
        rows = [
            _Row(
                event=row["event"].encode(),
                cause=row["cause"].encode(),
                receipt=row["receipt"].encode() if row["receipt"] is not None else None,
            )
            for row in served["events"]
        ]
        return served["manifest"].encode(), rows
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CaseError("the office's answer is not a case file") from None


def _check_row(row: _Row, office: Office, causes: Causes, manifest: Manifest) -> Entry:
    """Check one event with its cause and, once its record is public, its receipt."""
    event, cause = Event.parse(row.event), Note.parse(row.cause)
    if event.case != manifest.case:
        raise CaseError("the office serves an event of another case")
    roster_hash: bytes = office.roster_hash
    if row.receipt is not None:
        checked = check_receipt(row.receipt, office.card.policy)
        if checked.event != event:
            raise CaseError("a receipt proves another event than the one it was served with")
        roster_hash = checked.record.roster
    causes.check(event, cause, roster_hash, manifest)
    return Entry(event, cause, row.receipt)
