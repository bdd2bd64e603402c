"""
The sealed petition: one file that may travel by any carrier, and every check that needs no key.

::

    dengwen/sealed-petition/v1 4711    the length of the manifest's note in bytes
    dengwen/manifest/v1                the note by the case key
    …
    — case SGVsbG8=
    ………………                            then the parts, one after another, as the manifest lists them

Whoever receives one checks the whole chain: the case id is that of the case keys, they signed the
manifest, and every part has the hash, the length and the shape that the manifest and the promises
call for. A length that is not that of a full bucket is refused: it would tell something. This is
the server's view, so it imports nothing that opens or seals.

What stands before the first attachment is the *letter*. It is what is posted; attachments follow
one by one once the office has signed for it, so that nobody's large files stand in a crowd's way.

Source: docs/formats/sealed-petition.md.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from dengwen_audit.note import Note
from dengwen_audit.statements.fields import MAX_PANEL, MAX_SEATS
from dengwen_audit.statements.manifest import (
    ATTACHMENT,
    COMPARTMENTS,
    MAX_MANIFEST_BYTES,
    PETITION,
    Manifest,
    Part,
    check_manifest,
)
from dengwen_audit.text import TextError, parse_number
from dengwen_keys.age.header import check_shape
from dengwen_keys.age.sizes import (
    MAX_HEADER_BYTES,
    header_length,
    plaintext_length,
    sealed_length,
)
from dengwen_keys.context import MAX_CONTEXT_BYTES, context_length
from dengwen_keys.errors import FormatError
from dengwen_keys.padding import (
    ATTACHMENT_BUCKETS,
    IDENTITY_BUCKET,
    LEFT_BUCKET,
    PETITION_BUCKETS,
)
from dengwen_keys.shamir import SHARE_SIZE

KIND = b"dengwen/sealed-petition/v1 "
MAX_LINE_BYTES = len(KIND) + 7
MAX_FILE_BYTES = 32 << 20  # what `SealedPetition.parse` takes into memory
# The longest first line, manifest and parts that a letter can have; a bound, not a format.
MAX_LETTER_BYTES = (
    MAX_LINE_BYTES
    + MAX_MANIFEST_BYTES
    + sealed_length(LEFT_BUCKET, MAX_PANEL)
    + sealed_length(PETITION_BUCKETS[-1], 1)
    + sealed_length(IDENTITY_BUCKET, 1)
    + len(COMPARTMENTS) * MAX_SEATS * sealed_length(SHARE_SIZE + MAX_CONTEXT_BYTES, 1)
)
READ_SIZE = 1 << 20  # bytes

LEFT = "left"


class PetitionFileError(FormatError):
    """The bytes are no sealed petition: refuse them, a retry will not help."""


class AttachedError(PetitionFileError):
    """Attachments follow the letter: send them one by one, once it is accepted."""


class PartError(PetitionFileError):
    """A part is not what the manifest, or the format, says; *part* is its name."""

    def __init__(self, message: str, part: str) -> None:
        """Keep the part's name, which is the same in every case, for who must be told."""
        super().__init__(f"{part}: {message}")
        self.part = part


class PartLengthError(PartError):
    """A part is not as long as its manifest says, or the manifest says what no bucket gives."""


class PartHashError(PartError):
    """A part's SHA-256 is not the one in the manifest."""


def check_part_length(manifest: Manifest, part: Part) -> None:
    """
    Check that the manifest gives *part* a length that it can have: a full bucket, or a share.

    Raises:
        PartLengthError: If it does not.
    """
    size = _plaintext_length(part.length, _stanzas(manifest, part))
    if not _is_size(manifest, part.name, size):
        raise PartLengthError("not of a length that this part can have", part.name)


@lru_cache(1024)  # lengths are those of full buckets, so few are ever right
def _plaintext_length(length: int, stanzas: int) -> int:
    """Return what a file of this length holds; 0, which no part has, if nothing can."""
    try:
        return plaintext_length(length - header_length(stanzas))
    except FormatError:
        return 0


def _stanzas(manifest: Manifest, part: Part) -> int:
    """Return how many recipients *part* is sealed to: the panel, or one."""
    return len(manifest.panel) if part.name == LEFT else 1


