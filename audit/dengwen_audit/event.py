"""
An event: one thing that happened in a case, or in the office, and what signed statement caused it.

::

    dengwen/event/v1
    type open.requested
    case 64 hexadecimal digits; all zero for an event of the office itself
    number 2                                            counted from 1 in each case, without gaps
    previous …                                          hash of the event before it
    actor reviewer-7                                    a member's id, petitioner, office or roots
    day 2026-02-03
    salt …                                              32 random bytes
    cause …                                             hash of the signed note that caused it

The events of a case form a chain. The first names, as its previous, the hash of the case's
manifest; the first event of the office names the hash of its first card. An event's hash is the
hash of its leaf in the epoch's tree.

Only ``petition.received`` and ``attachment.received`` are the operator's own word: every other
event can be judged by its cause, which is served with it.

Source: docs/formats/event.md.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from dengwen_audit.errors import RuleError
from dengwen_audit.merkle import Hash, leaf_hash
from dengwen_audit.text import HASH_SIZE, ZERO_HASH, TextError, TextReader, TextWriter

KIND = "dengwen/event/v1"
MAX_EVENT_BYTES = 1024
SALT_SIZE = 32  # bytes

PETITIONER, OFFICE, ROOTS = "petitioner", "office", "roots"
NO_MEMBERS = frozenset({PETITIONER, OFFICE, ROOTS})  # actors that are no member's id

_ACCEPTANCE = ("dengwen/acceptance/v1",)
_REQUEST = ("dengwen/request/v1",)
_RELEASE = ("dengwen/release/v1",)
_REFUSAL = ("dengwen/refusal/v1",)
_STATEMENT = ("dengwen/statement/v1",)
_HOLDERS = ("gatekeeper", "trustee")


class ChainError(RuleError):
    """Events do not form one chain: one is missing, doubled, changed or of another case."""


@dataclass(frozen=True)
class EventType:
    """
    What may cause an event of one type, and who.

    Attributes:
        name: The type, such as ``case.closed``.
        cause_kinds: The type lines that its cause may have.
        actors: Roles, or ``petitioner``, ``office``, ``roots``: who may sign the cause.
        signers: The smallest number of signatures on the cause. For the roots it is the card's
            threshold, and 2 is only the least that any card can ask.
        of_office: Whether it belongs to the office's chain rather than to a case.
    """

    name: str
    cause_kinds: tuple[str, ...]
    actors: tuple[str, ...]
    signers: int = 1
    of_office: bool = False

    def is_actor(self, actor: str, role: str | None) -> bool:
        """Tell whether *actor* (a member of this *role*, or no member) may do this."""
        if actor in NO_MEMBERS:
            return actor in self.actors
        return role not in NO_MEMBERS and role in self.actors


def _by_roots(name: str, cause_kind: str) -> EventType:
    return EventType(name, (cause_kind,), (ROOTS,), signers=2, of_office=True)


_TYPES = (
    EventType("petition.received", _ACCEPTANCE, (OFFICE,)),
    EventType("attachment.received", _ACCEPTANCE, (OFFICE,)),
    EventType("open.requested", _REQUEST, ("reviewer",)),
    EventType("share.released", _RELEASE, _HOLDERS),
    EventType("share.refused", _REFUSAL, _HOLDERS),
    EventType("message.posted", _STATEMENT, (PETITIONER, "reviewer")),
    EventType("case.answered", _STATEMENT, ("reviewer",)),
    EventType("case.closed", _STATEMENT, ("reviewer",), signers=2),
    EventType("case.recused", _STATEMENT, ("reviewer",)),
    EventType("case.unopenable", _STATEMENT, ("reviewer",), signers=2),
    EventType("case.withdrawn", _STATEMENT, (PETITIONER,)),
    EventType("case.erased", _STATEMENT, (PETITIONER, "trustee")),
    EventType("panel.renewed", _STATEMENT, (PETITIONER,)),
    EventType("panel.changed", _STATEMENT, (ROOTS,), signers=2),
    EventType("disclosure.requested", _REQUEST, ("reviewer",), signers=2),
    EventType("disclosure.approved", _RELEASE, ("trustee",)),
    EventType("disclosure.refused", _REFUSAL, ("trustee",)),
    EventType("disclosure.objected", _STATEMENT, (PETITIONER,)),
    EventType("referral.requested", _STATEMENT, ("reviewer",)),
    EventType("referral.countersigned", _STATEMENT, ("gatekeeper",)),
    EventType("referral.refused", _STATEMENT, ("gatekeeper",)),
    EventType("referral.sent", _STATEMENT, ("reviewer",)),
    EventType("share.moved", _STATEMENT, _HOLDERS),
    EventType("identity.resealed", _STATEMENT, (PETITIONER,)),
    EventType("key.destroyed", _STATEMENT, _HOLDERS, of_office=True),
    _by_roots("key.recovery.requested", "dengwen/statement/v1"),
    EventType("key.recovery.approved", _STATEMENT, _HOLDERS, of_office=True),
    EventType("key.recovery.refused", _STATEMENT, _HOLDERS, of_office=True),
    EventType("key.recovery.released", _STATEMENT, _HOLDERS, of_office=True),
    _by_roots("audit.granted", "dengwen/grant/v1"),
    _by_roots("audit.ended", "dengwen/grant-end/v1"),
    _by_roots("roster.published", "dengwen/roster/v1"),
    _by_roots("card.published", "dengwen/card/v1"),
)

EVENT_TYPES: Mapping[str, EventType] = MappingProxyType({kind.name: kind for kind in _TYPES})


@dataclass(frozen=True)
class Event:
    """
    One event.

    Attributes:
        type: One of `EVENT_TYPES`.
        case: The case id, or the zero hash for an event of the office.
        number: Its place in the case's chain, from 1.
        previous: The hash of the event before it, or what the chain hangs on.
        actor: A member's id, ``petitioner``, ``office`` or ``roots``.
        day: When it entered the log, in UTC; nothing finer is kept.
        salt: Random, so that no one can guess an event from its hash.
        cause: The hash of the signed note that caused it.
    """

    type: str
    case: bytes
    number: int
    previous: bytes
    actor: str
    day: datetime.date
    salt: bytes
    cause: bytes

    def __post_init__(self) -> None:
        """Refuse what `parse` would refuse."""
        if self.type not in EVENT_TYPES:
            raise TextError("event: a type that is not of the list")
        sizes = {len(self.case), len(self.previous), len(self.salt), len(self.cause)}
        if sizes != {HASH_SIZE} or self.number < 1:
            raise TextError("event: not 32 bytes, or not a number from 1")
        if EVENT_TYPES[self.type].of_office != (self.case == ZERO_HASH):
            raise TextError("event: the type does not belong in this chain")
        if self.actor in NO_MEMBERS and self.actor not in EVENT_TYPES[self.type].actors:
            raise TextError("event: not an actor of this type")

    @cached_property
    def hash(self) -> Hash:
        """The hash of its leaf, by which the next event of the chain calls it."""
        return leaf_hash(self.to_bytes())

    @classmethod
    def parse(cls, data: bytes) -> Event:
        """
        Read an event.

        Raises:
            TextError: If it is not one, in its one spelling.
        """
        reader = TextReader(data, KIND, MAX_EVENT_BYTES)
        event = cls(
            type=reader.take_token("type"),
            case=reader.take_hash("case"),
            number=reader.take_number("number"),
            previous=reader.take_hash("previous"),
            actor=reader.take_token("actor"),
            day=reader.take_day("day"),
            salt=reader.take_hash("salt"),
            cause=reader.take_hash("cause"),
        )
        reader.end()
        return event

    def to_bytes(self) -> bytes:
        """Spell the event; these bytes are the leaf."""
        return self._bytes

    @cached_property
    def _bytes(self) -> bytes:
        writer = TextWriter(KIND).line("type", self.type).line("case", self.case)
        writer.line("number", self.number).line("previous", self.previous)
        writer.line("actor", self.actor).line("day", self.day)
        return writer.line("salt", self.salt).line("cause", self.cause).to_bytes()


def check_chain(events: Iterable[Event], first_previous: bytes) -> None:
    """
    Check that *events* are the first events of one chain, in order, none left out.

    Whether they are all its events is another question, which only heads can answer.

    Args:
        first_previous: What the chain hangs on: the manifest's hash, or the first card's.

    Raises:
        ChainError: If a number, a previous hash or a case does not fit.
    """
    previous, case = first_previous, None
    for number, event in enumerate(events, start=1):
        if event.number != number:
            raise ChainError(f"chain: expected the event with number {number}")
        if event.previous != previous:
            raise ChainError(f"chain: event {number} does not follow the one before it")
        if event.case != (event.case if case is None else case):
            raise ChainError(f"chain: event {number} is of another case")
        previous, case = event.hash, event.case
