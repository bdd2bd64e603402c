"""
Sealed parts on their way out: to the panel all but the shares, to a seat its share.

Whoever gets one holds it against its hash in the manifest; here that is the doctor's matter.
Attachments lie elsewhere: see `dengwen_vault.attachments`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import takewhile

from sqlalchemy import Connection, func, select

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.statements.manifest import Manifest, Part
from dengwen_vault.errors import BlobError, MissingBlobError, NotYoursError, WrongBlobError
from dengwen_vault.models import Petition
from dengwen_vault.papers import Papers, papers_of_all, read_papers
from dengwen_vault.segments import Segments, Slot

_FOR_PANEL = re.compile(r"left|compartment/(?:petition|identity)")
_ATTACHMENT = re.compile(r"attachment/([1-9][0-9]?)")


def attachment_number(name: str) -> int | None:
    """Return which attachment a part of this *name* is, counted from 1; None if it is none."""
    found = _ATTACHMENT.fullmatch(name)
    return int(found[1]) if found else None


def parse_manifest(note: bytes) -> Manifest:
    """Return the manifest of a note that was checked when it came in."""
    return Manifest.parse(Note.parse(note).text)


def panel_part(connection: Connection, segments: Segments | None, case: bytes, name: str) -> bytes:
    """
    Return a part of a case that its panel may have, and that is no attachment.

    Raises:
        NotYoursError: If there is no such part, or it is a share.
    """
    if not _FOR_PANEL.fullmatch(name):
        raise NotYoursError
    manifest = parse_manifest(read_papers(connection, segments, case).manifest)
    return read_part(connection, segments, manifest, name)


def read_part(
    connection: Connection, segments: Segments | None, manifest: Manifest, name: str
) -> bytes:
    """
    Cut a part that is no attachment out of where all of them lie, one after the other.

    Raises:
        BlobError: If it is no longer there.
    """
    part = manifest.part(name)
    before = takewhile(lambda other: other.name != name, manifest.parts)
    start = sum(other.length for other in before)
    return _read(connection, segments, manifest.case, start, part.length)


def read_all_parts(connection: Connection, segments: Segments | None, manifest: Manifest) -> bytes:
    """Return all parts that are no attachments, one after the other in the manifest's order."""
    length = sum(part.length for part in _letter_parts(manifest))
    return _read(connection, segments, manifest.case, 0, length)


def find_wrong_parts(connection: Connection, segments: Segments | None) -> Iterator[BlobError]:
    """Go through all petitions, and yield for each that is no longer what was stored why."""
    for papers in papers_of_all(connection, segments):
        try:
            _check(connection, segments, papers)
        except BlobError as error:
            yield error


def _check(connection: Connection, segments: Segments | None, papers: Papers | BlobError) -> None:
    if isinstance(papers, BlobError):
        raise papers
    manifest = _manifest_of(papers)
    data = read_all_parts(connection, segments, manifest)
    for part in _letter_parts(manifest):
        sealed, data = data[: part.length], data[part.length :]
        if hashlib.sha256(sealed).digest() != part.sha256:
            raise WrongBlobError


def _manifest_of(papers: Papers) -> Manifest:
    """Return the manifest, if the acceptance is of this one."""
    try:
        note = Note.parse(papers.manifest)
        accepted = Acceptance.parse(Note.parse(papers.acceptance).text)
    except AuditError:
        raise WrongBlobError from None
    if accepted.manifest != note.hash:
        raise WrongBlobError
    return Manifest.parse(note.text)


def _letter_parts(manifest: Manifest) -> list[Part]:
    return [part for part in manifest.parts if not _ATTACHMENT.fullmatch(part.name)]


def _read(
    connection: Connection, segments: Segments | None, case: bytes, start: int, length: int
) -> bytes:
    """Return a piece of a petition's parts, from its slot or from its row."""
    cut = func.substr(Petition.parts, start + 1, length)  # SQL counts from 1
    where = select(Petition.segment, Petition.slot, cut).where(Petition.case_id == case)
    segment, slot, data = connection.execute(where).one()
    if data is not None:
        return bytes(data)
    if segments is None or segment is None:
        raise MissingBlobError
    return segments.read(Slot(segment, slot), start, length)
