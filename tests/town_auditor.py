"""What auditors of a town do: look at the public files, and, with a grant, at every event."""

from __future__ import annotations

import requests

from dengwen_audit.memory import Memory
from dengwen_audit.monitor import Monitor, Report
from dengwen_audit.statements.card import Card
from dengwen_audit.trust import Trust, open_office


def visit(card: Card, session: requests.Session, now: float, memory: Memory | None) -> Report:
    """Check everything that the public files tell, as somebody who pinned the *card*."""
    office = open_office(card.door, session)
    return Monitor(office, Trust(card.policy, (card,)), memory, now).visit()
