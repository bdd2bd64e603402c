"""
The rosters behind old events: fetched once, checked against the pinned card, kept for a look-up.

Source: docs/formats/roster.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from dengwen_audit.note import Note
from dengwen_audit.statements.roster import Roster
from dengwen_submit.errors import CaseError
from dengwen_submit.office import Office

Fetch = Callable[[str], bytes]


def roster_source(office: Office, fetch: Fetch) -> Callable[[bytes], Roster]:
    """
    Return a function from a roster's hash to the roster, its root signatures checked.

    Args:
        office: The pinned office; its own roster needs no fetching.
        fetch: Returns a public file of the office.
    """

    @cache
    def roster(roster_hash: bytes) -> Roster:
        if roster_hash == office.roster_hash:
            return office.roster
        note = Note.parse(fetch(f"/rosters/{roster_hash.hex()}"))
        if note.hash != roster_hash:
            raise CaseError("the office served another roster than the one asked for")
        office.card.check_roots(note)
        return Roster.parse(note.text)

    return roster
