"""
The log's own side: the sequencer makes it grow by one record a tick.

The *store* is the office's database. A tick takes the next record into the log, in this order::

    commit      the store commits the record, its events and salts: one compare-and-swap
    tiles       bundles and tiles are durable
    sign        the log signs the checkpoint
    cosign      witnesses cosign it, until the policy's quorum is met
    checkpoint  the public checkpoint is replaced, whole
    latest      so is the proof of the newest record

A crash between any two leaves the next start with a committed record that is not yet public, and
it is carried through by the same steps before another is committed. Since the record is committed
before anything is signed, and since Ed25519 is deterministic, no crash gives two signed roots for
one size. Without a quorum nothing is published and no new record is made: the next tick tries the
same size again, while the office's doors stay open.

What the sequencer never does is repair. If the store, the public files and the witnesses disagree
about the past, it stops and says who disagrees; docs/formats/sequencer.md tells what to do.

Source: docs/formats/sequencer.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import requests

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.epoch import Record
from dengwen_audit.errors import AuditError, ProofError
from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.policy import Policy
from dengwen_audit.publisher import Publisher
from dengwen_audit.quorum import Quorum
from dengwen_audit.tile_writer import ConflictError
from dengwen_audit.witness_client import WitnessAheadError

STEPS = ("commit", "tiles", "sign", "cosign", "checkpoint", "latest", "done")
_CHUNK = 4096  # records read from the store at a time


class LostRaceError(AuditError):
    """Another sequencer is at work: end this process; nothing is wrong with the log."""


class RestoredStoreError(AuditError):
    """
    The store lacks, or contradicts, what the log has already shown to the world.

    Most likely the database was restored from an older copy. Going on would sign a second history.
    """


class EpochStore(Protocol):
    """Where records are committed before anybody signs them."""

    def size(self) -> int:
        """Return how many records are committed."""

    def commit_tick(self, expected_size: int, now: float) -> Record:
        """
        Commit record number *expected_size* and return it once it is durable.

        Raises:
            LostRaceError: If the store has another size.
        """

    def records(self, start: int, stop: int) -> list[bytes]:
        """Return the bytes of the records from *start* to before *stop*."""


class Sequencer:
    """
    Makes the log grow by one record a tick.

    Args:
        log_key: The log's signing key; its name is the log's origin.
        session: Sends to the witnesses.
        steps: Called with each step's name before it is done. Test-only: a test that raises here
            is a crash at this place.
    """

    def __init__(  # noqa: PLR0913  # each is one collaborator; nothing else brings them together
        self,
        store: EpochStore,
        publisher: Publisher,
        log_key: SigningKey,
        policy: Policy,
        session: requests.Session,
        *,
        clock: Callable[[], float] = time.time,
        steps: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Do nothing yet; `start` looks whether it may."""
        self._store = store
        self._publisher = publisher
        self._log_key = log_key
        self._quorum = Quorum(policy, session)
        self._clock = clock
        self._steps = steps
        self._public_size = 0
        self._is_sound = False  # false too while a tick runs: an error that leaves it is final

    def start(self) -> None:
        """
        Compare store, public files and witnesses; let ticks begin only if none contradicts.

        Reads every record once: about five seconds for each million.

        Raises:
            RestoredStoreError: If the public files hold what the store does not.
            WitnessAheadError: If a witness has cosigned more than the store holds.
        """
        size = self._store.size()
        note = self._publisher.published()
        self._public_size = Checkpoint.parse(note.text).size if note else 0
        self._append_all(0, size)
        if note and self._public_size:
            self._finish(note, self._public_size)
        self._is_sound = True
        self._witnesses_were_asked(size)

    def tick(self) -> bool:
        """
        Publish the record that waits, or commit one and publish it; return whether it is public.

        Raises:
            LostRaceError: If another sequencer is at work.
            IncidentError: If a witness says that we contradict what it cosigned.
            OSError: If the disk refused.
            AuditError: Whatever it is, end the process: the state is not known to be sound.
        """
        if not self._is_sound:
            raise AssertionError("internal error: not started, or failed before; end the process")
        self._is_sound = False
        is_public = self._tick()
        self._is_sound = True
        return is_public

    def run(self, stop: threading.Event, tick_seconds: float) -> None:
        """Start, then tick every *tick_seconds* until *stop* is set; any error ends it."""
        self.start()
        while not stop.is_set():
            begun = time.monotonic()
            self.tick()
            stop.wait(max(0.0, begun + tick_seconds - time.monotonic()))

    def close(self) -> None:
        """End the threads that ask witnesses."""
        self._quorum.close()

    def _tick(self) -> bool:
        size = self._store.size()
        self._append_all(max(self._publisher.size - 1, 0), size)
        if not self._witnesses_were_asked(size):
            return False
        if size <= self._public_size:
            self._steps("commit")
            self._store.commit_tick(size, self._clock())
            size += 1
        self._steps("tiles")
        self._append_all(self._publisher.size, size)
        self._steps("sign")
        note = sign_note(self._publisher.checkpoint().to_bytes(), self._log_key)
        self._steps("cosign")
        cosigned = self._cosign(note, size)
        if cosigned is None:
            return False
        self._publish(cosigned, size)
        self._steps("done")
        return True

    def _append_all(self, start: int, size: int) -> None:
        """
        Bring the tiles from *start* up to the store's *size*; those already there must agree.

        A tick begins with the last one again: a database that failed over to a copy which lacks
        records is found before anything is committed on top of it.
        """
        ahead = max(self._publisher.size, self._public_size)
        if ahead > size:
            raise RestoredStoreError(
                f"the public log has {ahead} records and the database {size}:"
                " it was restored from an older copy; restore one that has them all"
            )
        try:
            for begin, records in self._read_records(start, size):
                self._publisher.append(begin, records)
        except ConflictError as error:
            raise RestoredStoreError(
                "the database holds other records than the public log: restore a copy that has them"
            ) from error

    def _read_records(self, start: int, stop: int) -> Iterator[tuple[int, list[bytes]]]:
        for begin in range(start, stop, _CHUNK):
            yield begin, self._store.records(begin, min(begin + _CHUNK, stop))

    def _cosign(self, note: Note, size: int) -> Note | None:
        try:
            return self._quorum.cosign(note, self._publisher.prove)
        except WitnessAheadError:
            if self._store.size() > size:  # ahead of us, but not of the store
                raise LostRaceError("another sequencer has gone on meanwhile") from None
            raise

    def _publish(self, note: Note, size: int) -> None:
        self._steps("checkpoint")
        self._publisher.publish_checkpoint(note)
        self._public_size = size
        self._steps("latest")
        self._publisher.publish_latest(note, *self._store.records(size - 1, size))

    def _finish(self, note: Note, size: int) -> None:
        """Check what was public at the start; a crash may have left an older latest proof."""
        try:
            self._publisher.check_published(note)
        except ProofError as error:
            raise RestoredStoreError(
                "the public checkpoint is of another history than the public log's own records"
            ) from error
        self._publisher.publish_latest(note, *self._store.records(size - 1, size))

    def _witnesses_were_asked(self, size: int) -> bool:
        """
        Tell whether a quorum of witnesses has shown what it cosigned, none of it beyond *size*.

        Any quorum holds a witness that saw the newest public checkpoint, so whoever lost records
        learns it here, before it signs anything.
        """
        sizes = self._quorum.sizes()
        for name, cosigned in sizes.items():
            if cosigned > size:
                raise WitnessAheadError(
                    f"witness {name} has cosigned size {cosigned}, and the database holds {size}:"
                    " it was restored from an older copy; restore one that has them all"
                )
        return self._quorum.policy.is_quorum(sizes.keys())
