"""
Walks from the roster that a holder knows to the one that the log names now, and to older ones.

The log's newest record names the roster in force. A holder takes it over only if it follows from
the known one, roster by roster, and if a change of a seat or a quorum has been in the log for seven
days, by the witnesses' clocks. Older rosters, for petitions that were sealed to them, follow from
newer ones by their hashes and need no signature of their own.

Source: docs/formats/roster.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.policy import Policy
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import check_chain, check_past_roster
from dengwen_audit.text import ZERO_HASH
from dengwen_keys.gatekeeper.refusals import RosterRolledBack, RosterTooEarly, RosterUnproven

HOLDER_CHANGE_WAIT = 7 * 24 * 3600  # seconds
MAX_STEPS = 2000  # rosters walked at once: more than a century of monthly ones
ROSTER_PUBLISHED = "roster.published"

Read = Callable[[NoteHash], Roster]


def check_named(note: Note, card: Card) -> Roster:
    """
    Check a roster by itself: the root threshold signed it, and it keeps all rules.

    Raises:
        RosterUnproven: If not.
    """
    try:
        return check_past_roster(note, card)
    except AuditError:
        raise RosterUnproven("the roster named by the log is not one to act on") from None


def check_succession(
    known: Roster, later: list[Roster], published: Callable[[Roster], float], now: float
) -> None:
    """
    Check that *later* rosters, oldest first, follow from the *known* one and may be in force.

    Args:
        published: Gives the time by which witnesses had seen a roster's publication, in seconds.
        now: The time of the newest cosignatures.

    Raises:
        RosterUnproven: If one does not follow from the one before it.
        RosterTooEarly: If the seats or quorums changed less than seven days ago.
    """
    try:
        for previous, following in pairwise([known, *later]):
            check_chain(previous, following)
    except AuditError:
        raise RosterUnproven("the roster named by the log does not follow the known one") from None
    if not later or not later[-1].holders_differ(known):
        return
    change = later[-1]
    for roster in reversed(later):
        if roster.holders_differ(change):
            break
        change = roster
    if published(change) + HOLDER_CHANGE_WAIT > now:
        raise RosterTooEarly("a change of holders is in force before its seven days are over")


def publication_time(receipt: bytes, roster: Roster, policy: Policy) -> float:
    """
    Return the time at which witnesses vouched for a log that held this roster's publication.

    Raises:
        RosterUnproven: If *receipt* does not prove that.
    """
    try:
        checked = check_receipt(receipt, policy)
        time = checked.cosigned.median_time
    except AuditError:
        raise RosterUnproven("the roster's publication is not proven") from None
    if (checked.event.type, checked.event.cause) != (ROSTER_PUBLISHED, roster.hash):
        raise RosterUnproven("the receipt is not of the roster's publication")
    return time


def walk_back(start: Roster, read: Read) -> Iterator[Roster]:
    """
    Yield *start* and the rosters before it, each named by the hash in the one after it.

    Args:
        read: Returns the roster that has a hash.

    Raises:
        RosterUnproven: If there are too many.
    """
    roster = start
    for _ in range(MAX_STEPS):
        yield roster
        if roster.previous == ZERO_HASH:
            return
        roster = read(NoteHash(roster.previous))
    raise RosterUnproven("too many rosters lie between")


def new_ones(current: Roster, known: Roster, read: Read) -> list[Roster]:
    """
    Return the rosters from after the *known* one to the *current* one, oldest first.

    Raises:
        RosterRolledBack: If the current one is older than the known one.
        RosterUnproven: If it is another of the same version.
    """
    if current.version < known.version:
        raise RosterRolledBack("the log names an older roster than the one known here")
    found: list[Roster] = []
    for roster in walk_back(current, read):
        if roster.version <= known.version:
            break
        found.append(roster)
    if not found and current != known:
        raise RosterUnproven("the log names another roster of the same version")
    return found[::-1]
