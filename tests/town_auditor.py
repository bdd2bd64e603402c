"""What auditors of a town do: look at the public files, and, with a grant, at every event."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import requests

from dengwen_audit.cli.events import read_dossier
from dengwen_audit.epoch_feed import EpochFeed
from dengwen_audit.http_client import HttpClient
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.memory import Memory
from dengwen_audit.monitor import Monitor, Report
from dengwen_audit.note import Note
from dengwen_audit.rules import check_rules
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.grant import Grant
from dengwen_audit.trust import Trust, open_office
from tests.small_office import make_key
from tests.town_people import AUDITOR, OFFICE, sign_by_roots


def make_grant(until: datetime.date) -> Note:
    """Return the root keepers' leave for the auditor to read all events."""
    return sign_by_roots(Grant(OFFICE, AUDITOR, "court-of-audit", 0, until).to_bytes())


class Auditor:
    """
    An auditor who pinned the *card*.

    Args:
        clock: Gives seconds since 1970.
    """

    def __init__(self, card: Card, session: requests.Session, clock: Callable[[], float]) -> None:
        """Look at nothing yet."""
        self._session = session
        self._clock = clock
        self._trust = Trust(card.policy, (card,))
        self._office = open_office(card.door, session)
        auth = MemberAuth(AUDITOR, make_key(AUDITOR), clock)
        self._feed = EpochFeed(HttpClient(session, auth), card.desk, causes=True)

    def visit(self, memory: Memory | None) -> Report:
        """Check everything that the public files tell."""
        return Monitor(self._office, self._trust, memory, self._clock()).visit()

    def audit(self) -> list[str]:
        """Check every rule of every case; this takes a grant. Return the breaches."""
        dossier, _ = read_dossier(self._office, self._trust, self._feed, 0)
        today = datetime.datetime.fromtimestamp(self._clock(), datetime.UTC).date()
        return [breach.text for breach in check_rules(dossier, today)]
