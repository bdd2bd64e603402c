"""
The count after a run: whether everything that was signed for is really there.

Of each acceptance that reached somebody: the intake key signed it, it names the case of the
petition that was sent, the database has that case with that manifest, and its event is in line for
the log. Of each case: its sealed parts are in its row, or it names a slot that no other case names.
Of a sample: what is stored is byte for byte what was sent. Then the log grows, and of the
cases that entered it a sample's receipts are checked, as a stranger would.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import Connection, func, select

from bench.crowd.pool import Pool
from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_audit.statements.fields import CaseId
from dengwen_keys.petition_file import first_bytes
from dengwen_submit.ticket import case_hash
from dengwen_vault.errors import BlobError
from dengwen_vault.models import Event, Petition, Reception
from dengwen_vault.papers import read_papers
from dengwen_vault.parts import parse_manifest, read_all_parts
from tests.small_office import make_card, make_roster
from tests.vault.office import VaultOffice

SAMPLE = 100
TICKS = 3
ATTEMPTS = 30
_BATCH = 1000

Answer = tuple[int, bytes]  # the petition's number in the pool, and the acceptance


@dataclass(frozen=True)
class Count:
    """
    What was found.

    Attributes:
        acceptances: That reached somebody; all were checked.
        lost: Those of them whose petition or event is not there, or that are not what they say.
        compared: Petitions that were compared byte for byte.
        receipts: Receipts that were checked.
        stored: Petitions in the database; whoever went home without an answer may be there too.
    """

    acceptances: int
    lost: int
    compared: int
    receipts: int
    stored: int


def count(office: VaultOffice, pool: Pool, answers: Iterable[Answer]) -> Count:
    """Count what is lost; the log grows by some records."""
    with office.vault.store.reading() as connection:
        rows = connection.execute(select(Petition.case_id, Petition.manifest))
        here = {bytes(case): bytes(manifest) for case, manifest in rows}
        received = set(connection.scalars(select(Reception.case_id)))
        received |= set(connection.scalars(select(Event.case_id).where(Event.number == 1)))
        lost = len(here) - _count_places(connection)
    said: dict[bytes, int] = {}
    acceptances = 0
    for number, case, manifest in _check_all(pool.path, answers):
        acceptances += 1
        if here.get(case) == manifest and case in received:
            said[case] = number
        else:
            lost += 1
    chance = random.Random(1)
    chosen = chance.sample(sorted(said), min(SAMPLE, len(said)))
    spoilt = {case for case in chosen if not _is_same(office, case, pool.petition(said[case]))}
    receipts, without = _check_receipts(office, said)
    lost += len(spoilt | without)
    return Count(acceptances, lost, len(chosen), receipts, len(here))


def _count_places(connection: Connection) -> int:
    """Return how many places there are where the sealed parts of a case of its own may lie."""
    in_row = select(func.count()).where(Petition.parts.is_not(None), Petition.segment.is_(None))
    slots = select(Petition.segment, Petition.slot).where(Petition.slot.is_not(None)).distinct()
    in_slots = select(func.count()).select_from(slots.subquery())
    return connection.scalars(in_row).one() + connection.scalars(in_slots).one()


def _check_all(pool: Path, answers: Iterable[Answer]) -> Iterator[tuple[int, bytes, bytes]]:
    """Check signatures on all cores; give number, case and manifest, both empty if one is wrong."""
    batches = _batches(answers)
    yield from _check(pool, next(batches, []))  # few need no other processes
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as workers:
        for checked in workers.map(_check, itertools.repeat(pool), batches):
            yield from checked


def _batches(answers: Iterable[Answer]) -> Iterator[list[Answer]]:
    rest = iter(answers)
    while batch := list(itertools.islice(rest, _BATCH)):
        yield batch


def _check(path: Path, answers: Sequence[Answer]) -> list[tuple[int, bytes, bytes]]:
    return [(number, *_words(_pool(path), number, answer)) for number, answer in answers]


def _words(pool: Pool, number: int, answer: bytes) -> tuple[bytes, bytes]:
    """Return the case and the manifest that an acceptance rightly names."""
    try:
        acceptance = check_acceptance(Note.parse(answer), make_roster())
    except AuditError:
        return b"", b""
    if case_hash(acceptance.case) != pool.announced(number):
        return b"", b""
    return acceptance.case, acceptance.manifest


@lru_cache(1)
def _pool(path: Path) -> Pool:
    return Pool(path)


def _is_same(office: VaultOffice, case: bytes, sent: bytes) -> bool:
    try:
        with office.vault.store.reading() as connection:
            note = read_papers(connection, office.vault.segments, case).manifest
            parts = read_all_parts(connection, office.vault.segments, parse_manifest(note))
    except BlobError:
        return False
    return first_bytes(Note.parse(note)) + parts == sent


def _grow_log(office: VaultOffice) -> None:
    """Let the log grow by some records; a witness may be late on a busy machine."""
    with office.sequencer() as sequencer:
        made = 0
        for _ in range(ATTEMPTS):
            made += sequencer.tick()
            if made == TICKS:
                return
    raise AssertionError("the witnesses did not answer")


def _check_receipts(office: VaultOffice, said: dict[bytes, int]) -> tuple[int, set[bytes]]:
    """Let the log grow, and check receipts; return how many, and cases that are not whole."""
    without = set[bytes]()
    if not said:
        return 0, without
    _grow_log(office)
    with office.vault.store.reading() as connection:
        entered = [case for case in connection.scalars(select(Event.case_id)) if case in said]
    chosen = entered[:SAMPLE]
    for case in chosen:
        try:
            (event,) = office.vault.case_events(CaseId(case)).events
        except BlobError:
            without.add(case)
            continue
        checked = check_receipt(event.receipt or b"", make_card().policy)
        if checked.event.case != case or event.cause is None:
            raise AssertionError("a receipt is of something else")
    return len(chosen) - len(without), without
