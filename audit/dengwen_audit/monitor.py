"""
The monitor: everything about a log that can be checked from its public files, checked anew.

- The checkpoint is signed by the log and by a quorum of witnesses, and it is fresh.
- It extends every checkpoint that this monitor has seen before: no fork, no way back.
- Every bundle is there; every record has its one shape; every tile and the root follow from them.
- Records came at the pace that the card promises, since the last visit.
- The rosters that records name are shown, signed, in order and in time (`roster_watch`).

What it cannot see: what stands in an epoch, and whether an event was left out of it. That takes a
grant (`rules`), a mirror, or the petitioner's own eyes.

Memory is flat and a million records in a folder take some seconds: docs/formats/monitor.md has
the figures.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.epoch import Record
from dengwen_audit.errors import AuditError, ProofError
from dengwen_audit.memory import Memory, Visit
from dengwen_audit.note import Note
from dengwen_audit.policy import Cosigned
from dengwen_audit.receipt import MAX_CLOCK_SKEW, CheckedReceipt, check_receipt
from dengwen_audit.roster_watch import KnownTime, RosterUse, RosterWatch
from dengwen_audit.tiles import (
    MissingTileError,
    TileError,
    VerifiedLog,
    read_checkpoint,
    walk,
)
from dengwen_audit.trust import Office, Trust, roster_reader

STOPPED_TICKS = 20
STOPPED_SECONDS = 3600.0  # at least
PACE_TOLERANCE = 0.1  # of the records expected
PACE_SLACK = 2  # records


@dataclass
class Report:
    """
    What a visit found.

    Attributes:
        breaches: What breaks a rule; one is enough to raise the alarm.
        notices: What a person should know, and no rule forbids.
        cosigned: The checkpoint, if it was vouched for.
        note: The same as it was shown.
        uses: Where the records change from one roster to another.
    """

    breaches: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    cosigned: Cosigned | None = None
    note: Note | None = None
    uses: list[RosterUse] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Tell whether no rule was broken."""
        return not self.breaches

    def remember(self, before: Memory | None) -> Memory | None:
        """Return the memory after this visit; one that found a breach changes nothing."""
        if not self.is_clean or self.cosigned is None or self.note is None:
            return before
        checkpoint = self.cosigned.checkpoint
        visit = Visit(checkpoint.size, checkpoint.root, _time_of(self.cosigned))
        return before.then(self.note, visit) if before else Memory.begin(self.note, visit)


