"""
A small office whose log is real and whose operator, petitioner and reviewers need not be honest.

Every signature, hash, epoch, receipt and cosignature is made by the code that makes it in service;
the office only decides what to sign. `gatekeeper_story` tells what happens there.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.epoch import Epoch
from dengwen_audit.event import Event
from dengwen_audit.merkle import Hash, consistency_proof, inclusion_proof, leaf_hash, root
from dengwen_audit.note import Note, sign_note
from dengwen_audit.proof import LogProof
from dengwen_audit.receipt import build_latest, build_receipt, check_receipt
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import Manifest, Part
from dengwen_audit.statements.request import Request
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.statement import Statement
from dengwen_audit.text import ZERO_HASH, to_base64
from dengwen_keys.age.identities import decrypt
from dengwen_keys.age.recipients import Recipient, encrypt
from dengwen_keys.contents import IdentityPart
from dengwen_keys.gatekeeper.matter import Evidence, Holder, LogView, Matter, Memory, Rosters
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.sealing import Draft, seal
from dengwen_keys.words import Words
from tests.small_office import (
    OFFICE,
    TODAY,
    WITNESSES,
    make_card,
    make_cosigning_key,
    make_identity,
    make_key,
    make_recipient,
    make_roster,
    make_seed,
    sign_by_roots,
)

_T = TypeVar("_T")

NOON = datetime.datetime.combine(TODAY, datetime.time(12), datetime.UTC).timestamp()
DRAFT = Draft(body="The dam leaks.\n", identity=IdentityPart(), language="en")
GATEKEEPER = "gatekeeper-1"
Changes = Mapping[str, object]
HONEST: Changes = MappingProxyType({})  # nothing is otherwise


def alter(value: _T, changes: Mapping[str, object]) -> _T:
    """Return a dataclass's *value* in which some fields are otherwise."""
    return replace(value, **changes)  # type: ignore[type-var]


@dataclass
class SmallLog:
    """The public log and what lies under it; a test may copy it and change a record."""

    epochs: list[Epoch] = field(default_factory=list)
    time: float = NOON

    def leaves(self) -> list[Hash]:
        """Return the leaf hashes of the records."""
        return [leaf_hash(epoch.record.to_bytes()) for epoch in self.epochs]

    def append(self, events: Sequence[Event], roster: Roster) -> None:
        """Append the epoch of these events."""
        seed = make_seed(f"epoch {len(self.epochs)}")
        self.epochs.append(Epoch.build([event.to_bytes() for event in events], seed, roster.hash))

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """Return the checkpoint of the first *size* records, or of all."""
        leaves = self.leaves()[:size]
        return Checkpoint(OFFICE, len(leaves), root(leaves))

    def note(self, size: int | None = None, witnesses: Sequence[str] = WITNESSES[:3]) -> Note:
        """Return it signed and cosigned."""
        note = sign_note(self.checkpoint(size).to_bytes(), make_key(OFFICE))
        keys = map(make_cosigning_key, witnesses)
        return note.signed_by(*(Cosigner(key).cosign(note.text, int(self.time)) for key in keys))

    def proof(self, index: int, note: Note | None = None) -> LogProof:
        """Return the proof of a record under a signed checkpoint, or the newest one."""
        note = note or self.note()
        size = Checkpoint.parse(note.text).size
        return LogProof(None, index, tuple(inclusion_proof(self.leaves(), index, size)), note)

    def receipt(self, event: Event, note: Note | None = None) -> bytes:
        """Return the receipt of an event that is in some epoch."""
        for index, epoch in enumerate(self.epochs):
            if event.to_bytes() in epoch.leaves:
                leaf = epoch.leaves.index(event.to_bytes())
                proof = self.proof(index, note)
                return build_receipt(epoch.leaves, leaf, epoch.record.roster, proof).to_bytes()
        raise AssertionError("internal error: the event is in no epoch")

    def latest(self, note: Note | None = None) -> bytes:
        """Return the latest proof."""
        proof = self.proof(len(self.epochs) - 1, note)
        return build_latest(self.epochs[-1].record, proof)

    def consistency(self, old_size: int) -> tuple[Hash, ...]:
        """Return the proof from an older size to the newest."""
        leaves = self.leaves()
        if not 0 < old_size < len(leaves):
            return ()
        return tuple(consistency_proof(leaves, old_size, len(leaves)))

    def forked(self, index: int) -> SmallLog:
        """Return a log, signed by the same keys, in which one record is another."""
        epochs = list(self.epochs)
        epochs[index] = Epoch.build([], make_seed("fork"), epochs[index].record.roster)
        return SmallLog(epochs, self.time)


