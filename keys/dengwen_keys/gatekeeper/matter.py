"""
A matter: one request, the evidence served with it, and what the holder itself knows.

Everything here was parsed, and receipt and manifest were verified in themselves (`work.py`);
whether the pieces fit each other, and whether they allow a release, is for the checks. A matter is
a plain value, so that a test can change one piece of it and see which check notices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.event import Event
from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.policy import Cosigned
from dengwen_audit.receipt import CheckedReceipt
from dengwen_audit.statements.manifest import PETITION, Manifest
from dengwen_audit.statements.member import GATEKEEPER
from dengwen_audit.statements.request import REVIEW, Request
from dengwen_audit.statements.roster import Roster
from dengwen_keys.age.identities import Identity
from dengwen_keys.gatekeeper.refusals import NotSeated


@dataclass(frozen=True)
class Kind:
    """What a kind of holder may be asked for."""

    role: str
    compartment: str
    purposes: frozenset[str]


GATEKEEPERS = Kind(GATEKEEPER, PETITION, frozenset({REVIEW}))


@dataclass(frozen=True)
class Holder:
    """
    Who judges.

    Attributes:
        id: The member id.
        identity: Opens the share files of this holder's seat.
        kind: What this holder may be asked for.
    """

    id: str
    identity: Identity = field(repr=False)
    kind: Kind = GATEKEEPERS

    def seat_in(self, roster: Roster) -> int:
        """
        Return this holder's seat.

        Raises:
            NotSeated: If *roster* gives it none of its kind, or has revoked it.
        """
        for member in roster.active(self.kind.role):
            if member.id == self.id:
                return member.seat
        raise NotSeated("the roster in force gives this holder no seat")


@dataclass(frozen=True)
class LogView:
    """
    What the holder knows of the log.

    Attributes:
        office: The log's origin, from the pinned card.
        tick: Seconds between two records, from the pinned card.
        max_age: How old the newest cosignatures may be, in seconds.
        latest: The newest checkpoint published with a quorum of witnesses.
        seen: The largest checkpoints that this holder accepted, as a holder and as a witness.
        proofs: From each size in question, the consistency proof to the largest size in question.
    """

    office: str
    tick: int
    max_age: float
    latest: Cosigned
    seen: tuple[Checkpoint, ...] = ()
    proofs: Mapping[int, tuple[Hash, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rosters:
    """
    The roster that the newest record names, and those before it by hash, as far back as needed.

    Each follows from the next by the hash in its ``previous`` line, and the newest was proven from
    the one this holder knew.

    Attributes:
        handed: A roster that the root keepers gave to this holder directly, and since when it is
            here, in seconds.
    """

    current: Roster
    history: Mapping[NoteHash, Roster]
    handed: tuple[Roster, float] | None = None


@dataclass(frozen=True)
class Memory:
    """
    What this holder remembers that bears on a request.

    Attributes:
        manifest: The manifest of the case, if it was ever served here.
        chain: Hashes of the case's events seen so far, from number 1.
        types: The types of those events.
        nonce_used: Whether another request had the same nonce.
        openings_today: How many shares went to the requester today.
    """

    manifest: NoteHash | None = None
    chain: tuple[Hash, ...] = ()
    types: frozenset[str] = frozenset()
    nonce_used: bool = False
    openings_today: int = 0


@dataclass(frozen=True)
class Evidence:
    """What the desk served with a request, read but not yet compared with anything."""

    receipt: CheckedReceipt
    manifest_hash: NoteHash
    manifest: Manifest
    events: tuple[Event, ...]
    first_cause: Note
    share: bytes = field(repr=False)


@dataclass(frozen=True)
class Matter:
    """One request with everything it is judged by; `now` is in seconds since 1970."""

    now: float
    holder: Holder
    log: LogView
    rosters: Rosters
    memory: Memory
    note: Note
    request: Request
    evidence: Evidence
