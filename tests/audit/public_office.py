"""The public files of an office in a folder: cards, rosters, publications and a log that grows."""

from __future__ import annotations

import dataclasses
import datetime
import shutil
from collections.abc import Sequence
from pathlib import Path

import requests

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.epoch import Epoch
from dengwen_audit.event import ROOTS, Event
from dengwen_audit.memory import Memory
from dengwen_audit.merkle import inclusion_proof, leaf_hash, root
from dengwen_audit.monitor import Monitor, Report
from dengwen_audit.note import Note, sign_note
from dengwen_audit.proof import LogProof
from dengwen_audit.receipt import build_receipt
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster
from dengwen_audit.text import ZERO_HASH
from dengwen_audit.tile_paths import CHECKPOINT_PATH
from dengwen_audit.tile_writer import TileWriter
from dengwen_audit.trust import Trust, open_office, read_cards
from tests.small_office import (
    OFFICE,
    TODAY,
    WITNESSES,
    make_card,
    make_cosigning_key,
    make_key,
    make_roster,
    make_seed,
    replace_member,
    sign_by_roots,
)

NOON = int(datetime.datetime.combine(TODAY, datetime.time(12), datetime.UTC).timestamp())
DAY_SECONDS = 86400
QUORUM = WITNESSES[:3]


def follow(roster: Roster, **changes: object) -> Roster:
    """Return a next version of *roster* with some *changes*."""
    version = {"version": roster.version + 1, "previous": roster.hash}
    return dataclasses.replace(roster, **(version | changes))  # type: ignore[arg-type]


class PublicOffice:
    """
    An office that publishes.

    Attributes:
        now: The time of cosignatures, and of the visits.
        roster: What the next record names.
        records: The log so far.
        fork: Changes what the next epochs hold.
    """

    def __init__(self, folder: Path, roster: Roster | None = None, now: int = NOON) -> None:
        """Show the first card and the first roster; the log has no record yet."""
        self.folder = folder
        self.now = now
        self.roster = roster or make_roster()
        self.records: list[bytes] = []
        self.fork = ""
        self._publications: dict[bytes, tuple[int, Epoch]] = {}
        self.show("cards/1", sign_by_roots(make_card().to_bytes()))
        self.show_roster(self.roster)

    def show(self, path: str, what: Note | bytes) -> None:
        """Put a file into the public folder."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(what if isinstance(what, bytes) else what.to_bytes())

    def show_card(self, card: Card, note: Note) -> None:
        """Show another card."""
        self.show(f"cards/{card.number}", note)

    def show_roster(self, roster: Roster) -> None:
        """Show a roster, signed by two root keepers."""
        self.show(f"rosters/{roster.hash.hex()}", sign_by_roots(roster.to_bytes()))

    def tick(self, count: int = 1, events: Sequence[Event] = ()) -> Epoch:
        """Append records, each a tick after the one before; return the last epoch."""
        for _ in range(count):
            index = len(self.records)
            seed = make_seed(f"epoch {index}{self.fork}")
            leaves = [event.to_bytes() for event in events]
            epoch = Epoch.build(leaves, seed, self.roster.hash)
            self.records.append(epoch.record.to_bytes())
            self.now += make_card().tick
        return epoch

    def publish_roster(self, roster: Roster) -> None:
        """Show a roster and take its publication into the log; its proof comes with `sign`."""
        self.show_roster(roster)
        event = Event(
            type="roster.published",
            case=ZERO_HASH,
            number=roster.version,
            previous=make_seed(f"before roster {roster.version}"),
            actor=ROOTS,
            day=datetime.datetime.fromtimestamp(self.now, datetime.UTC).date(),
            salt=make_seed("salt"),
            cause=roster.hash,
        )
        self._publications[roster.hash] = (len(self.records), self.tick(events=[event]))
        self.sign()

    def checkpoint(self, size: int | None = None) -> Note:
        """Return a signed checkpoint, cosigned by three witnesses now."""
        leaves = list(map(leaf_hash, self.records))[:size]
        text = Checkpoint(OFFICE, len(leaves), root(leaves)).to_bytes()
        cosigners = [Cosigner(make_cosigning_key(name)) for name in QUORUM]
        lines = [cosigner.cosign(text, self.now) for cosigner in cosigners]
        return sign_note(text, make_key(OFFICE)).signed_by(*lines)

    def sign(self) -> None:
        """Write tiles, the checkpoint, and proofs of publications that have none."""
        writer = TileWriter(self.folder / "log")
        writer.append(writer.size, self.records[writer.size :])
        note = self.checkpoint()
        self.show(f"log/{CHECKPOINT_PATH}", note)
        for hash_, (index, epoch) in self._publications.items():
            path = inclusion_proof(list(map(leaf_hash, self.records)), index, len(self.records))
            proof = LogProof(None, index, tuple(path), note)
            receipt = build_receipt(epoch.leaves, epoch.positions[0], epoch.record.roster, proof)
            self.show(f"rosters/{hash_.hex()}.tlog-proof", receipt.to_bytes())
        self._publications.clear()

    def rewrite(self, keep: int) -> None:
        """Forget all records but the first *keep*, and begin the log's files anew."""
        del self.records[keep:]
        shutil.rmtree(self.folder / "log")
        self.fork += "!"

    def trust(self, pinned: int = 1) -> Trust:
        """Return what follows from the card of this number."""
        note = Note.parse((self.folder / f"cards/{pinned}").read_bytes())
        with requests.Session() as session:
            cards = read_cards(note, open_office(str(self.folder), session).files)
        return Trust(cards[-1].policy, cards)

    def visit(self, memory: Memory | None = None, trust: Trust | None = None) -> Report:
        """Look at the log as a monitor does."""
        with requests.Session() as session:
            office = open_office(str(self.folder), session)
            return Monitor(office, trust or self.trust(), memory, self.now).visit()


SIZE = 300  # records of `signed_office`: one full bundle, and some


def signed_office(folder: Path) -> PublicOffice:
    """Return an office whose log has 300 records, signed."""
    office = PublicOffice(folder)
    office.tick(SIZE)
    office.sign()
    return office


def remember(office: PublicOffice, before: Memory | None = None) -> Memory:
    """Visit a sound log; return what is remembered."""
    report = office.visit(before)
    assert report.breaches == []
    memory = report.remember(before)
    assert memory is not None
    return memory


def renewed(roster: Roster, **changes: object) -> Roster:
    """Return the next roster, valid from the day of the visit on."""
    days = {"valid_from": datetime.date(2025, 1, 10), "valid_until": datetime.date(2025, 2, 8)}
    return follow(roster, **(days | changes))


def with_other_holder(roster: Roster) -> Roster:
    """Return the next roster, in which a seat has another address."""
    return replace_member(renewed(roster), "gatekeeper-2", address="https://elsewhere.example")


def use(office: PublicOffice, roster: Roster, count: int = 1) -> None:
    """Let the next records name *roster*."""
    office.roster = roster
    office.tick(count)
    office.sign()
