"""
Sealing: from what she wrote to one file that nobody opens alone. On the petitioner's side only.

Sealing is done once, and its result kept: a retry sends the same bytes, so that no answer of a
server, however often it fails, leads to another draw or to a second manifest of one case.

A named and an anonymous petition come out equal in every length. What varies with the petition is
the bucket of its body, the number and buckets of its files, and the panel.

Source: docs/formats/sealed-petition.md.
"""

from __future__ import annotations

import hashlib
import io
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import (
    COMPARTMENTS,
    IDENTITY,
    PETITION,
    Commitment,
    CompartmentLine,
    Manifest,
    Part,
    case_id,
)
from dengwen_audit.statements.roster import Roster
from dengwen_keys.age.identities import Identity
from dengwen_keys.age.recipients import Recipient, encrypt
from dengwen_keys.attachment import seal_attachment
from dengwen_keys.compartment import HALF_SIZE, compartment_seed
from dengwen_keys.contents import AttachmentLine, IdentityPart, Left, Petition
from dengwen_keys.context import EXCLUSION_KEY_SIZE, Context, exclusion_tags
from dengwen_keys.draw import draw_panel
from dengwen_keys.padding import IDENTITY_BUCKET, LEFT_BUCKET, pad, petition_bucket
from dengwen_keys.petition_file import LEFT, SealedPetition, first_bytes
from dengwen_keys.shamir import Share, split
from dengwen_keys.words import Words

Random = Callable[[int], bytes]


@dataclass(frozen=True, repr=False)
class Attachment:
    """
    A file to seal with a petition.

    Attributes:
        name: A file name without folders.
        media_type: Such as ``image/jpeg``.
        length: Bytes of the file.
        source: The file, open and at its beginning; it is read once.
    """

    name: str
    media_type: str
    length: int
    source: BinaryIO

    @classmethod
    def of_bytes(cls, name: str, media_type: str, data: bytes) -> Attachment:
        """Make an attachment of a file that is in memory."""
        return cls(name, media_type, len(data), io.BytesIO(data))


@dataclass(frozen=True, repr=False)
class Draft:
    """
    What a petitioner has decided, before anything is sealed.

    Attributes:
        body: The petition in Markdown, line ends LF.
        identity: Who she is, or that she does not say.
        language: Of the body, a BCP 47 tag in small letters; the panel sees it before opening.
        exclusions: Codes of jurisdictions, institutions and members; at most 16.
        urgent: Whether it cannot wait; the panel sees it before opening.
        attachments: At most 64.
    """

    body: str
    identity: IdentityPart
    language: str
    exclusions: tuple[str, ...] = ()
    urgent: bool = False
    attachments: tuple[Attachment, ...] = ()


def seal(
    draft: Draft, words: Words, roster: Roster, *, random: Random = secrets.token_bytes
) -> SealedPetition:
    """
    Seal a petition in memory; for files that are too long for that there is `seal_to`.

    Args:
        words: Fresh receipt words: one petition each, or its case id would be taken.
        roster: Checked, and in force (`check_roster`): the draw and every lock come from it.
        random: Gives as many random bytes as asked; another one only for test vectors.

    Costs about 5 ms, and gives 38 kB with a short body and no attachments.

    Raises:
        NoPanelError, UnknownExclusionError: If no panel can be drawn.
        SealError: If something is too long for its largest bucket.
        TextError: If a value cannot stand in the petition.
    """
    sealed = _seal(draft, words, roster, io.BytesIO, random)
    files = {f"attachment/{i}": _content(file) for i, file in enumerate(sealed.files, 1)}
    return SealedPetition(sealed.note, sealed.manifest, sealed.parts | files)


def seal_to(
    destination: BinaryIO,
    draft: Draft,
    words: Words,
    roster: Roster,
    *,
    random: Random = secrets.token_bytes,
) -> Note:
    """
    Seal a petition into a file, attachments of any size included; return its manifest.

    The sealed attachments wait in unnamed temporary files, since the manifest stands before them
    and tells their hashes. Only sealed bytes reach the disk.

    Raises:
        NoPanelError, UnknownExclusionError, SealError, TextError: As `seal`.
    """
    sealed = _seal(draft, words, roster, tempfile.TemporaryFile, random)
    destination.write(first_bytes(sealed.note) + b"".join(sealed.parts.values()))
    for file in sealed.files:
        with file:
            file.seek(0)
            shutil.copyfileobj(file, destination)
    return sealed.note


@dataclass(frozen=True, repr=False)
class _Sealed:
    """A sealed petition whose attachments still lie in files of their own."""

    note: Note
    manifest: Manifest
    parts: dict[str, bytes]
    files: list[BinaryIO]


