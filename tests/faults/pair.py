"""
An office under load on a primary and its synchronous standby, and the ways in which one is lost.

Whoever is lost comes back as a copy of the other, at the same address, as an operator does it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dengwen_vault.settings import SYNCHRONOUS
from tests.faults.storm import Storm
from tests.servers import Server, Servers, servers

_NAMES = {"synchronous_standby_names": "FIRST 1 (a, b)"}
_WHILE = 3.0  # seconds
_CANCEL = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@dataclass
class Pair:
    """A *storm* on two servers, of which one is *primary*."""

    storm: Storm
    place: Servers
    primary: Server
    standby: Server

    def crash(self) -> None:
        """Kill the primary and everything that belongs to it."""
        self.primary.stop(signal.SIGKILL)

    def stop(self) -> None:
        """Let the primary end without finishing anything."""
        self.primary.stop(signal.SIGQUIT)

    def cut_off(self) -> None:
        """Cut the wire between the two, see that nothing is acknowledged any more, then fence."""
        self._cut()
        self.crash()

    def cancel(self) -> None:
        """Do as `cut_off`, and cancel every wait: PostgreSQL then says COMMIT and a warning."""
        self._cut()
        before = self.storm.acknowledged
        until = time.monotonic() + _WHILE
        while time.monotonic() < until:
            self.primary.ask(_CANCEL)
            time.sleep(0.05)
        assert self.storm.acknowledged == before, "acknowledged by one of two"
        self.crash()

    def _cut(self) -> None:
        self.place.wires[-1].cut()
        self.primary.wait_for(_WAITING)
        # What was acknowledged before is told to whoever sent it.
        self.storm.stands_still(lambda: self.storm.acknowledged, _WHILE)

    def fail_over(self) -> None:
        """Promote the standby of a primary that is down, and give it a standby."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        self.place.renew(self.standby, self.primary)

    def only_the_sequencer_ended(self) -> None:
        """Check that nobody had to start anything again but the log's own process."""
        ended = self.storm.house.ended
        assert {name for name, _ in ended} <= {"sequencer"}, ended
        ended.clear()


@contextmanager
def pair_under_load(folder: Path, seed: int) -> Iterator[Pair]:
    """Give an office under load on a primary and its standby."""
    with servers() as place:
        primary = place.primary("a", **_NAMES)
        standby = place.standby("b", primary)
        url = place.url(primary, standby)
        with Storm(folder, seed, url, SYNCHRONOUS) as storm:
            yield Pair(storm, place, primary, standby)
