"""
Keeps the public folder of a machine that makes no records the same as that of the one which does.

All that is public is in the database or follows from it: cards, rosters and their proofs, records,
and the newest checkpoint with its cosignatures. A follower writes what its folder lacks, in the
order in which a sequencer writes it, and believes nothing that the card's policy does not bear out:
no file is written before the records lead to a checkpoint that the witnesses cosigned.
So a folder that is lost, or a machine that is new, needs no copy of another one.
"""

from __future__ import annotations

import logging
import threading

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.errors import ProofError
from dengwen_audit.log import RestoredStoreError
from dengwen_audit.merkle import leaf_hash
from dengwen_audit.note import Note
from dengwen_audit.policy import Policy
from dengwen_audit.tile_writer import ConflictError
from dengwen_vault.database import Store
from dengwen_vault.epoch_store import VaultEpochStore
from dengwen_vault.errors import UnavailableError
from dengwen_vault.publication import OfficePublisher, public_checkpoint

_CHUNK = 4096  # records read at a time
_ONE_BY_ONE = 64  # records
_LONGEST_PAUSE = 1.0  # seconds between two looks

_logger = logging.getLogger(__name__)


class Follower:
    """Makes public with *publisher* what the sequencer of *store* has made public elsewhere."""

    def __init__(self, store: Store, publisher: OfficePublisher, policy: Policy) -> None:
        """Look at nothing yet."""
        self._store = store
        self._epochs = VaultEpochStore(store)
        self._publisher = publisher
        self._policy = policy

    def follow(self) -> bool:
        """
        Show what is public elsewhere; tell whether it was more than what is public here.

        Raises:
            RestoredStoreError: If this folder holds another history than the database.
            SignatureError, PolicyError: If what the database calls public is not.
            UnavailableError: If the database does not answer.
        """
        with self._store.reading() as connection:
            note = public_checkpoint(connection)
        shown = self._publisher.published()
        if note is None or (shown and _size(shown.text) >= _size(note.text)):
            return False
        checkpoint = self._policy.check(note).checkpoint
        try:
            self._check(note, checkpoint)
            self._append_to(checkpoint.size)
        except (ConflictError, ProofError) as error:
            raise RestoredStoreError(
                "this public folder holds another history than the database"
            ) from error
        self._publisher.show_checkpoint(note)
        self._publisher.show_latest(
            note, *self._epochs.records(checkpoint.size - 1, checkpoint.size)
        )
        return True

    def run(self, stop: threading.Event, tick_seconds: float) -> None:
        """Follow until *stop* is set; a database that is away is waited for."""
        while not stop.is_set():
            self.look(stop, tick_seconds)

    def look(self, stop: threading.Event, tick_seconds: float) -> None:
        """Follow once, and wait for a moment or until *stop* is set."""
        try:
            self.follow()
        except UnavailableError as error:
            _logger.warning("%s", error)
        stop.wait(min(_LONGEST_PAUSE, tick_seconds / 2))

    def _check(self, note: Note, checkpoint: Checkpoint) -> None:
        """Check that the records lead from what this folder holds to *checkpoint*."""
        frontier = self._publisher.frontier()
        if frontier.size >= checkpoint.size:  # this machine had the sequencer before
            self._publisher.check_published(note)
            return
        for begin in range(frontier.size, checkpoint.size, _CHUNK):
            records = self._epochs.records(begin, min(begin + _CHUNK, checkpoint.size))
            frontier.extend(map(leaf_hash, records))
        if frontier.root() != checkpoint.root:
            raise ProofError("the records are not those of the checkpoint")

    def _append_to(self, size: int) -> None:
        """
        Write the tiles that a checkpoint of *size* needs; the last one here must agree.

        The newest records come one by one, as a sequencer writes them: so the tiles of a checkpoint
        that another machine showed a moment ago are here, too.
        """
        begin = max(self._publisher.size - 1, 0)
        while begin < size:
            end = min(begin + _CHUNK, max(size - _ONE_BY_ONE, begin + 1))
            self._publisher.append(begin, self._epochs.records(begin, end))
            begin = end


def _size(text: bytes) -> int:
    return Checkpoint.parse(text).size