@dataclass(frozen=True, repr=False)
class _Terms:
    """What both compartments of a petition have in common."""

    case: CaseId
    left: bytes
    panel: tuple[str, ...]
    exclusions: bytes
    tags: tuple[bytes, ...]
    roster: Roster
    random: Random


@dataclass(frozen=True, repr=False)
class _Compartment:
    """A compartment before its content is sealed: its manifest line, its key and its shares."""

    line: CompartmentLine
    recipient: Recipient
    share_files: list[bytes]
    shares: list[Share] = field(default_factory=list)


def _seal(
    draft: Draft, words: Words, roster: Roster, spool: Callable[[], BinaryIO], random: Random
) -> _Sealed:
    key, mailbox = words.signing_key(), words.mailbox().recipient.text
    signing_key = key.verification_key.public_key
    x = random(EXCLUSION_KEY_SIZE)
    terms = _Terms(
        case=case_id(signing_key, mailbox),
        left=words.left(),
        panel=draw_panel(roster, words.draw_key(roster.hash), draft.exclusions),
        exclusions=hashlib.sha256(x).digest(),
        tags=exclusion_tags(x, draft.exclusions, random),
        roster=roster,
        random=random,
    )
    compartments = {name: _make_compartment(name, role, terms) for name, role in COMPARTMENTS}
    contents = _padded_contents(draft, x)
    parts = {LEFT: _seal_left(draft, terms)}
    for name, made in compartments.items():
        parts[f"compartment/{name}"] = encrypt([made.recipient], contents[name])
    for name, made in compartments.items():
        for seat, share_file in enumerate(made.share_files, 1):
            parts[f"share/{name}/{seat}"] = share_file
    files, file_lines = _seal_attachments(draft, compartments[PETITION].recipient, spool)
    lines = [Part(name, hashlib.sha256(data).digest(), len(data)) for name, data in parts.items()]
    manifest = Manifest(
        office=roster.office,
        roster=roster.hash,
        case=terms.case,
        signing_key=signing_key,
        mailbox=mailbox,
        panel=terms.panel,
        compartments=tuple(made.line for made in compartments.values()),
        parts=(*lines, *file_lines),
        commitments=tuple(
            Commitment(name, seat, hashlib.sha256(share).digest())
            for name, made in compartments.items()
            for seat, share in enumerate(made.shares, 1)
        ),
    )
    return _Sealed(sign_note(manifest.to_bytes(), key), manifest, parts, files)


def _padded_contents(draft: Draft, x: bytes) -> dict[str, bytes]:
    """Return what goes into each compartment, in its bucket."""
    lines = tuple(AttachmentLine(a.media_type, a.length, a.name) for a in draft.attachments)
    petition = Petition(x, tuple(sorted(set(draft.exclusions))), lines, draft.body).to_bytes()
    return {
        PETITION: pad(petition, petition_bucket(len(petition))),
        IDENTITY: pad(draft.identity.to_bytes(), IDENTITY_BUCKET),
    }


def _seal_left(draft: Draft, terms: _Terms) -> bytes:
    left = Left(terms.case, terms.left, draft.language, draft.urgent)
    recipients = [_recipient(terms.roster.member(id_).recipient) for id_ in terms.panel]
    return encrypt(recipients, pad(left.to_bytes(), LEFT_BUCKET))


def _make_compartment(name: str, role: str, terms: _Terms) -> _Compartment:
    """Split a fresh right among the seats of *role*, and derive the recipient it leads to."""
    k, n = terms.roster.quorum(role)
    right = terms.random(HALF_SIZE)
    context = Context(
        random=terms.random(HALF_SIZE),
        case=terms.case,
        compartment=name,
        panel=terms.panel,
        exclusions=terms.exclusions,
        tags=terms.tags,
    )
    seed = compartment_seed(terms.left, right, terms.case, name, context.hash)
    recipient = Identity.from_seed(seed).recipient
    shares = split(right, k, n)
    share_files = [
        encrypt([_recipient(holder.recipient)], share + context.to_bytes())
        for holder, share in zip(terms.roster.seats(role), shares, strict=True)
    ]
    line = CompartmentLine(name, role, k, n, recipient.hash, context.hash)
    return _Compartment(line, recipient, share_files, shares)


def _seal_attachments(
    draft: Draft, recipient: Recipient, spool: Callable[[], BinaryIO]
) -> tuple[list[BinaryIO], list[Part]]:
    files: list[BinaryIO] = []
    lines: list[Part] = []
    for number, attachment in enumerate(draft.attachments, 1):
        files.append(spool())
        sealed = seal_attachment(recipient, attachment.source, attachment.length, files[-1])
        lines.append(Part(f"attachment/{number}", *sealed))
    return files, lines


def _recipient(text: str | None) -> Recipient:
    if text is None:
        raise AssertionError("internal error: a member of this role has a recipient")
    return Recipient.parse(text)


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
