"""
What a holder remembers, in one SQLite file: answers, cases, rosters, and the log it has seen.

Everything is written before it is said: an answer is on the disk before it is posted, so that a
crash between the two leads to the same bytes being posted later, and never to a second release.
Losing this file does not lose a share; restoring an old copy makes the holder forget what it saw
since, which its witness half notices first.

Nothing here opens a petition: sealed answers are sealed to the requester, and of a case only hashes
are kept. The file is readable by its owner alone.

Source: docs/formats/gatekeeper-checks.md.
"""

from __future__ import annotations

import datetime
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.event import Event
from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.sqlite import Database
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.request import Request
from dengwen_audit.statements.roster import Roster
from dengwen_keys.gatekeeper.matter import Memory

_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS answers (
        request BLOB PRIMARY KEY,
        nonce BLOB NOT NULL,
        case_id BLOB NOT NULL,
        requester TEXT NOT NULL,
        day TEXT NOT NULL,
        released INTEGER NOT NULL,
        note BLOB NOT NULL,
        sealed BLOB NOT NULL,
        posted INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE INDEX IF NOT EXISTS answers_by_nonce ON answers (nonce)",
    "CREATE INDEX IF NOT EXISTS answers_by_day ON answers (requester, day)",
    "CREATE INDEX IF NOT EXISTS answers_by_case ON answers (case_id)",
    "CREATE INDEX IF NOT EXISTS answers_to_post ON answers (posted) WHERE posted = 0",
    "CREATE TABLE IF NOT EXISTS cases (case_id BLOB PRIMARY KEY, manifest BLOB NOT NULL) STRICT",
    """
    CREATE TABLE IF NOT EXISTS events (
        case_id BLOB NOT NULL,
        number INTEGER NOT NULL,
        hash BLOB NOT NULL,
        type TEXT NOT NULL,
        PRIMARY KEY (case_id, number)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE TABLE IF NOT EXISTS rosters (hash BLOB PRIMARY KEY, note BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS known (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT",
)

_CARD = "card"  # the note of the pinned card
_ROSTER = "roster"  # the hash of the newest roster accepted
_HANDED = "handed"  # the note of a roster that the root keepers handed over
_HANDED_AT = "handed-at"  # since when, in seconds since 1970
_CHECKPOINT = "checkpoint"  # the text of the largest checkpoint accepted


@dataclass(frozen=True)
class StoredAnswer:
    """An answer as it is posted: the signed note, and the bytes whose hash stands in it."""

    request: NoteHash
    released: bool
    note: bytes
    sealed: bytes = field(repr=False)


class Store:
    """
    The holder's memory. One object serves all threads of the process.

    Args:
        path: The file; it is made if need be, readable by its owner alone.
    """

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._database = Database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def memory(self, request: NoteHash, asked: Request, now: float) -> Memory:
        """Return what bears on a request; the day is that of *now* in UTC."""
        with self._database.transaction() as database:
            manifest = _value(database, "SELECT manifest FROM cases WHERE case_id = ?", asked.case)
            events = database.execute(
                "SELECT hash, type FROM events WHERE case_id = ? ORDER BY number", (asked.case,)
            ).fetchall()
            same_nonce = _value(
                database,
                "SELECT 1 FROM answers WHERE nonce = ? AND request <> ? AND released",
                asked.nonce,
                request,
            )
            openings = _value(
                database,
                "SELECT count(*) FROM answers WHERE requester = ? AND day = ? AND released",
                asked.requester,
                _day(now),
            )
        return Memory(
            manifest=NoteHash(manifest) if isinstance(manifest, bytes) else None,
            chain=tuple(Hash(hash_) for hash_, _ in events),
            types=frozenset(type_ for _, type_ in events),
            nonce_used=same_nonce is not None,
            openings_today=openings if isinstance(openings, int) else 0,
        )

    def remember(
        self, case: CaseId, manifest: NoteHash, events: Sequence[Event], seen: Checkpoint
    ) -> None:
        """Keep what the checks found true of a case's history, and the log that proved it."""
        rows = [(case, event.number, event.hash, event.type) for event in events]
        with self._database.transaction() as database:
            database.execute("INSERT OR IGNORE INTO cases VALUES (?, ?)", (case, manifest))
            database.executemany("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", rows)
            known = _value(database, "SELECT value FROM known WHERE name = ?", _CHECKPOINT)
            if not isinstance(known, bytes) or Checkpoint.parse(known).size < seen.size:
                _keep(database, _CHECKPOINT, seen.to_bytes())

    def checkpoint(self) -> Checkpoint | None:
        """Return the largest checkpoint accepted so far."""
        text = self._known(_CHECKPOINT)
        return None if text is None else Checkpoint.parse(text)

    def keep_answer(self, answer: StoredAnswer, asked: Request, now: float) -> StoredAnswer:
        """
        Commit an answer before anybody is told.

        Returns:
            The answer to post: this one, or the one that was there already.
        """
        bears_on = (asked.nonce, asked.case, asked.requester, _day(now))
        with self._database.transaction() as database:
            database.execute(
                "INSERT OR IGNORE INTO answers "
                "(request, nonce, case_id, requester, day, released, note, sealed) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (answer.request, *bears_on, answer.released, answer.note, answer.sealed),
            )
            (kept,) = _answers(database, "WHERE request = ?", answer.request)
        return kept

    def answer(self, request: NoteHash) -> StoredAnswer | None:
        """Return the answer that was given to a request, if any."""
        with self._database.transaction() as database:
            return next(iter(_answers(database, "WHERE request = ?", request)), None)

    def unposted(self) -> list[StoredAnswer]:
        """Return the answers that may not have reached the desk, the oldest first."""
        with self._database.transaction() as database:
            return _answers(database, "WHERE posted = 0 ORDER BY rowid")

    def mark_posted(self, request: NoteHash) -> None:
        """Note that the desk has the answer."""
        with self._database.transaction() as database:
            database.execute("UPDATE answers SET posted = 1 WHERE request = ?", (request,))

    def newest_event(self, case: CaseId) -> tuple[int, Hash] | None:
        """Return number and hash of the newest event seen of a case, if any."""
        row = self._database.row(
            "SELECT number, hash FROM events WHERE case_id = ? ORDER BY number DESC LIMIT 1", case
        )
        match row:
            case (int(number), bytes(hash_)):
                return number, Hash(hash_)
        return None

    def released(self, case: CaseId) -> tuple[NoteHash, ...]:
        """Return every request for which a share of a case left, ascending."""
        with self._database.transaction() as database:
            rows = database.execute(
                "SELECT request FROM answers WHERE case_id = ? AND released ORDER BY request",
                (case,),
            ).fetchall()
        return tuple(NoteHash(request) for (request,) in rows)

    def card(self) -> Note | None:
        """Return the card that this store belongs to, once there is one."""
        data = self._known(_CARD)
        return None if data is None else Note.parse(data)

    def keep_card(self, card: Note) -> None:
        """Bind the store to a card, or to the checked successor of the one before."""
        with self._database.transaction() as database:
            _keep(database, _CARD, card.to_bytes())

    def newest_roster(self) -> NoteHash | None:
        """Return the hash of the newest roster accepted, once there is one."""
        hash_ = self._known(_ROSTER)
        return None if hash_ is None else NoteHash(hash_)

    def roster(self, hash_: NoteHash) -> Note | None:
        """Return a roster by its hash, if it is kept."""
        row = self._database.row("SELECT note FROM rosters WHERE hash = ?", hash_)
        match row:
            case (bytes(note),):
                return Note.parse(note)
        return None

    def keep_roster(self, roster: Note) -> None:
        """Keep a roster; whether it was ever in force is for who reads it."""
        with self._database.transaction() as database:
            _keep_roster(database, roster)

    def keep_newest_roster(self, roster: Note) -> None:
        """Keep the roster that was found to be in force."""
        with self._database.transaction() as database:
            _keep_roster(database, roster)
            _keep(database, _ROSTER, roster.hash)

    def handed_roster(self) -> tuple[Roster, float] | None:
        """Return the roster that the root keepers handed over, and since when it is here."""
        data, since = self._known(_HANDED), self._known(_HANDED_AT)
        if data is None or since is None:
            return None
        return Roster.parse(Note.parse(data).text), float(since)

    def hand_roster(self, roster: Note, now: float) -> None:
        """Keep a checked roster that came from the root keepers rather than through the log."""
        with self._database.transaction() as database:
            known = _value(database, "SELECT value FROM known WHERE name = ?", _HANDED)
            if known != roster.to_bytes():
                _keep(database, _HANDED, roster.to_bytes())
                _keep(database, _HANDED_AT, str(int(now)).encode())

    def _known(self, name: str) -> bytes | None:
        match self._database.row("SELECT value FROM known WHERE name = ?", name):
            case (bytes(value),):
                return value
        return None


def _value(database: sqlite3.Connection, query: str, *values: object) -> object:
    """Return the first column of a query's first row, or None."""
    row: tuple[object, ...] | None = database.execute(query, values).fetchone()
    return None if row is None else row[0]


def _keep(database: sqlite3.Connection, name: str, value: bytes) -> None:
    database.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", (name, value))


def _keep_roster(database: sqlite3.Connection, roster: Note) -> None:
    row = (roster.hash, roster.to_bytes())
    database.execute("INSERT OR IGNORE INTO rosters VALUES (?, ?)", row)


def _answers(database: sqlite3.Connection, where: str, *values: object) -> list[StoredAnswer]:
    query = f"SELECT request, released, note, sealed FROM answers {where}"  # noqa: S608  # ours
    return [
        StoredAnswer(NoteHash(request), bool(released), note, sealed)
        for request, released, note, sealed in database.execute(query, values)
    ]


def _day(now: float) -> str:
    return datetime.datetime.fromtimestamp(now, datetime.UTC).date().isoformat()
