"""
Keeps the log's public files: tiles, checkpoint, and the proof of the newest record.

::

    log/checkpoint          the newest checkpoint, with the log's signature and cosignatures
    log/tile/…              what `tile_writer` writes
    latest.tlog-proof       that the newest record is the newest, and so which roster is in force

They are plain files: any web server can serve them, any cache can keep them, anyone can copy them.

Source: docs/formats/sequencer.md.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.epoch import Record
from dengwen_audit.errors import AuditError
from dengwen_audit.merkle import Frontier, Hash, prove_consistency
from dengwen_audit.note import Note, VerificationKey
from dengwen_audit.proof import LogProof
from dengwen_audit.receipt import build_latest
from dengwen_audit.tile_paths import CHECKPOINT_PATH
from dengwen_audit.tile_writer import TileWriter, make_folder, write_durably
from dengwen_audit.tiles import FolderTiles, VerifiedLog

LOG_FOLDER = "log"
LATEST_PATH = "latest.tlog-proof"

_LOCK_NAME = ".sequencer"


class FolderInUseError(AuditError):
    """Another process has the public folder open: end this one, or wait for that one to end."""


class Publisher:
    """
    The public folder: ``log/`` with tiles and checkpoint, and beside it the latest proof.

    Only one process can have it open.
    """

    def __init__(self, folder: Path, log_key: VerificationKey) -> None:
        """
        Open the *folder* of the log that signs with *log_key*; see `TileWriter` for the cost.

        Raises:
            FolderInUseError: If another process has it open.
        """
        make_folder(folder)
        self._lock = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise FolderInUseError("another sequencer has the public folder open") from None
        self._folder = folder
        self._log_key = log_key
        self._tiles = TileWriter(folder / LOG_FOLDER)
        self._source = FolderTiles(folder / LOG_FOLDER)

    @property
    def size(self) -> int:
        """How many records have durable tiles."""
        return self._tiles.size

    def frontier(self) -> Frontier:
        """Return the frontier over all records that have durable tiles."""
        return self._tiles.frontier()

    def append(self, start: int, records: list[bytes]) -> None:
        """Make *records* number *start* and following durable; see `TileWriter.append`."""
        self._tiles.append(start, records)

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint of all durable records."""
        return Checkpoint(self._log_key.name, self._tiles.size, self._tiles.root())

    def published(self) -> Note | None:
        """
        Return the public checkpoint, checked to be of this log; None before the first.

        Raises:
            SignatureError: If the log's key did not sign it.
        """
        path = self._folder / LOG_FOLDER / CHECKPOINT_PATH
        if not path.exists():
            return None
        note = Note.parse(path.read_bytes())
        note.check([self._log_key])
        return note

    def check_published(self, note: Note) -> None:
        """
        Check that a public checkpoint is of the history that the tiles hold.

        Raises:
            ProofError: If it is not.
        """
        public = Checkpoint.parse(note.text)
        VerifiedLog(self._source, self.checkpoint()).prove_consistency(public.size, public.root)

    def prove(self, old_size: int, size: int) -> list[Hash]:
        """Prove that the first *size* records begin with the first *old_size*."""
        return prove_consistency(VerifiedLog(self._source, self.checkpoint()).read, old_size, size)

    def publish_checkpoint(self, note: Note) -> None:
        """Replace the public checkpoint by *note*, whole or not at all."""
        write_durably(self._folder / LOG_FOLDER / CHECKPOINT_PATH, note.to_bytes())

    def publish_latest(self, note: Note, record: bytes) -> None:
        """Replace the public proof that *record* is the last one under the checkpoint *note*."""
        checkpoint = Checkpoint.parse(note.text)
        index = checkpoint.size - 1
        path = VerifiedLog(self._source, checkpoint).prove_inclusion(index, record)
        proof = LogProof(None, index, tuple(path), note)
        write_durably(self._folder / LATEST_PATH, build_latest(Record.parse(record), proof))

    def close(self) -> None:
        """Let another process open the folder."""
        os.close(self._lock)
