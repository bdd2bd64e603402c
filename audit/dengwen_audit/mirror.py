"""
A mirror: a witness that cosigns a checkpoint only while it holds every event under it.

An ordinary witness says "this log only grew". That leaves two holes: an operator who publishes a
root and never shows what lies under it, and one who writes two events with one number into a case
and shows each to another person. A mirror closes both. Before it cosigns it

- fetches the epochs it lacks from the desk,
- rebuilds each epoch's root from its leaves, and the log's root from the records,
- refuses a second event for one number of one case,
- and has all of it on its disk.

If the desk does not give an epoch, the answer is 503 and "come back"; if what it gives contradicts
the log, it is 422, which stops the log, and the reason is kept.

A mirror also answers petitioners: a head says which event of a case is the newest that it holds. It
has no shares, so it lists none as released; and it keeps events only, not the signed causes behind
them, so it knows *that* somebody asked and never why.

Source: docs/formats/witness-and-mirror.md.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from http import HTTPStatus

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.epoch_feed import MAX_EPOCHS, EpochFeed, FedEpoch
from dengwen_audit.errors import AuditError, FormatError, ProofError
from dengwen_audit.http_client import HttpClient, UnreachableError
from dengwen_audit.merkle import leaf_hash
from dengwen_audit.mirror_store import MirrorStore
from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.challenge import ChallengeError, check_challenge
from dengwen_audit.statements.head import Head

_logger = logging.getLogger(__name__)


class BusyError(UnreachableError):
    """The mirror is still fetching epochs for an earlier checkpoint: come back."""

    retry_after = 10


class Mirror:
    """
    Holds the epochs of one office, and answers what it holds.

    Args:
        store: Its memory.
        feed: Gives the epochs it lacks.
        key: Signs heads; its name is the mirror's member id.
        office: The office's name, which is the log's origin.
    """

    def __init__(self, store: MirrorStore, feed: EpochFeed, key: SigningKey, office: str) -> None:
        """Fetch nothing yet."""
        self._store = store
        self._feed = feed
        self._key = key
        self._office = office
        self._fetching = threading.Lock()

    def hold(self, last: Checkpoint, new: Checkpoint) -> None:
        """
        Hold every epoch under *new*; a `Witness` calls this before it cosigns.

        Raises:
            UnreachableError: If the desk does not give them now, or they are being fetched.
            ProofError: If what it gives contradicts the checkpoint, or itself.
        """
        del last  # the witness has compared it; what counts here is what lies in our own memory
        if not self._fetching.acquire(blocking=False):
            raise BusyError("the epochs are being fetched")
        try:
            self._fetch(new)
        except FormatError as error:
            raise UnreachableError(f"the desk gives no epochs: {error}") from error
        except ProofError as error:
            _logger.error("checkpoint of size %d refused: %s", new.size, error)  # noqa: TRY400  # no trace
            self._store.report(new.size, new.root, str(error))
            self._store.drop_staged()
            raise
        finally:
            self._fetching.release()

    def answer(self, challenge_note: Note) -> Note:
        """
        Answer a petitioner's challenge with a signed head.

        Raises:
            AuditError: If it is no challenge for this office, by the petitioner of its case.
        """
        challenge = check_challenge(challenge_note)
        if challenge.office != self._office:
            raise ChallengeError("the challenge is for another office")
        number, hash_ = self._store.newest(challenge.case)
        head = Head(
            challenge.office, challenge.case, challenge.nonce, self._key.name, number, hash_
        )
        return sign_note(head.to_bytes(), self._key)

    def _fetch(self, new: Checkpoint) -> None:
        """Stage what is missing up to *new*, compare the root, and hold it."""
        frontier = self._store.staged()
        if frontier.size > new.size:
            self._store.drop_staged()
            frontier = self._store.staged()
        for epochs in _in_batches(self._feed.read(frontier.size, new.size)):
            frontier.extend(leaf_hash(epoch.record.to_bytes()) for epoch in epochs)
            self._store.stage(epochs, frontier)
        if frontier.size != new.size or frontier.root() != new.root:
            raise ProofError("the epochs that the desk gives are not those of the checkpoint")
        self._store.hold()


def _in_batches(epochs: Iterable[FedEpoch]) -> Iterable[list[FedEpoch]]:
    batch: list[FedEpoch] = []
    for epoch in epochs:
        batch.append(epoch)
        if len(batch) == MAX_EPOCHS:
            yield batch
            batch = []
    if batch:
        yield batch


class ChallengePoll:
    """
    Fetches the challenges that wait at an office's desk, and posts the heads that answer them.

    Args:
        http: Signs requests as the mirror.
        desk: The desk's URL.
    """

    def __init__(self, http: HttpClient, desk: str, mirror: Mirror) -> None:
        """Ask nothing yet."""
        self._http = http
        self._desk = desk
        self._mirror = mirror

    def poll(self) -> int:
        """
        Answer what waits; return how many heads the desk took.

        Raises:
            UnreachableError: If the desk does not answer, or not as it should.
        """
        work = self._http.get(f"{self._desk}/v1/work")
        if work.status != HTTPStatus.OK:
            raise UnreachableError(f"the desk answers {work.status} for work")
        try:
            challenges = [str(text).encode() for text in json.loads(work.body)["challenges"]]
        except (ValueError, RecursionError, LookupError, TypeError):
            raise UnreachableError("the desk gives no list of challenges") from None
        return sum(map(self._answer, challenges))

    def run(self, stop: threading.Event, seconds: float) -> None:
        """Poll every so many *seconds* until *stop* is set; wait for an office that is down."""
        while not stop.wait(seconds):
            try:
                self.poll()
            except UnreachableError as error:
                _logger.warning("challenges: %s", error)

    def _answer(self, challenge: bytes) -> bool:
        """Answer one challenge; one that is not right is left, and the others are answered."""
        try:
            head = self._mirror.answer(Note.parse(challenge))
        except AuditError as error:
            _logger.warning("a challenge that the desk gave is refused: %s", error)
            return False
        posted = self._http.post(f"{self._desk}/v1/heads", head.to_bytes())
        return posted.status == HTTPStatus.ACCEPTED
