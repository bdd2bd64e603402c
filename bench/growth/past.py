"""
The past of an office, as rows: what its tables would hold had it lived through so many cases.

One record of the log a minute, one case a record. Of ten cases one was asked for by a reviewer,
released by every gatekeeper and answered; the last few requests still wait. A roster follows upon
another every thirty days. Every note is signed, every event stands in its chain and in the tree of
its epoch, and the tree's record is the one in the log: the auditor's own rules are run on it by
tests/growth. Only who does the signing is one process, and nothing is ever sent.

Sealed parts go into segments as a crowd's do, a group at a time, where the office has segments.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from bench.growth.petitions import Petitions
from dengwen_audit.epoch import SEED_SIZE, Epoch
from dengwen_audit.event import OFFICE, ROOTS, SALT_SIZE, Event
from dengwen_audit.merkle import Frontier, leaf_hash, prove_inclusion, read_leaves
from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.statements.answer import RELEASE, Answer
from dengwen_audit.statements.manifest import PETITION
from dengwen_audit.statements.member import GATEKEEPER
from dengwen_audit.statements.request import REVIEW, Request
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.statement import Statement
from dengwen_audit.text import ZERO_HASH
from dengwen_keys.age.recipients import Recipient, encrypt
from dengwen_keys.context import context_length
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.shamir import SHARE_SIZE
from dengwen_vault import models
from dengwen_vault.columns import Base, draw_spot
from dengwen_vault.due import RECEIVED
from dengwen_vault.grouping import MAX_GROUP
from dengwen_vault.papers import Papers, fill_slot
from dengwen_vault.requests import WORK_DAYS
from dengwen_vault.segments import Segments
from tests.small_office import make_key, make_recipient, sign_by_roots
from tests.vault.office import NOON

OPENED_EVERY = 10  # cases
WAITING = 16  # requests at the end that nobody has answered yet
LAST_STEPS = 8  # records in which the last case goes its way
EDGE = 128  # records in the last bundle of every log, so that logs differ in their height alone
BUNDLE = 256
TICK = 60  # seconds
GENERATION = 20_000  # epochs whose rows are written together, by rising keys
SEALED_ANSWERS = 64  # really sealed, and used again and again
FRESH = make_recipient("a fresh recipient")
REQUESTED, RELEASED = "open.requested", "share.released"
BY_DAY = (REQUESTED, RELEASED)  # events whose causes the product lays beside those of their day

Rows = dict[type[Base], list[dict[str, object]]]


class Happening(NamedTuple):
    """An event to be: what its case's chain, the day and chance do not give."""

    type: str
    case: bytes
    actor: str
    cause: Note


@dataclass(frozen=True)
class Beginning:
    """
    The log of an office that has only begun.

    Attributes:
        records: Every one.
        number, tip: Number and hash of the newest event of the office's own chain.
        roster: In force.
    """

    records: tuple[bytes, ...]
    number: int
    tip: bytes
    roster: Roster