class Monitor:
    """
    One visit to a log.

    Args:
        office: The public files.
        trust: By what they are judged.
        memory: What was seen before; None at the first visit.
        now: Seconds since 1970.
    """

    def __init__(self, office: Office, trust: Trust, memory: Memory | None, now: float) -> None:
        """Read nothing yet."""
        self._office = office
        self._trust = trust
        self._memory = memory
        self._now = now
        self._report = Report()

    def visit(self) -> Report:
        """
        Check everything, as far as one check lets the next make sense.

        Raises:
            TileError: If the source cannot be reached, or is no log. Any file that a checkpoint
                implies and that the source does not *have* is a breach.
        """
        try:
            self._check_all()
        except MissingTileError as error:
            self._report.breaches.append(f"a file is missing: {error}")
        except TileError:
            raise
        except AuditError as error:
            self._report.breaches.append(str(error))
        return self._report

    def _check_all(self) -> None:
        try:
            note = read_checkpoint(self._office.log)
        except MissingTileError as error:  # a wrong address accuses nobody
            raise TileError("there is no log at this address, or it shows no checkpoint") from error
        cosigned = self._trust.policy.check(note)
        self._report.note, self._report.cosigned = note, cosigned
        self._check_age(cosigned)
        self._check_size(cosigned.checkpoint)
        self._walk(cosigned.checkpoint)
        self._check_past(cosigned.checkpoint)
        self._check_pace(cosigned)
        self._check_rosters(cosigned)

    def _check_age(self, cosigned: Cosigned) -> None:
        """Check that witnesses vouched for the checkpoint not long ago."""
        if not cosigned.times:
            self._report.notices.append("the policy asks for no witness, so nobody says when")
            return
        age = self._now - cosigned.median_time
        limit = max(STOPPED_TICKS * (self._trust.tick or 0), STOPPED_SECONDS)
        if age > limit:
            self._report.breaches.append(
                f"the log has stopped: its newest checkpoint is {_duration(age)} old"
            )
        if -age > MAX_CLOCK_SKEW:
            self._report.breaches.append("the witnesses' times are yet to come: check the clock")

    def _check_size(self, checkpoint: Checkpoint) -> None:
        """
        Check that no record has gone since the last visit.

        Raises:
            ProofError: If one has: the log was set back.
        """
        if self._memory is None:
            self._report.notices.append("first visit: from now on a fork would be noticed")
        elif checkpoint.size < self._memory.last.size:
            raise ProofError(
                f"ROLLBACK: {self._memory.last.size} records were shown before,"
                f" and now {checkpoint.size}"
            )

    def _check_past(self, checkpoint: Checkpoint) -> None:
        """
        Check that the log, whose files are known to be sound, begins with what was seen last.

        Raises:
            ProofError: If it does not: there are two histories.
        """
        if self._memory is None:
            return
        last = self._memory.last
        try:
            VerifiedLog(self._office.log, checkpoint).prove_consistency(last.size, last.root)
        except ProofError as error:
            raise ProofError(
                f"FORK: the log of {checkpoint.size} records does not begin with the {last.size}"
                " that were shown before; keep the memory, and keep this checkpoint"
            ) from error

    def _walk(self, checkpoint: Checkpoint) -> None:
        """Derive everything again; note where the records change their roster."""
        current = b""
        for first, records in walk(self._office.log, checkpoint):
            for index, data in enumerate(records, first):
                roster = Record.parse(data).roster if self._trust.cards else b""
                if roster != current:
                    self._report.uses.append(RosterUse(index, roster))
                    current = roster

    def _check_pace(self, cosigned: Cosigned) -> None:
        """Compare the growth since the last visit with the tick; a difference is a notice."""
        if self._memory is None or self._trust.tick is None or not cosigned.times:
            return
        last = self._memory.last
        seconds = cosigned.median_time - last.time
        grown, expected = cosigned.checkpoint.size - last.size, seconds / self._trust.tick
        if abs(grown - expected) > PACE_TOLERANCE * expected + PACE_SLACK:
            self._report.notices.append(
                f"pace: {grown} records in {_duration(seconds)},"
                f" where a tick of {self._trust.tick} s gives {expected:.0f}"
            )

    def _check_rosters(self, cosigned: Cosigned) -> None:
        if not self._trust.cards:
            self._report.notices.append("no card is given, so records and rosters are not judged")
            return
        visits = self._memory.visits if self._memory else ()
        times = [KnownTime(visit.size, visit.time) for visit in visits]
        times.append(KnownTime(cosigned.checkpoint.size, _time_of(cosigned)))
        roster = roster_reader(self._trust, self._office.files)
        watch = RosterWatch(roster, self._read_publication, times)
        today = datetime.datetime.fromtimestamp(self._now, datetime.UTC).date()
        self._report.breaches += watch.check(self._report.uses, today)

    def _read_publication(self, roster_hash: bytes) -> CheckedReceipt:
        """Return the checked receipt of a roster's publication, by the policy of any card."""
        data = self._office.files.read(f"rosters/{roster_hash.hex()}.tlog-proof")
        for card in self._trust.cards:
            try:
                return check_receipt(data, card.policy)
            except AuditError:
                continue
        return check_receipt(data, self._trust.policy)


def _time_of(cosigned: Cosigned) -> int:
    return cosigned.median_time if cosigned.times else 0


def _duration(seconds: float) -> str:
    """Spell a time span for a person."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"
