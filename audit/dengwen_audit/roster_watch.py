"""
Judges the rosters that a log's records name, one after the other.

- Each is to be had, and signed by the root threshold of one of the office's cards.
- Each follows, by version and hash, from the one before it; none comes back.
- The one in force is valid today.
- One that changes a holder or a quorum takes effect seven days after its publication was in the
  log, counted in days of UTC. When exactly a record was made is not in the log; but a checkpoint
  that covers it was cosigned at a known time, so the record is not younger. The monitor knows such
  times from its own visits: who visits every few days misses no early change, and no honest office
  is ever accused.

Source: docs/formats/monitor.md.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dengwen_audit.errors import AuditError, RuleError
from dengwen_audit.receipt import CheckedReceipt
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import check_chain, check_in_force
from dengwen_audit.tiles import TileError

HOLDER_WAIT = datetime.timedelta(days=7)
MAX_UNSEEN = 100  # rosters between two that records name


class RosterWatchError(RuleError):
    """The records name rosters that must not follow each other so."""


@dataclass(frozen=True)
class RosterUse:
    """The first record, since the record before it named another, that names a roster."""

    index: int
    roster: bytes


@dataclass(frozen=True)
class KnownTime:
    """A size of the log that witnesses vouched for at a time, in seconds since 1970."""

    size: int
    time: int


@dataclass(frozen=True)
class RosterWatch:
    """
    What the judgement draws on.

    Attributes:
        roster: Gives a roster by its hash, its signatures checked.
        publication: Gives the checked receipt of a roster's publication, by the roster's hash.
        times: Known times of the log.
    """

    roster: Callable[[bytes], Roster]
    publication: Callable[[bytes], CheckedReceipt]
    times: Sequence[KnownTime]

    def check(self, uses: Iterable[RosterUse], today: datetime.date) -> list[str]:
        """Return a sentence for each breach."""
        breaches: list[str] = []
        current: Roster | None = None
        for use in uses:
            try:
                roster = self.roster(use.roster)
                if current is not None:
                    self._check_change(current, roster, use.index)
                current = roster
            except TileError as error:
                breaches.append(f"record {use.index}: its roster is not shown: {error}")
            except AuditError as error:
                breaches.append(f"record {use.index}: {error}")
        try:
            if current is not None:
                check_in_force(current, today)
        except AuditError:
            breaches.append(
                f"the newest record names roster {current.version if current else 0},"
                " which is not valid today"
            )
        return breaches

    def _check_change(self, current: Roster, new: Roster, index: int) -> None:
        """Check one change, at record *index*, of the roster in force."""
        if new.version <= current.version:
            raise RosterWatchError(f"roster {new.version} comes after roster {current.version}")
        chain = self._chain(current, new)
        if not new.holders_differ(current):
            return
        # Published with the first roster of the run that has these same holders.
        changed = [place for place, roster in enumerate(chain) if roster.holders_differ(new)]
        self._check_wait(chain[changed[-1] + 1], index)

    def _chain(self, current: Roster, new: Roster) -> list[Roster]:
        """Return the rosters from *current* to *new*, each checked to follow the one before."""
        chain = [new]
        while chain[0].version > current.version + 1:
            if len(chain) > MAX_UNSEEN:
                raise RosterWatchError("too many rosters were never in force")
            before = self.roster(chain[0].previous)
            check_chain(before, chain[0])
            chain.insert(0, before)
        check_chain(current, chain[0])
        return [current, *chain]

    def _check_wait(self, roster: Roster, index: int) -> None:
        """Check that a change of holders was public for seven days before record *index*."""
        published = self.publication(roster.hash)
        event = published.event
        if event.type != "roster.published" or event.cause != roster.hash:
            raise RosterWatchError(f"the proof beside roster {roster.version} is not of it")
        if published.index >= index:
            raise RosterWatchError(f"roster {roster.version} is in force before it is in the log")
        first_day = _day(published.cosigned.median_time) + HOLDER_WAIT
        covering = [known.time for known in self.times if known.size > index]
        if covering and _day(min(covering)) < first_day:
            raise RosterWatchError(
                f"roster {roster.version} changes who holds shares,"
                f" and took force before {first_day}"
            )


def _day(time: int) -> datetime.date:
    return datetime.datetime.fromtimestamp(time, datetime.UTC).date()
