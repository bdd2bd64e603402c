"""
Follows an office's log and rosters for a holder: what is newest, and how it extends what was known.

Reads the public files only, from the door, and believes none of them: the newest record counts
under the pinned card's policy, and proofs between checkpoints are made from tiles that anyone may
serve. What is wrong with the office as a whole is raised here; what is wrong with one request is
for the checks.

Source: docs/formats/gatekeeper-checks.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.epoch import Record
from dengwen_audit.errors import AuditError, PolicyError, ProofError
from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.policy import Cosigned
from dengwen_audit.receipt import StaleError, check_latest
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster
from dengwen_audit.tiles import VerifiedLog
from dengwen_keys.gatekeeper.follow_rosters import (
    check_named,
    check_succession,
    new_ones,
    publication_time,
    walk_back,
)
from dengwen_keys.gatekeeper.matter import LogView, Rosters
from dengwen_keys.gatekeeper.refusals import LogUnproven, NoQuorum, RosterUnproven, StaleLog
from dengwen_keys.gatekeeper.store import Store
from dengwen_keys.office_client import DoorClient, max_proof_age


@dataclass(frozen=True)
class Look:
    """The newest of an office at one moment: its log, and the roster that its last record names."""

    latest: Cosigned
    current: Roster


class Follower:
    """
    Looks at one office for one holder.

    Args:
        card: The pinned card.
        witnessed: Gives the largest checkpoint that this holder cosigned, if it is a witness.
    """

    def __init__(
        self,
        card: Card,
        door: DoorClient,
        store: Store,
        clock: Callable[[], float],
        witnessed: Callable[[], Checkpoint | None] = lambda: None,
    ) -> None:
        self._card = card
        self._door = door
        self._store = store
        self._clock = clock
        self._witnessed = witnessed
        self._parsed: dict[NoteHash, Roster] = {}

    def look(self) -> Look:
        """
        Fetch the newest record and the roster it names.

        Raises:
            NotYet: If too few witnesses vouch for it, or log or roster do not hold.
            OfficeError: If the office does not answer.
        """
        record, latest = self._latest()
        return Look(latest, self._in_force(NoteHash(record.roster), latest.median_time))

    def log_view(
        self, look: Look, receipt: Checkpoint, after_size: int, after_root: Hash
    ) -> LogView:
        """
        Return what a holder knows of the log, with the proofs that a request's judgement needs.

        Raises:
            TileError: If a tile cannot be had.
        """
        seen = tuple(tree for tree in (self._store.checkpoint(), self._witnessed()) if tree)
        known = (look.latest.checkpoint, receipt, *seen)
        log = VerifiedLog(self._door.tiles, max(known, key=lambda tree: tree.size))
        proofs: dict[int, tuple[Hash, ...]] = {}
        for size, root in (*((tree.size, tree.root) for tree in known), (after_size, after_root)):
            proofs[size] = proofs.get(size) or _prove(log, size, root)
        return LogView(
            office=self._card.office,
            tick=self._card.tick,
            max_age=max_proof_age(self._card.tick),
            latest=look.latest,
            seen=seen,
            proofs=proofs,
        )

    def rosters(self, look: Look, sealed_under: bytes) -> Rosters:
        """
        Return the roster in force and those before it, back to the one a petition was sealed under.

        If it is not among them, all are returned.
        """
        history: dict[NoteHash, Roster] = {}
        for roster in walk_back(look.current, self._roster):
            history[roster.hash] = roster
            if roster.hash == sealed_under:
                break
        return Rosters(look.current, history, self._store.handed_roster())

    def _latest(self) -> tuple[Record, Cosigned]:
        data = self._door.latest()
        try:
            # How old is too old is a check like the others, so here any age will do.
            return check_latest(data, self._card.policy, self._clock(), math.inf)
        except StaleError:
            raise StaleLog("the newest cosignatures are yet to come") from None
        except PolicyError:
            raise NoQuorum("too few witnesses vouch for the newest checkpoint") from None
        except AuditError:
            raise LogUnproven("the newest checkpoint does not lead to its last record") from None

    def _in_force(self, named: NoteHash, now: float) -> Roster:
        """
        Return the roster that the newest record names, if it follows from the known one.

        A holder that knows none yet begins with the office's first: a change of holders must have
        had its seven days too if nobody asked this holder for anything meanwhile.
        """
        known = self._store.newest_roster()
        if known == named:
            return self._roster(named)
        note = self._fetch(named)
        current = check_named(note, self._card)
        base = self._first(current) if known is None else self._roster(known)
        later = new_ones(current, base, self._roster)
        check_succession(base, later, self._published, now)
        self._store.keep_newest_roster(note)
        return current

    def _first(self, current: Roster) -> Roster:
        *_, first = walk_back(current, self._roster)
        return first

    def _published(self, roster: Roster) -> float:
        receipt = self._door.roster_receipt(roster.hash)
        return publication_time(receipt, roster, self._card.policy)

    def _roster(self, hash_: NoteHash) -> Roster:
        """Return a roster by its hash; parsing a large one takes longer than judging a request."""
        if hash_ not in self._parsed:
            try:
                self._parsed[hash_] = Roster.parse(self._fetch(hash_).text)
            except AuditError:
                raise RosterUnproven("the office served something that is no roster") from None
        return self._parsed[hash_]

    def _fetch(self, hash_: NoteHash) -> Note:
        """Return the roster of this hash, from the store or from the door."""
        kept = self._store.roster(hash_)
        if kept is not None:
            return kept
        try:
            note = Note.parse(self._door.roster(hash_))
        except AuditError:
            raise RosterUnproven("the office served something that is no roster") from None
        if note.hash != hash_:
            raise RosterUnproven("the office served another roster than the one named")
        self._store.keep_roster(note)
        return note


def _prove(log: VerifiedLog, size: int, root: Hash) -> tuple[Hash, ...]:
    """Return the proof from an older tree; nothing if there is none: the checks will notice."""
    try:
        return tuple(log.prove_consistency(size, root))
    except ProofError:
        return ()