def _is_size(manifest: Manifest, name: str, size: int) -> bool:
    """Tell whether the plaintext of the part of this *name* can have this *size*."""
    kind, _, rest = name.partition("/")
    if kind == "share":
        return size == SHARE_SIZE + context_length(rest.rpartition("/")[0], manifest.panel)
    if kind == "attachment":
        return size in ATTACHMENT_BUCKETS
    if rest == PETITION:
        return size in PETITION_BUCKETS
    return size == (LEFT_BUCKET if kind == LEFT else IDENTITY_BUCKET)


def check_part(manifest: Manifest, part: Part, data: bytes) -> None:
    """
    Check that *data* is *part*, and an age file of the shape that this part must have.

    Raises:
        PartLengthError: If it is shorter or longer.
        PartHashError: If it hashes to something else.
        FormatError: If it is not for exactly as many hybrid recipients as it must be.
    """
    if len(data) != part.length:
        raise PartLengthError("not of the length in the manifest", part.name)
    if hashlib.sha256(data).digest() != part.sha256:
        raise PartHashError("not of the hash in the manifest", part.name)
    check_shape(data, _stanzas(manifest, part))


@dataclass(frozen=True)
class PetitionHead:
    """
    The beginning of a sealed petition, checked; the parts are still to be read.

    Attributes:
        note: The manifest as it was signed.
        manifest: The same, parsed.
        start: Where the first part begins, counted from 0.
    """

    note: Note
    manifest: Manifest
    start: int

    @property
    def length(self) -> int:
        """Bytes of the whole file."""
        return self.start + sum(part.length for part in self.manifest.parts)

    @property
    def letter_length(self) -> int:
        """Bytes of the file before its first attachment."""
        return self.length - self.attached_length

    @property
    def attachments(self) -> tuple[Part, ...]:
        """The parts that are sent after acceptance, in order."""
        return self.manifest.attachments

    @property
    def attached_length(self) -> int:
        """Bytes of all attachments together."""
        return sum(part.length for part in self.attachments)

    def spans(self) -> Iterator[tuple[Part, int]]:
        """Go through the parts in order, each with its offset from the file's beginning."""
        offset = self.start
        for part in self.manifest.parts:
            yield part, offset
            offset += part.length

    def copy_part(self, source: BinaryIO, name: str, destination: BinaryIO) -> None:
        """
        Copy one part out of *source*, the whole file, and check it; worthless if this raises.

        Raises:
            ManifestError: If the manifest lists no such part.
            PetitionFileError, FormatError: If it is not what the manifest says.
        """
        part = self.manifest.part(name)
        source.seek(dict(self.spans())[part])
        check_stream(self.manifest, part, source, destination)


def read_head(source: BinaryIO) -> PetitionHead:
    """
    Read and check the first line and the manifest; leave *source* at the first part.

    Costs one signature (about 0.1 ms) and at most `MAX_MANIFEST_BYTES` of reading.

    Raises:
        PetitionFileError: If this is not a sealed petition, or a part has no permitted length.
        AuditError: If the manifest is misspelt, or not signed by the keys of its case.
    """
    line = source.readline(MAX_LINE_BYTES)
    if not line.startswith(KIND) or not line.endswith(b"\n"):
        raise PetitionFileError("not a sealed petition: the first line is another")
    try:
        length = parse_number(line[len(KIND) : -1].decode("ascii"), "sealed petition")
    except (UnicodeDecodeError, TextError):
        raise PetitionFileError("sealed petition: no length in the first line") from None
    if length > MAX_MANIFEST_BYTES:
        raise PetitionFileError(f"sealed petition: a manifest over {MAX_MANIFEST_BYTES} bytes")
    data = source.read(length)
    if len(data) != length:
        raise PetitionFileError("sealed petition: it ends within the manifest")
    note = Note.parse(data, MAX_MANIFEST_BYTES)
    manifest = check_manifest(note)
    for part in manifest.parts:
        check_part_length(manifest, part)
    return PetitionHead(note, manifest, len(line) + length)


