"""Samples with fixed content: a case's first events, the office's, their epoch, and a log of it."""

from __future__ import annotations

import datetime
from dataclasses import replace

from dengwen_audit.epoch import Epoch, Record
from dengwen_audit.event import Event
from dengwen_audit.merkle import Hash
from dengwen_audit.text import ZERO_HASH
from tests.small_log import SmallLog, seed


def sample_events() -> list[Event]:
    """Return the first three events of one case."""
    case, previous = seed("case"), seed("manifest")
    events: list[Event] = []
    for number, (kind, actor) in enumerate(
        [
            ("petition.received", "office"),
            ("open.requested", "reviewer-7"),
            ("share.released", "gatekeeper-2"),
        ],
        start=1,
    ):
        day = datetime.date(2026, 2, number)
        salt, cause = seed(f"salt {number}"), seed(f"cause {number}")
        event = Event(kind, case, number, previous, actor, day, salt, cause)
        previous = event.hash
        events.append(event)
    return events


def sample_epoch() -> Epoch:
    """Return an epoch of these three events and thirteen empties."""
    events = [event.to_bytes() for event in sample_events()]
    return Epoch.build([*events, *office_events()], seed("epoch"), seed("roster"))


def office_events() -> list[bytes]:
    """Return two events of the office, so that the epoch has more than four leaves."""
    first = Event(
        type="card.published",
        case=ZERO_HASH,
        number=1,
        previous=seed("card"),
        actor="roots",
        day=datetime.date(2026, 2, 1),
        salt=seed("office salt 1"),
        cause=seed("card"),
    )
    second = replace(
        first,
        type="roster.published",
        number=2,
        previous=first.hash,
        salt=seed("office salt 2"),
        cause=seed("roster"),
    )
    return [first.to_bytes(), second.to_bytes()]


def sample_log() -> SmallLog:
    """Return a log of eleven records; number 6 is the sample epoch's."""
    records = [Record(Hash(seed(f"root {n}")), seed("roster")).to_bytes() for n in range(11)]
    records[6] = sample_epoch().record.to_bytes()
    return SmallLog(records)