@dataclass(frozen=True)
class Petition:
    """A sealed petition, with the words that only its petitioner has."""

    sealed: SealedPetition
    words: Words

    @property
    def manifest(self) -> Manifest:
        """What it consists of."""
        return self.sealed.manifest

    @property
    def case(self) -> CaseId:
        """Its case id."""
        return self.manifest.case

    def signed(self, files: Mapping[str, bytes] | None = None, **changes: object) -> Petition:
        """Say something else in the manifest, and sign it, as only the petitioner can."""
        manifest = alter(self.manifest, changes)
        note = sign_note(manifest.to_bytes(), self.words.signing_key())
        return replace(self, sealed=SealedPetition(note, manifest, files or self.sealed.parts))

    def with_part(self, name: str, data: bytes) -> Petition:
        """Put other bytes in place of a part, and sign for them."""
        line = Part(name, hashlib.sha256(data).digest(), len(data))
        lines = tuple(line if part.name == name else part for part in self.manifest.parts)
        return self.signed({**self.sealed.parts, name: data}, parts=lines)

    def share(self, seat: int = 1) -> bytes:
        """Return what lies in a gatekeeper's share file: share and context."""
        holder = make_identity(f"gatekeeper-{seat}")
        return decrypt([holder], self.sealed.parts[f"share/petition/{seat}"])

    def with_share(self, plaintext: bytes, *recipients: str) -> Petition:
        """Seal something else to seat 1, by default to its holder, and sign for the file."""
        keys = [Recipient.parse(make_recipient(name)) for name in recipients or (GATEKEEPER,)]
        return self.with_part("share/petition/1", encrypt(keys, plaintext))


def seal_petition(name: str = "first", roster: Roster | None = None, **draft: object) -> Petition:
    """Seal a petition with words of this name."""
    words = Words(make_seed(f"words {name}")[:16])
    return Petition(seal(alter(DRAFT, draft), words, roster or make_roster()), words)


