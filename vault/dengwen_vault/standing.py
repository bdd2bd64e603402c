"""
What is in force: the newest card, the roster that the newest record names, and who is revoked.

A change of a holder or of a quorum waits seven days after it is in the public log, so that
petitioners and auditors see it before it can open anything; every other change is in force at the
next tick, and a revocation keeps a member out from the moment it is published, whatever else its
roster waits for. The seven days are counted as everybody counts them, from the witnesses' times of
the first checkpoint that holds the publication, and as whole days that lie between.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import Connection, select

from dengwen_audit.note import Note, VerificationKey
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster
from dengwen_vault.errors import NotReadyError, SettingsError
from dengwen_vault.models import Card as CardRow
from dengwen_vault.models import LogHead
from dengwen_vault.models import Roster as RosterRow

HOLDER_WAIT = datetime.timedelta(days=8)  # seven whole days lie between

_NEWEST_CARD = select(CardRow.hash).order_by(CardRow.number.desc()).limit(1)
_NEWEST_ROSTER = select(RosterRow.hash).order_by(RosterRow.version.desc()).limit(1)
_HEAD = select(
    LogHead.size,
    LogHead.roster,
    _NEWEST_CARD.scalar_subquery().label("card"),
    _NEWEST_ROSTER.scalar_subquery().label("newest"),
)


def utc_day(now: float) -> datetime.date:
    """Return the day in UTC of *now*, in seconds since 1970."""
    return datetime.datetime.fromtimestamp(now, datetime.UTC).date()


def first_day_in_force(
    roster: Roster,
    today: datetime.date,
    current: Roster | None,
    previous: tuple[Roster, datetime.date | None] | None,
) -> datetime.date | None:
    """
    Return the first day of a *roster* whose publication enters the log *today*.

    None means that it has to wait, counted from a day that is not known yet.

    Args:
        current: The roster in force, if there is one.
        previous: The roster that this one follows, and its own first day if that is known.
    """
    if current is None or not roster.holders_differ(current):
        return max(today, roster.valid_from)
    if previous is None or previous[1] is None or roster.holders_differ(previous[0]):
        return None
    return max(today, previous[1], roster.valid_from)


def first_day_after_wait(roster: Roster, published: float) -> datetime.date:
    """Return the first day of a roster that waits, *published* at this time of the witnesses."""
    return max(utc_day(published) + HOLDER_WAIT, roster.valid_from)


@dataclass(frozen=True)
class Standing:
    """
    What is in force at one moment.

    Attributes:
        size: How many records the log has.
        roster_hash: The hash of the roster in force; `Roster.hash` would spell it anew.
        revoked: Members whom a roster that is published but not yet in force revokes.
    """

    size: int
    card: Card
    roster_hash: bytes
    roster: Roster
    revoked: frozenset[str]

    def key_of(self, id_: str) -> VerificationKey | None:
        """Return the signing key of the active member with this id, or None."""
        return None if id_ in self.revoked else self.roster.key_of(id_)


class Office:
    """Reads cards and rosters of one office, and parses each of them once."""

    def __init__(self) -> None:
        """Know none yet."""
        self._cards: dict[bytes, Card] = {}
        self._rosters: dict[bytes, Roster] = {}
        self._revocations: dict[bytes, frozenset[str]] = {}

    def standing(self, connection: Connection) -> Standing:
        """
        Return what is in force.

        Raises:
            NotReadyError: If the log has no record yet.
        """
        head = connection.execute(_HEAD).one_or_none()
        if head is None or head.roster is None:
            raise NotReadyError("the office's log has no record yet")
        return Standing(
            size=head.size,
            card=self._card(connection, head.card),
            roster_hash=head.roster,
            roster=self.roster(connection, head.roster),
            revoked=self._revoked(connection, head.newest),
        )

    def card(self, connection: Connection) -> Card:
        """
        Return the newest card.

        Raises:
            SettingsError: If there is none: the data folder is not initialised.
        """
        newest = connection.scalar(_NEWEST_CARD)
        if newest is None:
            raise SettingsError("the office has no card: begin with `dengwen-vault init`")
        return self._card(connection, newest)

    def roster(self, connection: Connection, hash_: bytes) -> Roster:
        """Return the roster of this hash, which must be here."""
        if hash_ not in self._rosters:
            note = connection.scalar(select(RosterRow.note).where(RosterRow.hash == hash_))
            if note is None:
                raise AssertionError("internal error: a roster that was never published")
            self._rosters[hash_] = Roster.parse(Note.parse(note).text)
        return self._rosters[hash_]

    def _card(self, connection: Connection, hash_: bytes) -> Card:
        if hash_ not in self._cards:
            note = connection.execute(
                select(CardRow.note).where(CardRow.hash == hash_)
            ).scalar_one()
            self._cards[hash_] = Card.parse(Note.parse(note).text)
        return self._cards[hash_]

    def _revoked(self, connection: Connection, hash_: bytes) -> frozenset[str]:
        """Return whom a roster revokes."""
        if hash_ not in self._revocations:
            lines = self.roster(connection, hash_).revoked
            self._revocations[hash_] = frozenset(line.member for line in lines)
        return self._revocations[hash_]
