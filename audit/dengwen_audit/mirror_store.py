"""
What a mirror keeps: every epoch with all its leaves, and an index of events by case and number.

Epochs are *staged* as they come and *held* once they led to a checkpoint's root. A long way back
is walked in many small transactions, so that an interrupted fetch goes on where it was; if the root
is another in the end, all that was staged is dropped. Petitioners are told of held epochs only.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from dengwen_audit.epoch_feed import FedEpoch
from dengwen_audit.errors import ProofError
from dengwen_audit.merkle import Frontier
from dengwen_audit.sqlite import Database
from dengwen_audit.text import ZERO_HASH

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS epoch (
        number INTEGER PRIMARY KEY,
        record BLOB NOT NULL,
        leaves TEXT NOT NULL  -- JSON: the texts of all leaves, in the order of the tree
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS event (
        case_id BLOB NOT NULL,
        number INTEGER NOT NULL,
        hash BLOB NOT NULL,
        epoch INTEGER NOT NULL,
        PRIMARY KEY (case_id, number)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS event_epoch ON event (epoch)",
    "CREATE TABLE IF NOT EXISTS edge (state TEXT PRIMARY KEY, frontier BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS incident (size INTEGER, root BLOB, what TEXT) STRICT",
)
_STAGED, _HELD = "staged", "held"


class SecondEventError(ProofError):
    """Two events claim one number in one case: somebody was, or will be, shown another history."""


class MirrorStore:
    """A mirror's memory, in one SQLite file; a witness may keep its own in the same file."""

    def __init__(self, path: Path) -> None:
        """Open the memory, or begin it."""
        self._database = Database(path, _SCHEMA)
        with self._database.transaction() as connection:
            for state in (_STAGED, _HELD):
                empty = Frontier().to_bytes()
                connection.execute("INSERT OR IGNORE INTO edge VALUES (?, ?)", (state, empty))

    def staged(self) -> Frontier:
        """Return the tree over all records that are here."""
        return self._edge(_STAGED)

    def held(self) -> Frontier:
        """Return the tree over the records that led to a checkpoint's root."""
        return self._edge(_HELD)

    def stage(self, epochs: Sequence[FedEpoch], frontier: Frontier) -> None:
        """
        Keep the next *epochs*, after which the tree is *frontier*.

        Raises:
            SecondEventError: If one holds an event whose case and number are taken; nothing is
                kept then.
        """
        with self._database.transaction() as connection:
            for epoch in epochs:
                leaves = json.dumps([leaf.decode() for leaf in epoch.leaves], ensure_ascii=False)
                row = (epoch.index, epoch.record.to_bytes(), leaves)
                connection.execute("INSERT INTO epoch VALUES (?, ?, ?)", row)
                _insert_events(connection, epoch)
            _set_edge(connection, _STAGED, frontier)

    def hold(self) -> None:
        """Take everything staged as held."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE edge SET frontier = (SELECT frontier FROM edge WHERE state = ?)"
                " WHERE state = ?",
                (_STAGED, _HELD),
            )

    def drop_staged(self) -> None:
        """Forget everything that is not held."""
        held = self.held()
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM epoch WHERE number >= ?", (held.size,))
            connection.execute("DELETE FROM event WHERE epoch >= ?", (held.size,))
            _set_edge(connection, _STAGED, held)

    def newest(self, case: bytes) -> tuple[int, bytes]:
        """Return number and hash of the newest event held of a case; 0 and zeros if none."""
        row = self._database.row(
            "SELECT number, hash FROM event WHERE case_id = ? AND epoch < ?"
            " ORDER BY number DESC LIMIT 1",
            case,
            self.held().size,
        )
        match row:
            case (int(number), bytes(hash_)):
                return number, hash_
        return 0, ZERO_HASH

    def epochs(self, start: int, stop: int) -> Iterator[tuple[bytes, list[bytes]]]:
        """Yield record and leaves of the held epochs from *start* to before *stop*."""
        query = "SELECT record, leaves FROM epoch WHERE number = ?"
        for number in range(start, min(stop, self.held().size)):
            for record, leaves in self._database.rows(query, number):
                yield record, [leaf.encode() for leaf in json.loads(leaves)]

    def report(self, size: int, root: bytes, what: str) -> None:
        """Keep for good why a checkpoint of this size and root was refused."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO incident SELECT ?1, ?2, ?3 WHERE NOT EXISTS"
                " (SELECT 1 FROM incident WHERE size = ?1 AND root = ?2 AND what = ?3)",
                (size, root, what),
            )

    def incidents(self) -> list[tuple[int, bytes, str]]:
        """Return size, root and reason of every checkpoint refused for what its epochs hold."""
        return [(size, root, what) for size, root, what in self._database.rows(_INCIDENTS)]

    def close(self) -> None:
        """Close the memory."""
        self._database.close()

    def _edge(self, state: str) -> Frontier:
        row = self._database.row("SELECT frontier FROM edge WHERE state = ?", state)
        match row:
            case (bytes(frontier),):
                return Frontier.parse(frontier)
        raise AssertionError("internal error: the memory has no edge")


_INCIDENTS = "SELECT size, root, what FROM incident ORDER BY rowid"


def _insert_events(connection: sqlite3.Connection, epoch: FedEpoch) -> None:
    for event in epoch.events:
        row = (event.case, event.number, event.hash, epoch.index)
        try:
            connection.execute("INSERT INTO event VALUES (?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            taken = "SELECT epoch FROM event WHERE case_id = ? AND number = ?"
            (first,) = connection.execute(taken, row[:2]).fetchone()
            raise SecondEventError(
                f"epochs {first} and {epoch.index} hold two events {event.number} of one case"
            ) from None


def _set_edge(connection: sqlite3.Connection, state: str, frontier: Frontier) -> None:
    values = (frontier.to_bytes(), state)
    connection.execute("UPDATE edge SET frontier = ? WHERE state = ?", values)
