"""
The gatekeeper at work: it asks the desk what waits, judges each request, and answers.

One round is: post what may not have arrived, answer challenges, serve requests in random order (so
that a flood dilutes what is real and never blocks it). Each request stands for itself: whatever
goes wrong with one is written to the service's own log by its slug, without the case, and the
others go on. What must wait is judged again in a later round.

Source: docs/formats/gatekeeper-checks.md.
"""

from __future__ import annotations

import datetime
import logging
import secrets
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from dengwen_audit.errors import AuditError
from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note, NoteHash, SigningKey
from dengwen_audit.receipt import CheckedReceipt
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.request import Request
from dengwen_keys.compartment import SharePlain
from dengwen_keys.errors import KeysError
from dengwen_keys.gatekeeper.answers import Question, refuse, release
from dengwen_keys.gatekeeper.checks import check_history, check_request
from dengwen_keys.gatekeeper.checks_log import largest
from dengwen_keys.gatekeeper.checks_share import open_own_share
from dengwen_keys.gatekeeper.follow import Follower, Look
from dengwen_keys.gatekeeper.heads import Heads
from dengwen_keys.gatekeeper.matter import Evidence, Holder, Matter
from dengwen_keys.gatekeeper.refusals import Alarm, NotYet, Refused, Tomorrow
from dengwen_keys.gatekeeper.store import Store, StoredAnswer
from dengwen_keys.gatekeeper.work import Work, read_evidence, read_request
from dengwen_keys.office_client import DeskClient, OfficeRefusalError, poll_interval

MAX_REQUESTS_A_ROUND = 64
CONFLICT = 409  # the desk has another answer of ours to this request

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gatekeeper:
    """
    One gatekeeper of one office.

    Attributes:
        card: The pinned card.
        holder: Who judges.
        key: Signs the answers.
        clock: Gives seconds since 1970.
    """

    card: Card
    holder: Holder
    key: SigningKey
    desk: DeskClient
    follower: Follower
    store: Store
    heads: Heads
    clock: Callable[[], float]
    _waiting: dict[NoteHash, float] = field(default_factory=dict)

    @property
    def interval(self) -> float:
        """Seconds between two rounds."""
        return poll_interval(self.card.tick)

    def run(self, stop: threading.Event) -> None:
        """Go round until told to stop; what goes wrong in one round is tried again in the next."""
        while not stop.is_set():
            _attempt("round", self.round)
            stop.wait(self.interval)

    def round(self) -> None:
        """
        Do everything that waits, once.

        Raises:
            OfficeError: If the desk does not say what waits.
        """
        for answer in self.store.unposted():
            _attempt("answer", partial(self._post, answer))
        work = self.desk.work()
        for challenge in work.challenges:
            _attempt("challenge", partial(self._answer, challenge))
        _attempt("requests", partial(self._serve_all, work.requests))

    def _answer(self, challenge: bytes) -> None:
        self.desk.head(self.heads.answer(Note.parse(challenge)).to_bytes())

    def _serve_all(self, listed: tuple[NoteHash, ...]) -> None:
        now = self.clock()
        for request in [request for request in self._waiting if request not in listed]:
            del self._waiting[request]
        ready = [request for request in listed if self._waiting.get(request, 0) <= now]
        if not ready:
            return
        secrets.SystemRandom().shuffle(ready)
        look = self.follower.look()  # one for the whole round
        for request in ready[:MAX_REQUESTS_A_ROUND]:
            _attempt("request", partial(self._serve, request, look))

    def _serve(self, hash_: NoteHash, look: Look) -> None:
        """Answer one request, with the bytes of the first answer if there was one."""
        answer = self.store.answer(hash_)
        if answer is None:
            work = Work.parse(self.desk.work_on(hash_))
            note, request = read_request(work, hash_)
            try:
                made = self._decide(work, note, request, look)
            except Tomorrow:
                self._waiting[hash_] = _next_day(self.clock())
                raise
            answer = self.store.keep_answer(made, request, self.clock())
        self._post(answer)

    def _decide(self, work: Work, note: Note, request: Request, look: Look) -> StoredAnswer:
        """Return the answer to a request, a release or a refusal; or raise `NotYet`."""
        question = Question(
            office=self.card.office,
            case=request.case,
            compartment=request.compartment,
            request=note.hash,
            recipient=request.recipient,
            holder=self.holder.id,
            seat=self.holder.seat_in(look.current),
        )
        try:
            evidence = read_evidence(work, self.card.policy)
            share = self._judge(self._matter(note, request, evidence, look))
        except Refused as refusal:
            _logger.info("refused: %s", refusal.slug)
            return refuse(question, refusal, self.key)
        _logger.info("released")
        return release(question, share, self.key)

    def _judge(self, matter: Matter) -> SharePlain:
        """Judge a matter; keep the case's history as soon as it is proven, whatever follows."""
        check_history(matter)
        evidence = matter.evidence
        # What follows the request counts against it, but nothing proves yet that it is in the log.
        proven = evidence.events[: evidence.receipt.event.number]
        seen = largest(matter.log, evidence.receipt.cosigned.checkpoint)
        self.store.remember(matter.request.case, evidence.manifest_hash, proven, seen)
        check_request(matter)
        return open_own_share(matter)

    def _matter(self, note: Note, request: Request, evidence: Evidence, look: Look) -> Matter:
        now = self.clock()
        receipt: CheckedReceipt = evidence.receipt
        after = request.after_size, Hash(request.after_root)
        return Matter(
            now=now,
            holder=self.holder,
            log=self.follower.log_view(look, receipt.cosigned.checkpoint, *after),
            rosters=self.follower.rosters(look, evidence.manifest.roster),
            memory=self.store.memory(note.hash, request, now),
            note=note,
            request=request,
            evidence=evidence,
        )

    def _post(self, answer: StoredAnswer) -> None:
        try:
            self.desk.answer(answer.note, answer.sealed)
        except OfficeRefusalError as error:
            if error.status != CONFLICT:
                raise
            # Only a store restored from an old copy answers twice; the first answer stands.
            _logger.error(  # noqa: TRY400  # nothing is wrong with the code
                "the desk has another answer of this holder to a request"
            )
        self.store.mark_posted(answer.request)


def _attempt(what: str, do: Callable[[], None]) -> None:
    """Do one thing; log what kept it from being done, and go on."""
    try:
        do()
    except Alarm as reason:
        _logger.error("%s: %s: %s", what, reason.slug, reason)  # noqa: TRY400  # expected, no trace
    except NotYet as reason:
        _logger.info("%s waits: %s", what, reason.slug)
    except (KeysError, AuditError, sqlite3.Error) as error:
        _logger.warning("%s not done: %s: %s", what, type(error).__name__, error)
    except Exception as error:  # noqa: BLE001  # one poisoned request must not stop the others
        _logger.error("%s crashed: %s", what, type(error).__name__)  # noqa: TRY400  # may hold a case


def _next_day(now: float) -> float:
    day = datetime.datetime.fromtimestamp(now, datetime.UTC).date() + datetime.timedelta(days=1)
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp()
