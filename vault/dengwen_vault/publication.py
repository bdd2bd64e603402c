"""
Cards and rosters on their way to the public: taken in once checked, shown as static files.

::

    public/card                       the newest card, and cards/NUMBER for each
    public/rosters/HASH               each roster, from the moment it is published
    public/rosters/HASH.tlog-proof    receipt of its publication, under the first checkpoint with it
    public/roster                     the roster in force
    public/latest.tlog-proof          proof of the newest record; its roster is in force
    public/log/                       the log

Every file is written whole or not at all. A card and a roster are public at once, so that members
can look at a roster before it takes force; what is in force is only what a public record says.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select

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
from dengwen_vault.models import LogHead
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
    write_durably(public / "cards" / str(number), note.to_bytes())
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

    def publish_latest(self, note: Note, record: bytes) -> None:
        """Show what *note* makes public of rosters, then that *record* is the newest."""
        self._show_publications(note)
        self._show(Record.parse(record).roster)
        super().publish_latest(note, record)

    def _show_publications(self, note: Note) -> None:
        """
        Prove the publication of each roster by the first checkpoint that holds it.

        From that checkpoint's cosignatures everybody counts the seven days that a changed holder
        has to wait, and so does this office.
        """
        view = LogView(self._public / LOG_FOLDER, note)
        with self._store.reading() as connection:
            hashes = connection.scalars(select(RosterRow.hash)).all()
            unproved = [hash_ for hash_ in hashes if not _proof_path(self._public, hash_).exists()]
            logged = {hash_: logged_event(connection, hash_, ROOTS) for hash_ in unproved}
        for hash_, event in logged.items():
            receipt = view.receipt(event) if event else None
            if receipt is not None:
                self._begin_wait(hash_, note)
                write_durably(_proof_path(self._public, hash_), receipt)

    def _begin_wait(self, hash_: bytes, note: Note) -> None:
        with self._store.writing() as connection:
            cosigned = self._office.card(connection).policy.check(note)
            begin_wait(connection, self._office, hash_, cosigned.median_time)

    def _show(self, hash_: bytes) -> None:
        """Show a roster as the one in force."""
        path, shown = _roster_path(self._public, hash_), self._public / ROSTER_PATH
        if not path.exists():
            with self._store.reading() as connection:
                stored = select(RosterRow.note).where(RosterRow.hash == hash_)
                write_durably(path, connection.scalars(stored).one())
        if not shown.exists() or shown.read_bytes() != path.read_bytes():
            write_durably(shown, path.read_bytes())


def _roster_path(public: Path, hash_: bytes) -> Path:
    return public / "rosters" / hash_.hex()


def _proof_path(public: Path, hash_: bytes) -> Path:
    return public / "rosters" / f"{hash_.hex()}.tlog-proof"