class SmallOffice:
    """
    An office with its log, its rosters, and what it says of its cases.

    Attributes:
        rosters: Oldest first; the last one is in force.
        chains: Each case's events with their causes.
        pending: Events that the next tick takes.
    """

    def __init__(self, card: Card | None = None, roster: Roster | None = None) -> None:
        self.card = card or make_card()
        self.log = SmallLog()
        self.rosters = [roster or make_roster()]
        self.chains: dict[CaseId, list[tuple[Event, Note]]] = {}
        self.pending: list[Event] = []
        self.tick()

    @property
    def roster(self) -> Roster:
        """The roster in force."""
        return self.rosters[-1]

    def tick(self) -> None:
        """Append a record with all that is pending."""
        self.log.append(self.pending, self.roster)
        self.pending = []

    def publish(self, **changes: object) -> Roster:
        """Put the next roster in force: the last one with *changes*."""
        last = self.roster
        following = replace(last, version=last.version + 1, previous=last.hash)
        self.rosters.append(alter(following, changes))
        return self.roster

    def publish_receipt(self, roster: Roster) -> bytes:
        """Let the log have the publication of a roster; return the receipt of it."""
        event = Event(
            type="roster.published",
            case=ZERO_HASH,
            number=1,
            previous=self.card.hash,
            actor="roots",
            day=TODAY,
            salt=make_seed("publication"),
            cause=roster.hash,
        )
        self.pending.append(event)
        self.tick()
        return self.log.receipt(event)

    def roster_note(self, hash_: bytes) -> Note:
        """Return a roster as the root keepers signed it."""
        (roster,) = (roster for roster in self.rosters if roster.hash == hash_)
        return sign_by_roots(roster.to_bytes())

    def add(
        self, petition: Petition, kind: str, actor: str, cause: Note, changes: Changes = HONEST
    ) -> Event:
        """Add an event to a case's chain; the next tick takes it."""
        case = changes.get("case", petition.case)
        assert isinstance(case, bytes)
        chain = self.chains.setdefault(CaseId(case), [])
        honest = Event(
            type=kind,
            case=case,
            number=len(chain) + 1,
            previous=chain[-1][0].hash if chain else petition.manifest.hash,
            actor=actor,
            day=TODAY,
            salt=make_seed(f"salt {len(self.log.epochs)} {len(self.pending)}"),
            cause=cause.hash,
        )
        event = alter(honest, changes)
        chain.append((event, cause))
        self.pending.append(event)
        return event

    def acceptance(self, petition: Petition, signer: str = "intake", **changes: object) -> Note:
        """Sign that a petition will be in the log."""
        manifest = petition.manifest
        honest = Acceptance(OFFICE, manifest.case, manifest.hash, TODAY, 7200)
        return sign_note(alter(honest, changes).to_bytes(), make_key(signer))

    def receive(
        self,
        petition: Petition,
        acceptance: Note | None = None,
        kind: str = "petition.received",
        event: Changes = HONEST,
    ) -> None:
        """Accept a petition, and let the log have it."""
        self.add(petition, kind, "office", acceptance or self.acceptance(petition), event)
        self.tick()

    def state(self, petition: Petition, kind: str) -> None:
        """Log a statement of the petitioner, or of two reviewers of the panel."""
        note = Statement(OFFICE, petition.case, kind).to_bytes()
        if kind == "case.closed":
            signers = petition.manifest.panel[:2]
            self.add(petition, kind, signers[0], sign_note(note, *map(make_key, signers)))
        else:
            cause = sign_note(note, petition.words.signing_key())
            self.add(petition, kind, "petitioner", cause)
        self.tick()

    def request(
        self,
        petition: Petition,
        changes: Changes = HONEST,
        requester: str | None = None,
        signer: str | None = None,
    ) -> Note:
        """Sign a request to open, as of now; by default by the panel's first member."""
        requester = requester or petition.manifest.panel[0]
        tree = self.log.checkpoint()
        honest = Request(
            office=OFFICE,
            case=petition.case,
            manifest=petition.manifest.hash,
            compartment="petition",
            purpose="review",
            requester=requester,
            roster=self.roster.hash,
            recipient=make_recipient(f"fresh {requester}"),
            after_size=tree.size,
            after_root=tree.root,
            last_index=tree.size + 60,
            nonce=make_seed(f"nonce {len(self.log.epochs)}"),
        )
        return sign_note(alter(honest, changes).to_bytes(), make_key(signer or requester))

    def log_request(self, petition: Petition, request: Note, changes: Changes = HONEST) -> Event:
        """Let the log have a request."""
        actor = Request.parse(request.text).requester
        event = self.add(petition, "open.requested", actor, request, changes)
        self.tick()
        return event

    def evidence(self, petition: Petition, event: Event, receipt: bytes | None = None) -> Evidence:
        """Return what the desk serves with a request."""
        chain = self.chains[CaseId(event.case)]
        return Evidence(
            receipt=check_receipt(receipt or self.log.receipt(event), self.card.policy),
            manifest_hash=petition.manifest.hash,
            manifest=petition.manifest,
            events=tuple(event for event, _ in chain),
            first_cause=chain[0][1],
            share=petition.sealed.parts["share/petition/1"],
        )

    def matter(self, petition: Petition, request: Note, event: Event, **changes: object) -> Matter:
        """Return a matter in which everything is as the office has it, but for *changes*."""
        honest = Matter(
            now=NOON,
            holder=Holder(GATEKEEPER, make_identity(GATEKEEPER)),
            log=self.log_view(),
            rosters=Rosters(self.roster, {roster.hash: roster for roster in self.rosters}),
            memory=Memory(),
            note=request,
            request=Request.parse(request.text),
            evidence=self.evidence(petition, event),
        )
        return alter(honest, changes)

    def work(self, petition: Petition, request: Note, event: Event | None) -> bytes:
        """Return what the desk serves a gatekeeper of seat 1 for a request."""
        return self.work_for("share/petition/1", petition, request, event)

    def work_for(self, share: str, petition: Petition, request: Note, event: Event | None) -> bytes:
        """Return what the desk serves the holder of a share file for a request."""
        logged = event is not None and event not in self.pending
        body = {
            "request": request.to_bytes().decode(),
            "receipt": self.log.receipt(event).decode() if event and logged else None,
            "manifest": petition.sealed.note.to_bytes().decode(),
            "events": [
                {"event": event.to_bytes().decode(), "cause": cause.to_bytes().decode()}
                for event, cause in self.chains.get(petition.case, [])
                if event not in self.pending
            ],
            "share": to_base64(petition.sealed.parts[share]),
        }
        return json.dumps(body).encode()

    def log_view(self, **changes: object) -> LogView:
        """Return what a holder that reads the log now knows of it."""
        size = len(self.log.epochs)
        honest = LogView(
            office=OFFICE,
            tick=self.card.tick,
            max_age=600,
            latest=self.card.policy.check(self.log.note()),
            proofs={old: self.log.consistency(old) for old in range(size + 1)},
        )
        return alter(honest, changes)