def log_size(cases: int) -> int:
    """Return how many records the log has after so many *cases*."""
    bundles = -(-(cases + LAST_STEPS - EDGE) // BUNDLE)
    return max(bundles, 0) * BUNDLE + EDGE


def time_of(epoch: int) -> float:
    """Return when an epoch was made, in seconds since 1970."""
    return NOON + epoch * TICK


def day_of(epoch: int) -> datetime.date:
    """Return the day on which an epoch was made."""
    return datetime.datetime.fromtimestamp(time_of(epoch), datetime.UTC).date()


def is_opened(number: int) -> bool:
    """Tell whether a reviewer has asked for case *number*."""
    return number % OPENED_EVERY == 0


def is_waiting(number: int, cases: int) -> bool:
    """Tell whether case *number* of so many *cases* waits for its gatekeepers."""
    return is_opened(number) and number >= cases - WAITING * OPENED_EVERY


@functools.cache
def _sealed_answers(length: int) -> list[bytes]:
    """Return what gatekeepers send beside releases: as many bytes, sealed to a fresh key."""
    recipients = [Recipient.parse(FRESH)]
    return [encrypt(recipients, secrets.token_bytes(length)) for _ in range(SEALED_ANSWERS)]


class Past:
    """
    Lives through an office's past, once.

    Args:
        segments: Where parts and papers are to lie; none if they are to lie in their rows.

    Attributes:
        rosters: Those that were published, the newest last.
    """

    def __init__(
        self, beginning: Beginning, petitions: Petitions, cases: int, segments: Segments | None
    ) -> None:
        """Go on from *beginning* until there are so many *cases*."""
        self.rosters = [beginning.roster]
        self._petitions = petitions
        self._cases = cases
        self._segments = segments
        self._first = len(beginning.records)
        self._size = log_size(cases)
        self._frontier = Frontier()
        self._frontier.extend(map(leaf_hash, beginning.records))
        self._tips: dict[bytes, tuple[int, bytes]] = {ZERO_HASH: (beginning.number, beginning.tip)}
        self._due: defaultdict[int, list[Callable[[int], list[Happening]]]] = defaultdict(list)
        self._over: list[bytes] = []  # cases of which nothing more will be heard
        self._rows: Rows = defaultdict(list)
        self._sealed: list[tuple[bytes, Papers]] = []  # parts and papers of these rows' petitions
        self._intake = make_key("intake")

    def generations(self) -> Iterator[Rows]:
        """Yield all rows, some thousand epochs at a time."""
        for number in range(self._first, self._size):
            self._live(number)
            if number % GENERATION == GENERATION - 1 or number == self._size - 1:
                self._lay_down_sealed()
                yield self._rows
                self._rows, self._sealed = defaultdict(list), []

    def _lay_down_sealed(self) -> None:
        """Let the rows of petitions have parts and papers, or tell where these lie."""
        petitions = self._rows.get(models.Petition, [])
        if self._segments is None:
            for row, (parts, papers) in zip(petitions, self._sealed, strict=True):
                row |= {"note": papers.manifest, "acceptance": papers.acceptance, "parts": parts}
            return
        for begin in range(0, len(petitions), MAX_GROUP):
            group = slice(begin, begin + MAX_GROUP)
            slots = self._segments.put([fill_slot(*sealed) for sealed in self._sealed[group]])
            for row, slot in zip(petitions[group], slots, strict=True):
                row |= {"segment": slot.segment, "slot": slot.number}

    def _live(self, number: int) -> None:
        happenings = self._publish(number) if day_of(number) >= self._roster.valid_until else []
        for due in self._due.pop(number, []):
            happenings += due(number)
        case = number - self._first
        if case < self._cases:
            happenings += self._receive(case, number)
        self._write(number, happenings)
        while self._over:
            del self._tips[self._over.pop()]

    @property
    def _roster(self) -> Roster:
        return self.rosters[-1]

    def _add(self, table: type[Base], **row: object) -> None:
        self._rows[table].append(row)

    def _publish(self, number: int) -> list[Happening]:
        """Let the roots sign the next roster, on the day on which it takes force."""
        before = self._roster
        until = before.valid_until + (before.valid_until - before.valid_from)
        roster = replace(
            before,
            version=before.version + 1,
            previous=before.hash,
            valid_from=before.valid_until,
            valid_until=until,
        )
        self.rosters.append(roster)
        note = sign_by_roots(roster.to_bytes())
        self._add(
            models.Roster,
            hash=note.hash,
            version=roster.version,
            note=note.to_bytes(),
            in_force_from=roster.valid_from,
            first_epoch=number,
        )
        return [Happening("roster.published", ZERO_HASH, ROOTS, note)]

    def _receive(self, case: int, number: int) -> list[Happening]:
        petition, day = self._petitions.sealed(case, self._roster.hash), day_of(number)
        manifest = petition.manifest
        acceptance = self._accept(petition, day)
        self._add(
            models.Petition,
            spot=draw_spot(day),
            case_id=manifest.case,
            signing_key=manifest.signing_key,
            manifest=petition.note.hash,
            roster=manifest.roster,
            day=day,
            not_before=number,
            **dict.fromkeys(("segment", "slot", "note", "acceptance", "parts")),
        )
        papers = Papers(petition.note.to_bytes(), acceptance.to_bytes())
        self._sealed.append((self._petitions.original(case).joined, papers))
        for reviewer in manifest.panel:
            self._add(
                models.Panel,
                reviewer=reviewer,
                day=day,
                case_id=manifest.case,
                manifest=petition.note.hash,
            )
        self._tips[manifest.case] = (0, petition.note.hash)
        if is_opened(case):
            self._due[number + 1].append(functools.partial(self._ask, case, petition))
        else:
            self._over.append(manifest.case)
        return [Happening(RECEIVED, manifest.case, OFFICE, acceptance)]

    def _accept(self, petition: SealedPetition, day: datetime.date) -> Note:
        acceptance = Acceptance(
            office=petition.manifest.office,
            case=petition.manifest.case,
            manifest=petition.note.hash,
            day=day,
            deadline=self._roster.acceptance_deadline,
        )
        return sign_note(acceptance.to_bytes(), self._intake)

    def _ask(self, case: int, petition: SealedPetition, number: int) -> list[Happening]:
        manifest, roster = petition.manifest, self._roster
        request = Request(
            office=manifest.office,
            case=manifest.case,
            manifest=petition.note.hash,
            compartment=PETITION,
            purpose=REVIEW,
            requester=manifest.panel[0],
            roster=self._roster.hash,
            recipient=FRESH,
            after_size=number,
            after_root=self._frontier.root(),
            last_index=number + roster.request_lifetime // TICK,
            nonce=secrets.token_bytes(32),
        )
        note = sign_note(request.to_bytes(), make_key(request.requester))
        self._add(
            models.Request,
            hash=note.hash,
            case_id=request.case,
            requester=request.requester,
            compartment=PETITION,
        )
        if is_waiting(case, self._cases):
            self._lay_before_seats(note.hash, number)
        else:
            self._due[number + 1].append(functools.partial(self._release, request))
        return [Happening(REQUESTED, request.case, request.requester, note)]

    def _lay_before_seats(self, request: bytes, number: int) -> None:
        until = day_of(number) + WORK_DAYS
        for seat in range(1, self._roster.quorum(GATEKEEPER).n + 1):
            self._add(models.Work, role=GATEKEEPER, seat=seat, request=request, until=until)

    def _release(self, request: Request, number: int) -> list[Happening]:
        self._due[number + 1].append(functools.partial(self._answer, request))
        length = SHARE_SIZE + context_length(PETITION, ("reviewer-1",) * self._roster.panel_size)
        happenings = []
        for holder in self._roster.seats(GATEKEEPER):
            sealed = _sealed_answers(length)[(number + holder.seat) % SEALED_ANSWERS]
            answer = Answer(
                kind=RELEASE,
                office=request.office,
                case=request.case,
                compartment=PETITION,
                request=request.hash,
                holder=holder.id,
                seat=holder.seat,
                sealed=hashlib.sha256(sealed).digest(),
            )
            note = sign_note(answer.to_bytes(), _member_key(holder.id))
            row = {"request": request.hash, "holder": holder.id, "note": note.hash}
            self._add(models.Answer, spot=draw_spot(day_of(number)), **row, sealed=sealed)
            happenings.append(Happening(RELEASED, request.case, holder.id, note))
        return happenings

    def _answer(self, request: Request, _: int) -> list[Happening]:
        self._over.append(request.case)
        statement = Statement(request.office, request.case, "case.answered")
        note = sign_note(statement.to_bytes(), _member_key(request.requester))
        return [Happening("case.answered", request.case, request.requester, note)]

    def _write(self, number: int, happenings: list[Happening]) -> None:
        """Let *happenings* enter the log as record *number*."""
        day, seed, roster = day_of(number), secrets.token_bytes(SEED_SIZE), self._roster.hash
        events = [self._event(happening, day) for happening in happenings]
        epoch = Epoch.build([event.to_bytes() for event in events], seed, roster)
        record = epoch.record.to_bytes()
        self._frontier.append(leaf_hash(record))
        self._add(models.Epoch, number=number, record=record, roster=roster, seed=seed)
        read = read_leaves([leaf_hash(leaf) for leaf in epoch.leaves])
        for event, happening, place in zip(events, happenings, epoch.positions, strict=True):
            if happening.type != RECEIVED:  # its cause lies with the petition
                note = happening.cause.to_bytes()
                lies = draw_spot(day if happening.type in BY_DAY else None)
                self._add(models.Cause, spot=lies, hash=event.cause, actor=event.actor, note=note)
            self._add(
                models.Event,
                spot=draw_spot(day),
                case_id=event.case,
                number=event.number,
                hash=event.hash,
                cause=event.cause,
                actor=event.actor,
                epoch=number,
                position=place,
                text=epoch.leaves[place],
                path=b"".join(prove_inclusion(read, place, len(epoch.leaves))),
            )

    def _event(self, happening: Happening, day: datetime.date) -> Event:
        number, previous = self._tips[happening.case]
        event = Event(
            type=happening.type,
            case=happening.case,
            number=number + 1,
            previous=previous,
            actor=happening.actor,
            day=day,
            salt=secrets.token_bytes(SALT_SIZE),
            cause=happening.cause.hash,
        )
        self._tips[happening.case] = (event.number, event.hash)
        return event


@functools.cache
def _member_key(id_: str) -> SigningKey:
    return make_key(id_)
