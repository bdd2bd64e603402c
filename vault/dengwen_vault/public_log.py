"""
The public log as this machine has published it: where the vault's proofs come from.

Only what is public counts here. A record that is committed but not yet under the witnesses'
checkpoint has no receipt, and no holder hears of the request in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.event import Event
from dengwen_audit.merkle import HASH_SIZE, Hash
from dengwen_audit.note import Note
from dengwen_audit.proof import LogProof
from dengwen_audit.receipt import Receipt
from dengwen_audit.tiles import FolderTiles, MissingTileError, VerifiedLog, read_checkpoint

LOG_FOLDER = "log"  # below the public folder


@dataclass(frozen=True, repr=False)
class LoggedEvent:
    """
    An event and where it stands in the log.

    Attributes:
        text: The event, its exact bytes.
        path: The hashes from its leaf to the events root, one after the other.
        roster: The roster of its record.
        record: The record.
    """

    text: bytes
    epoch: int
    position: int
    path: bytes
    roster: bytes
    record: bytes


class LogView:
    """
    The log under one checkpoint, which this office has signed and published.

    Args:
        folder: The log's folder.
        checkpoint: The note as it was published.
        before: The same log under an older checkpoint, if there is one at hand.
    """

    def __init__(self, folder: Path, checkpoint: Note, before: LogView | None = None) -> None:
        """Read nothing yet."""
        self._note = checkpoint
        known: VerifiedLog | None = before._log if before else None  # noqa: SLF001  # own class
        self._log: VerifiedLog = VerifiedLog(
            FolderTiles(folder), Checkpoint.parse(checkpoint.text), known
        )

    @property
    def checkpoint(self) -> Note:
        """The checkpoint with its cosignatures."""
        return self._note

    @property
    def size(self) -> int:
        """How many records are public."""
        return self._log.checkpoint.size

    def prove(self, index: int, record: bytes) -> LogProof:
        """Prove that *record* is number *index*."""
        path = self._log.prove_inclusion(index, record)
        return LogProof(None, index, tuple(path), self._note)

    def records(self, start: int, stop: int) -> list[bytes]:
        """Return the public records from *start* to before *stop*, each led to the checkpoint."""
        return list(self._log.records(start, stop))

    def receipt(self, logged: LoggedEvent) -> bytes | None:
        """Return the receipt of an event, or None while its record is not public."""
        if logged.epoch >= self.size:
            return None
        starts = range(0, len(logged.path), HASH_SIZE)
        path = tuple(Hash(logged.path[start : start + HASH_SIZE]) for start in starts)
        event, proof = Event.parse(logged.text), self.prove(logged.epoch, logged.record)
        return Receipt(event, logged.position, path, logged.roster, proof).to_bytes()


class PublicLog:
    """The log's folder; keeps full tiles that it has read, and others until the next checkpoint."""

    def __init__(self, folder: Path) -> None:
        """Look into *folder*, which need not exist yet."""
        self._folder = folder
        self._view: LogView | None = None

    def view(self) -> LogView | None:
        """Return the log under the newest checkpoint; None before the first is published."""
        try:
            note = read_checkpoint(FolderTiles(self._folder))
        except MissingTileError:
            return None
        view = self._view
        if view is None or view.checkpoint != note:
            self._view = view = LogView(self._folder, note, view)
        return view

    def size(self) -> int:
        """Return how many records are public."""
        view = self.view()
        return view.size if view else 0
