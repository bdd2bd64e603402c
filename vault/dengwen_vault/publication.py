"""
Cards and rosters on their way to the public: taken in once checked, shown as static files.

::

    public/card                       the newest card, and cards/NUMBER for each
    public/rosters/HASH               each roster, from the moment it is published
    public/rosters/HASH.tlog-proof    receipt of its publication, under the first checkpoint with it
    public/roster                     the roster in force
    public/latest.tlog-proof          proof of the newest record; its roster is in force
    public/log/                       the log

Every file is written whole or not at all, and can be made again from the database, on any machine
(`dengwen_vault.follower`). A card and a roster are public at once, so that members
can look at a roster before it takes force; what is in force is only what a public record says.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.epoch import Record
from dengwen_audit.event import ROOTS
from dengwen_audit.note import Note, VerificationKey
from dengwen_audit.publisher import Publisher
from dengwen_audit.statements.card import Card, check_card
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import (
    NotInForceError,
    RosterChainError,
    check_chain,
    check_past_roster,
)
from dengwen_audit.text import ZERO_HASH
from dengwen_audit.tile_writer import write_durably
from dengwen_vault.cases import logged_event
from dengwen_vault.database import Store, insert_new
from dengwen_vault.line import NewEvent, join_line
from dengwen_vault.models import Card as CardRow
from dengwen_vault.models import LogHead, PublicCheckpoint
from dengwen_vault.models import Roster as RosterRow
from dengwen_vault.public_log import LOG_FOLDER, LogView
from dengwen_vault.roster_change import begin_wait
from dengwen_vault.standing import Office

CARD_PATH = "card"
ROSTER_PATH = "roster"


def publish_card(connection: Connection, note: Note) -> Card:
    """
    Take in a card, and put its event in line; the same card again changes nothing.

    Raises:
        AuditError: If it may not be trusted, or does not follow the one before it.
    """
    known = select(CardRow.hash).where(CardRow.hash == note.hash)
    if connection.scalar(known) is not None:
        return Card.parse(note.text)
    newest = select(CardRow.note).order_by(CardRow.number.desc()).limit(1)
    stored = connection.scalar(newest)
    card = check_card(note, Card.parse(Note.parse(stored).text) if stored else None)
    row = {"number": card.number, "hash": note.hash, "note": note.to_bytes()}
    connection.execute(insert(CardRow), row)
    insert_new(connection, LogHead, {"id": 1, "size": 0, "roster": None})
    join_line(connection, NewEvent("card.published", ZERO_HASH, ROOTS, note))
    return card


def publish_roster(connection: Connection, card: Card, note: Note, today: datetime.date) -> Roster:
    """
    Take in a roster, and put its event in line; the same roster again changes nothing.

    Raises:
        AuditError: If nobody may act on it, if it has ended, or does not follow the one before it.
    """
    roster = check_past_roster(note, card)
    if connection.scalar(select(RosterRow.hash).where(RosterRow.hash == note.hash)) is not None:
        return roster
    if today >= roster.valid_until:
        raise NotInForceError("the roster has ended already")
    newest = select(RosterRow.note).order_by(RosterRow.version.desc()).limit(1)
    stored = connection.scalar(newest)
    if stored is not None:
        check_chain(Roster.parse(Note.parse(stored).text), roster)
    elif roster.version != 1:
        raise RosterChainError("the first roster of an office has version 1")
    row = {"hash": note.hash, "version": roster.version, "note": note.to_bytes()}
    connection.execute(insert(RosterRow), row | {"in_force_from": None, "first_epoch": None})
    join_line(connection, NewEvent("roster.published", ZERO_HASH, ROOTS, note))
    return roster


def newest_card(connection: Connection) -> Note:
    """Return the newest card as it was signed; there must be one."""
    newest = select(CardRow.note).order_by(CardRow.number.desc()).limit(1)
    return Note.parse(connection.execute(newest).scalar_one())


def write_card(public: Path, note: Note, newest: Note) -> None:
    """Show a card, and the newest one, which may be another."""
    number = Card.parse(note.text).number
    write_durably(_card_path(public, number), note.to_bytes())
    write_durably(public / CARD_PATH, newest.to_bytes())


def write_roster(public: Path, note: Note) -> None:
    """Show a roster, which may not be in force yet."""
    write_durably(_roster_path(public, note.hash), note.to_bytes())


class OfficePublisher(Publisher):
    """The public folder, in which the roster in force changes with the record that names it."""

    def __init__(self, folder: Path, log_key: VerificationKey, store: Store) -> None:
        """Open *folder* as `Publisher` does; rosters come from *store*."""
        super().__init__(folder, log_key)
        self._public = folder
        self._store = store
        self._office = Office()
        self._shown: set[bytes] = set()  # rosters that are here with their proofs

    def publish_checkpoint(self, note: Note) -> None:
        """Keep *note* in the database, for other machines, then replace the public checkpoint."""
        with self._store.writing() as connection:
            _keep_checkpoint(connection, note)
        self.show_checkpoint(note)

    def publish_latest(self, note: Note, record: bytes) -> None:
        """Show what *note* makes public of rosters, then that *record* is the newest."""
        self._prove_publications(note)
        self.show_latest(note, record)

    def show_checkpoint(self, note: Note) -> None:
        """Replace the public checkpoint by one that the database has already."""
        super().publish_checkpoint(note)

    def show_latest(self, note: Note, record: bytes) -> None:
        """Show cards and rosters as the database has them, then that *record* is the newest."""
        self._show_statements()
        self._show_in_force(Record.parse(record).roster)
        super().publish_latest(note, record)

    def _prove_publications(self, note: Note) -> None:
        """
        Prove the publication of each roster by the first checkpoint that holds it.

        From that checkpoint's cosignatures everybody counts the seven days that a changed holder
        has to wait, and so does this office.
        """
        view = LogView(self._public / LOG_FOLDER, note)
        with self._store.reading() as connection:
            new = select(RosterRow.hash).where(RosterRow.hash.not_in(self._shown))
            hashes = connection.scalars(new.where(RosterRow.proof.is_(None)))
            logged = {hash_: logged_event(connection, hash_, ROOTS) for hash_ in hashes.all()}
        for hash_, event in logged.items():
            receipt = view.receipt(event) if event else None
            if receipt is not None:
                self._keep_proof(hash_, note, receipt)

    def _keep_proof(self, hash_: bytes, note: Note, receipt: bytes) -> None:
        with self._store.writing() as connection:
            unproved = update(RosterRow).where(RosterRow.hash == hash_, RosterRow.proof.is_(None))
            connection.execute(unproved.values(proof=receipt))
            cosigned = self._office.card(connection).policy.check(note)
            begin_wait(connection, self._office, hash_, cosigned.median_time)

    def _show_statements(self) -> None:
        """Show every card, roster and proof of the database that is not shown here yet."""
        with self._store.reading() as connection:
            cards = connection.scalars(select(CardRow.number).order_by(CardRow.number)).all()
            # Else each tick would read every proof that there ever was.
            new = select(RosterRow.hash, RosterRow.proof).where(RosterRow.hash.not_in(self._shown))
            rosters = connection.execute(new).all()
            missing = [number for number in cards if not _card_path(self._public, number).exists()]
            notes = connection.scalars(select(CardRow.note).where(CardRow.number.in_(missing)))
            newest = newest_card(connection)
            for note in map(Note.parse, notes):
                write_card(self._public, note, newest)
            for hash_, proof in rosters:
                self._show_roster(connection, hash_, proof)
        self._shown |= {hash_ for hash_, proof in rosters if proof is not None}

    def _show_roster(self, connection: Connection, hash_: bytes, proof: bytes | None) -> None:
        if not _roster_path(self._public, hash_).exists():
            stored = select(RosterRow.note).where(RosterRow.hash == hash_)
            write_roster(self._public, Note.parse(connection.scalars(stored).one()))
        if proof is not None and not _proof_path(self._public, hash_).exists():
            write_durably(_proof_path(self._public, hash_), proof)

    def _show_in_force(self, hash_: bytes) -> None:
        """Show a roster as the one in force."""
        path, shown = _roster_path(self._public, hash_), self._public / ROSTER_PATH
        if not shown.exists() or shown.read_bytes() != path.read_bytes():
            write_durably(shown, path.read_bytes())


def public_checkpoint(connection: Connection) -> Note | None:
    """Return the newest checkpoint that a sequencer of this office has published."""
    note = connection.scalar(select(PublicCheckpoint.note))
    return Note.parse(note) if note is not None else None


def _keep_checkpoint(connection: Connection, note: Note) -> None:
    """Keep a checkpoint, unless there is a larger one or another one of its size."""
    row = {"id": 1, "size": Checkpoint.parse(note.text).size, "note": note.to_bytes()}
    if not insert_new(connection, PublicCheckpoint, row):
        smaller = update(PublicCheckpoint).where(PublicCheckpoint.size < row["size"])
        connection.execute(smaller.values(size=row["size"], note=row["note"]))


def _card_path(public: Path, number: int) -> Path:
    return public / "cards" / str(number)


def _roster_path(public: Path, hash_: bytes) -> Path:
    return public / "rosters" / hash_.hex()


def _proof_path(public: Path, hash_: bytes) -> Path:
    return public / "rosters" / f"{hash_.hex()}.tlog-proof"
