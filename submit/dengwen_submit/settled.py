"""
Whether the seats of an office have settled: a change of them waits seven days in the public log.

Root keepers who turn could sign the holders' seats away, and an operator who helps them could put
that in force within a minute. The seven days are there so that members, auditors and newspapers see
it first. Gatekeepers hold to them for what they release; this holds to them before anything is
sealed to the new seats.

Source: docs/formats/roster.md.
"""

from __future__ import annotations

from dengwen_audit.errors import AuditError
from dengwen_audit.note import NoteHash
from dengwen_audit.statements.roster import Roster
from dengwen_keys.errors import KeysError
from dengwen_keys.gatekeeper.follow_rosters import check_succession, publication_time, walk_back
from dengwen_submit.errors import OfficeError
from dengwen_submit.office import Office
from dengwen_submit.rosters import Fetch, roster_source


def check_settled(office: Office, fetch: Fetch) -> None:
    """
    Check that no change of a seat or a quorum is in force before its seven days in the log.

    Walks back to the office's first roster: one fetch for each, about twelve a year.

    Args:
        office: Checked, and its latest proof tells the present time as the witnesses have it.
        fetch: Returns a public file of the office.

    Raises:
        OfficeError: If one is, or the rosters do not follow from each other.
    """
    source = roster_source(office, fetch)

    def read(roster_hash: NoteHash) -> Roster:
        return source(roster_hash)

    def published(roster: Roster) -> float:
        receipt = fetch(f"/rosters/{roster.hash.hex()}.tlog-proof")
        return publication_time(receipt, roster, office.card.policy)

    try:
        *later, first = walk_back(office.roster, read)
        check_succession(first, later[::-1], published, office.proven)
    except (AuditError, KeysError) as error:
        raise OfficeError(f"do not seal to this office: {error}") from error
