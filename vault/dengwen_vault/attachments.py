"""
Attachments: sent one by one after acceptance, by whoever shows the office's own signed word.

The acceptance is the only ticket. Who merely found a sealed petition has none, and gets one answer
whatever is here; who deposited it again has one, and gets the answers of somebody who did so first.
So it says nothing of an attachment whether it is here already: it is stored again all the same.

An attachment is durable before its row is, so that a row always has its blob, and a crash between
the two leaves a blob that the next attempt finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection, select

from dengwen_audit.errors import AuditError, SignatureError
from dengwen_audit.note import Note, VerificationKey
from dengwen_audit.statements.acceptance import MAX_ACCEPTANCE_BYTES, Acceptance
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import Manifest, Part
from dengwen_audit.statements.signers import check_signed_only_by
from dengwen_audit.text import parse_base64
from dengwen_keys.errors import KeysError
from dengwen_keys.petition_file import check_part
from dengwen_vault.errors import (
    AllowanceError,
    BlobError,
    NoAttachmentError,
    NotAcceptedError,
    NotHereYetError,
    NotYoursError,
    OtherBytesError,
)
from dengwen_vault.models import Attachment, Petition
from dengwen_vault.models import Roster as RosterRow
from dengwen_vault.papers import find_papers, read_papers
from dengwen_vault.parts import parse_manifest
from dengwen_vault.segments import Segments
from dengwen_vault.standing import Office

_OTHER_BYTES = "these are not the bytes that the manifest names"


@dataclass(frozen=True)
class Due:
    """An attachment that an accepted manifest names; it may have come already."""

    case: CaseId
    number: int
    manifest: Manifest

    @property
    def part(self) -> Part:
        """What the manifest says of it."""
        return self.manifest.attachments[self.number - 1]

    def check_length(self, length: int) -> None:
        """
        Check that it has this *length*, before it comes.

        Raises:
            OtherBytesError: If the manifest says another.
        """
        if length != self.part.length:
            raise OtherBytesError(_OTHER_BYTES)


def check_allowance(manifest: Manifest, allowance: int) -> None:
    """
    Check that the attachments of a case are together no more than the office takes.

    Raises:
        AllowanceError: If they are; nothing of the case may come in then.
    """
    if sum(part.length for part in manifest.attachments) > allowance:
        raise AllowanceError(f"the attachments are together over {allowance} bytes")


def due_attachment(
    connection: Connection,
    segments: Segments | None,
    office: Office,
    acceptance: str,
    number: int,
) -> Due:
    """
    Return the attachment that may be sent on the word of an *acceptance*, a note in base64.

    Raises:
        NotAcceptedError: If this office did not sign it, or has no such case.
        NoAttachmentError: If the manifest names no attachment of this *number*.
    """
    accepted = _check_acceptance(connection, office, acceptance)
    manifest = _accepted_manifest(connection, segments, accepted)
    if not 1 <= number <= len(manifest.attachments):
        raise NoAttachmentError
    return Due(manifest.case, number, manifest)


def check_bytes(due: Due, data: bytes) -> None:
    """
    Check that *data* is what the manifest names, and of the shape that an attachment must have.

    Raises:
        OtherBytesError: If it is not.
    """
    try:
        check_part(due.manifest, due.part, data)
    except KeysError as error:
        raise OtherBytesError(_OTHER_BYTES) from error


def arrived(connection: Connection, case: bytes) -> tuple[int, ...]:
    """Return the numbers of the attachments of a case that have come."""
    mine = select(Attachment.number).where(Attachment.case_id == case)
    return tuple(connection.scalars(mine.order_by(Attachment.number)))


def arrived_part(
    connection: Connection, segments: Segments | None, case: bytes, number: int
) -> Part:
    """
    Return what the manifest says of an attachment that has come.

    Raises:
        NoAttachmentError: If it names none of this *number*.
        NotHereYetError: If it has not come.
    """
    manifest = parse_manifest(read_papers(connection, segments, case).manifest)
    if not 1 <= number <= len(manifest.attachments):
        raise NoAttachmentError
    if number not in arrived(connection, case):
        raise NotHereYetError
    return manifest.attachments[number - 1]


def all_arrived(connection: Connection, segments: Segments | None) -> Iterator[Part | BlobError]:
    """Yield of every attachment that has come what its manifest says, or why that is not there."""
    rows = select(Attachment.case_id, Attachment.number).order_by(
        Attachment.case_id, Attachment.number
    )
    found = connection.execute(rows.execution_options(yield_per=100))
    for case, some in groupby(found, attrgetter("case_id")):
        numbers = [row.number for row in some]
        try:
            manifest = parse_manifest(read_papers(connection, segments, case).manifest)
        except BlobError as error:
            yield from [error] * len(numbers)
        else:
            yield from (manifest.attachments[number - 1] for number in numbers)


def _check_acceptance(connection: Connection, office: Office, encoded: str) -> Acceptance:
    """Check that the intake key of a roster that is or was in force signed an acceptance."""
    try:
        note = Note.parse(parse_base64(encoded, "acceptance"), MAX_ACCEPTANCE_BYTES)
        acceptance = Acceptance.parse(note.text)
        check_signed_only_by(note, _intake_keys(connection, office))
        if acceptance.office != office.card(connection).office:
            raise SignatureError("acceptance: of another office")
    except AuditError:
        raise NotAcceptedError from None
    return acceptance


def _intake_keys(connection: Connection, office: Office) -> set[VerificationKey]:
    """Return every key by which acceptances were signed; they are promises, and live long."""
    hashes = select(RosterRow.hash).where(RosterRow.first_epoch.is_not(None))
    return {office.roster(connection, hash_).intake for hash_ in connection.scalars(hashes)}


def _accepted_manifest(
    connection: Connection, segments: Segments | None, acceptance: Acceptance
) -> Manifest:
    named = (Petition.case_id == acceptance.case) & (Petition.manifest == acceptance.manifest)
    try:
        papers = find_papers(connection, segments, named)
    except NotYoursError:  # the office signed for it and has lost it since
        raise NotAcceptedError from None
    return parse_manifest(papers.manifest)
