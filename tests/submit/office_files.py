"""Card, roster and latest proof as they would lie in a petitioner's folder, made by hand."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.epoch import Record
from dengwen_audit.merkle import Hash, inclusion_proof, leaf_hash, root
from dengwen_audit.note import Note, sign_note
from dengwen_audit.proof import LogProof
from dengwen_audit.receipt import build_latest
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster
from dengwen_submit.office import A_DAY, OfficeFiles
from tests.small_office import (
    OFFICE,
    WITNESSES,
    make_card,
    make_cosigning_key,
    make_key,
    make_roster,
    make_seed,
    sign_by_roots,
)
from tests.vault.office import NOON


@dataclass(frozen=True)
class FilesRecipe:
    """
    What the three files say; each test spoils one thing.

    Attributes:
        roots: How many root keepers sign each of card and roster.
        named: The hash of the roster that the newest record names; that of *roster* by default.
        witnesses: Who cosigns the checkpoint.
        cosigned: When, in seconds since 1970.
        later_records: How many records the log has after the one that the proof is about.
    """

    card: Card = field(default_factory=make_card)
    roster: Roster = field(default_factory=make_roster)
    roots: tuple[int, int] = (2, 2)
    named: bytes | None = None
    witnesses: Sequence[str] = WITNESSES[:3]
    cosigned: float = NOON
    later_records: int = 0

    def make(self) -> OfficeFiles:
        """Return the files."""
        card = sign_by_roots(self.card.to_bytes(), self.roots[0])
        roster = sign_by_roots(self.roster.to_bytes(), self.roots[1])
        latest = self._latest(self.named or self.roster.hash)
        return OfficeFiles(card.to_bytes(), roster.to_bytes(), latest)

    def _latest(self, roster_hash: bytes) -> bytes:
        """Return the proof of the second record of a small log."""
        records = [
            Record(Hash(make_seed(f"events {number}")), roster_hash)
            for number in range(2 + self.later_records)
        ]
        leaves = [leaf_hash(record.to_bytes()) for record in records]
        path = inclusion_proof(leaves, 1, len(leaves))
        checkpoint = self._cosign(Checkpoint(OFFICE, len(leaves), root(leaves)))
        return build_latest(records[1], LogProof(None, 1, tuple(path), checkpoint))

    def _cosign(self, checkpoint: Checkpoint) -> Note:
        note = sign_note(checkpoint.to_bytes(), make_key(OFFICE))
        cosigners = map(Cosigner, map(make_cosigning_key, self.witnesses))
        return note.signed_by(*(c.cosign(note.text, int(self.cosigned)) for c in cosigners))


def next_card(card: Card, **changes: object) -> Card:
    """Return the card that follows *card*, with *changes*."""
    following = replace(card, number=card.number + 1, previous=card.hash)
    return replace(following, **changes)  # type: ignore[arg-type]


def next_roster(roster: Roster, **changes: object) -> Roster:
    """Return the roster that follows *roster*, with *changes*."""
    following = replace(roster, version=roster.version + 1, previous=roster.hash)
    return replace(following, **changes)  # type: ignore[arg-type]


def files_of(now: float) -> OfficeFiles:
    """Return the files of an office that is in force at *now*."""
    today = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
    fortnight = datetime.timedelta(days=14)
    roster = replace(make_roster(), valid_from=today - fortnight, valid_until=today + fortnight)
    return FilesRecipe(roster=roster, cosigned=now - A_DAY).make()
