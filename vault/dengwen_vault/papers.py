"""
The papers of a case: its manifest, and the office's word that it has accepted it.

They lie where the sealed parts lie. In a row, each is a column. In a slot they come after the
parts, so that the parts begin where the slot does, and the papers are found from its end::

    parts ‖ manifest ‖ acceptance ‖ u32 length of the manifest ‖ u32 length of the acceptance

Slots that were filled before revision 0008 hold nothing but parts; the papers of these cases lie in
their rows. A manifest out of a slot is held against its hash in the row; that papers are signed,
whoever gets them checks.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from dengwen_audit.statements.fields import CaseId
from dengwen_vault.errors import BlobError, MissingBlobError, NotYoursError, WrongBlobError
from dengwen_vault.models import Petition
from dengwen_vault.segments import Segments, Slot

LIKELY = 8192  # bytes, more than the papers of most cases have

_LENGTHS = struct.Struct(">II")
_WHERE = (
    Petition.manifest,
    Petition.note,
    Petition.acceptance,
    Petition.segment,
    Petition.slot,
)


@dataclass(frozen=True, repr=False)
class Papers:
    """
    Two notes, their exact bytes.

    Attributes:
        manifest: As the case key signed it.
        acceptance: As the intake key signed it: the cause of the case's first event.
    """

    manifest: bytes
    acceptance: bytes


def fill_slot(parts: bytes, papers: Papers) -> bytes:
    """Return what is to lie in the slot of a case."""
    lengths = _LENGTHS.pack(len(papers.manifest), len(papers.acceptance))
    return b"".join((parts, papers.manifest, papers.acceptance, lengths))


def read_papers(connection: Connection, segments: Segments | None, case: bytes) -> Papers:
    """
    Return the papers of a case.

    Raises:
        NotYoursError: If there is no such case.
        BlobError: If they are no longer there.
    """
    return find_papers(connection, segments, Petition.case_id == case)


def find_papers(
    connection: Connection, segments: Segments | None, where: ColumnElement[bool]
) -> Papers:
    """Do as `read_papers` for the one petition *where* something holds."""
    row = connection.execute(select(*_WHERE).where(where)).one_or_none()
    if row is None:
        raise NotYoursError
    return _papers_of(row, segments)


def papers_of_each(
    connection: Connection, segments: Segments | None, cases: Sequence[bytes]
) -> dict[CaseId, Papers]:
    """Return the papers of those of *cases* that are here; some hundred at most."""
    rows = select(Petition.case_id, *_WHERE).where(Petition.case_id.in_(cases))
    found = connection.execute(rows)
    return {CaseId(row.case_id): _papers_of(row, segments) for row in found}


def papers_of_all(
    connection: Connection, segments: Segments | None
) -> Iterator[Papers | BlobError]:
    """Go through all petitions, and yield of each its papers, or why there are none."""
    rows = select(*_WHERE).execution_options(yield_per=100)
    for row in connection.execute(rows):
        try:
            yield _papers_of(row, segments)
        except BlobError as error:
            yield error


def _papers_of(row: Row[*tuple[Any, ...]], segments: Segments | None) -> Papers:
    if row.note is not None:
        return Papers(row.note, row.acceptance)
    if segments is None or row.segment is None:
        raise MissingBlobError
    return papers_in_slot(segments, Slot(row.segment, row.slot), row.manifest)


def papers_in_slot(segments: Segments, slot: Slot, manifest: bytes) -> Papers:
    """
    Return the papers that lie in a slot, if the hash of their manifest is *manifest*.

    Raises:
        BlobError: If not, or if there is no such slot.
    """
    papers = _split(_end_of(segments, slot))
    text, empty_line, _ = papers.manifest.rpartition(b"\n\n")
    if not empty_line or hashlib.sha256(text + b"\n").digest() != manifest:
        raise WrongBlobError
    return papers


def _end_of(segments: Segments, slot: Slot) -> bytes:
    """Return the end of what lies in a slot, long enough to hold the papers."""
    end = segments.read_end(slot, LIKELY)
    length = sum(_lengths(end)) + _LENGTHS.size
    return end if length <= len(end) else segments.read_end(slot, length)


def _split(end: bytes) -> Papers:
    """Cut the papers out as their lengths say; wrong ones give what no manifest's hash is of."""
    manifest, acceptance = _lengths(end)
    papers = end[: -_LENGTHS.size]
    word = len(papers) - acceptance
    return Papers(papers[word - manifest : word], papers[word:])


def _lengths(end: bytes) -> tuple[int, int]:
    if len(end) < _LENGTHS.size:
        raise WrongBlobError
    manifest, acceptance = _LENGTHS.unpack(end[-_LENGTHS.size :])
    return manifest, acceptance