def check_file(source: BinaryIO) -> PetitionHead:
    """
    Check a whole sealed petition of any size, in memory for one chunk.

    Raises:
        PetitionFileError, AuditError: As `SealedPetition.parse`.
    """
    head = read_head(source)
    for part in head.manifest.parts:
        check_stream(head.manifest, part, source)
    if source.read(1):
        raise PetitionFileError("sealed petition: bytes after the last part")
    return head


def check_stream(
    manifest: Manifest, part: Part, source: BinaryIO, destination: BinaryIO | None = None
) -> None:
    """
    Check *part* where *source* stands, in memory for one chunk; write it to *destination*.

    What was written is worth nothing if this raises.

    Raises:
        PartLengthError, PartHashError, FormatError: As `check_part`.
    """
    digest, missing, beginning = hashlib.sha256(), part.length, b""
    while missing:
        chunk = source.read(min(missing, READ_SIZE))
        if not chunk:
            raise PartLengthError("it ends before the length in the manifest", part.name)
        beginning += chunk[: max(0, MAX_HEADER_BYTES - len(beginning))]
        digest.update(chunk)
        missing -= len(chunk)
        if destination:
            destination.write(chunk)
    if digest.digest() != part.sha256:
        raise PartHashError("not of the hash in the manifest", part.name)
    check_shape(beginning, _stanzas(manifest, part), part.length)


@dataclass(frozen=True, repr=False)
class SealedPetition:
    """
    A sealed petition in memory, checked as far as anybody can check it without a key.

    Attributes:
        note: The manifest as it was signed.
        manifest: The same, parsed.
        parts: The bytes of every part by name, in the manifest's order; of a letter alone, those
            that are no attachments.
    """

    note: Note
    manifest: Manifest
    parts: Mapping[str, bytes]

    @classmethod
    def parse(cls, data: bytes, max_bytes: int = MAX_FILE_BYTES) -> SealedPetition:
        """
        Read a sealed petition, attachments and all, and check its whole chain.

        Raises:
            PetitionFileError: If it is too long, or is not one, or a part is not as the manifest
                says.
            KeysError: If a part is not an age file of the right shape.
            AuditError: If the manifest is misspelt, or not signed by the keys of its case.
        """
        if len(data) > max_bytes:
            raise PetitionFileError(f"sealed petition: longer than {max_bytes} bytes")
        head = read_head(io.BytesIO(data))
        return cls(head.note, head.manifest, _read_parts(head, data, head.length))

    @classmethod
    def parse_letter(cls, data: bytes) -> SealedPetition:
        """
        Read what stands before the first attachment, and nothing else, and check its whole chain.

        Raises:
            AttachedError: If the attachments are there, or a part of them.
            PetitionFileError, KeysError, AuditError: As `parse`.
        """
        if len(data) > MAX_LETTER_BYTES:
            raise PetitionFileError(f"sealed petition: a letter over {MAX_LETTER_BYTES} bytes")
        head = read_head(io.BytesIO(data))
        if head.attachments and len(data) > head.letter_length:
            raise AttachedError("sealed petition: attachments are sent after the acceptance")
        return cls(head.note, head.manifest, _read_parts(head, data, head.letter_length))

    def letter(self) -> bytes:
        """Spell what stands before the first attachment."""
        files = (data for name, data in self.parts.items() if not name.startswith(ATTACHMENT))
        return first_bytes(self.note) + b"".join(files)

    def to_bytes(self) -> bytes:
        """Spell the sealed petition; the same bytes that were parsed."""
        return first_bytes(self.note) + b"".join(self.parts.values())


def _read_parts(head: PetitionHead, data: bytes, end: int) -> dict[str, bytes]:
    """Cut *data*, which must end at *end*, into its parts, and check each."""
    if len(data) != end:
        raise PetitionFileError("sealed petition: not as long as its parts together")
    parts: dict[str, bytes] = {}
    for part, offset in head.spans():
        if offset == end:  # no part is empty
            break
        parts[part.name] = data[offset : offset + part.length]
        check_part(head.manifest, part, parts[part.name])
    return parts


def first_bytes(note: Note) -> bytes:
    """Return what stands before the parts: the line and the manifest."""
    manifest = note.to_bytes()
    return KIND + f"{len(manifest)}\n".encode() + manifest
