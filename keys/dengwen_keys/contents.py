"""
What lies inside the seals: `Left` for the panel, `Petition` and `IdentityPart` for who opens them.

Each is a text, so nothing here decompresses, nests or guesses: a hostile petitioner can write no
more than the bucket holds. Padding is not theirs; `dengwen_keys.padding` does it around them.

::

    dengwen/left/v1             dengwen/petition/v1                         dengwen/identity/v1
    case 9b1e…                  x 5f0c…                                     status named
    left 0c44…                  exclude jurisdiction:CN-44                  name 李秀英
    language zh                 attachment 1 image/jpeg 81234 fence.jpg     contact +86 …
    urgent 0                                                                address …
                                The body, in Markdown.                      note only by telephone

Source: docs/formats/contents.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import MAX_ATTACHMENTS
from dengwen_audit.text import TextError, TextReader, TextWriter, parse_number, split_fields
from dengwen_keys.context import MAX_EXCLUSIONS, check_code
from dengwen_keys.padding import (
    ATTACHMENT_BUCKETS,
    IDENTITY_BUCKET,
    LEFT_BUCKET,
    LENGTH_SIZE,
    PETITION_BUCKETS,
)

LEFT_KIND = "dengwen/left/v1"
PETITION_KIND = "dengwen/petition/v1"
IDENTITY_KIND = "dengwen/identity/v1"

MAX_LEFT_BYTES = LEFT_BUCKET - LENGTH_SIZE
MAX_IDENTITY_BYTES = IDENTITY_BUCKET - LENGTH_SIZE
MAX_PETITION_BYTES = PETITION_BUCKETS[-1] - LENGTH_SIZE
MAX_ATTACHMENT_BYTES = ATTACHMENT_BUCKETS[-1] - LENGTH_SIZE
MAX_FILE_NAME_BYTES = 255

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}")
_MEDIA_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}"
_MEDIA_TYPE = re.compile(f"{_MEDIA_NAME}/{_MEDIA_NAME}")
# Slashes leave the folder; the others turn the writing round and make "exe.txt" of "txt.exe".
_UNSAFE_IN_NAME = re.compile(r"[/\\\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# A body has LF and TAB, and no other control character.
_UNSAFE_IN_BODY = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, repr=False)
class Left:
    """
    The first lock's half, sealed to the panel, and what it takes to judge a petition unopened.

    Attributes:
        case: The case id; a left found in another case is refused.
        left: 32 secret bytes.
        language: The petition's language, a BCP 47 tag in small letters.
        urgent: Whether the petitioner says that it cannot wait.
    """

    case: CaseId
    left: bytes
    language: str
    urgent: bool

    @classmethod
    def parse(cls, data: bytes) -> Left:
        """
        Read a left, its padding removed.

        Raises:
            TextError: If *data* is not the one spelling of a left.
        """
        reader = TextReader(data, LEFT_KIND, MAX_LEFT_BYTES)
        case, left = CaseId(reader.take_hash("case")), reader.take_hash("left")
        language, urgent = reader.take("language"), reader.take("urgent")
        reader.end()
        if urgent not in ("0", "1"):
            raise TextError(f"{LEFT_KIND}: urgent: neither 0 nor 1")
        return cls(case, left, check_language(language), urgent == "1")

    def to_bytes(self) -> bytes:
        """Spell the left, unpadded."""
        writer = TextWriter(LEFT_KIND).line("case", self.case).line("left", self.left)
        writer.line("language", check_language(self.language)).line("urgent", int(self.urgent))
        return writer.to_bytes()


def check_language(value: str) -> str:
    """Return *value* if it is a BCP 47 tag in small letters, such as ``zh`` or ``zh-hant``."""
    if not _LANGUAGE.fullmatch(value):
        raise TextError(f"{LEFT_KIND}: language: not a language tag in small letters")
    return value


@dataclass(frozen=True, repr=False)
class AttachmentLine:
    """
    What a petition says of one attached file.

    Attributes:
        media_type: Such as ``image/jpeg``: what she says it is, which proves nothing.
        length: Bytes of the file itself, without padding.
        name: A file name without folders.
    """

    media_type: str
    length: int
    name: str

    @classmethod
    def parse(cls, value: str, number: int) -> AttachmentLine:
        """Read the value of attachment line *number*, counted from 1."""
        where = f"{PETITION_KIND}: attachment"
        spelt, media_type, length, name = split_fields(value, 4, where)
        if parse_number(spelt, where) != number:
            raise TextError(f"{where}: not numbered 1, 2, 3, …")
        return cls(media_type, parse_number(length, where), name).check()

    def check(self) -> AttachmentLine:
        """Return this line if a receiver may rely on its form; raise `TextError` if not."""
        where = f"{PETITION_KIND}: attachment"
        if not _MEDIA_TYPE.fullmatch(self.media_type):
            raise TextError(f"{where}: not a media type in small letters")
        if self.length > MAX_ATTACHMENT_BYTES:
            raise TextError(f"{where}: longer than {MAX_ATTACHMENT_BYTES} bytes")
        is_plain = self.name == self.name.strip() and self.name not in (".", "..")
        if not is_plain or _UNSAFE_IN_NAME.search(self.name):
            raise TextError(f"{where}: not a plain file name")
        if len(self.name.encode()) > MAX_FILE_NAME_BYTES:
            raise TextError(f"{where}: a file name longer than {MAX_FILE_NAME_BYTES} bytes")
        return self


@dataclass(frozen=True, repr=False)
class Petition:
    """
    The petition itself: what she wrote, whom she excludes, and which files are with it.

    Attributes:
        x: 32 random bytes, the key of the exclusion tags.
        exclude: Exclusion codes, ascending; at most 16.
        attachments: Attached files, in the manifest's order; at most 64.
        body: Markdown; the line ends are LF.
    """

    x: bytes
    exclude: tuple[str, ...]
    attachments: tuple[AttachmentLine, ...]
    body: str

    @classmethod
    def parse(cls, data: bytes) -> Petition:
        """
        Read a petition, its padding removed.

        Raises:
            TextError: If *data* is not the one spelling of a petition.
        """
        if len(data) > MAX_PETITION_BYTES:
            raise TextError(f"{PETITION_KIND}: longer than {MAX_PETITION_BYTES} bytes")
        head, separator, body = data.partition(b"\n\n")
        if not separator:
            raise TextError(f"{PETITION_KIND}: no empty line before the body")
        reader = TextReader(head + b"\n", PETITION_KIND, MAX_PETITION_BYTES)
        x = reader.take_hash("x")
        exclude = tuple(reader.take_all("exclude", MAX_EXCLUSIONS))
        lines = reader.take_all("attachment", MAX_ATTACHMENTS)
        reader.end()
        attachments = [AttachmentLine.parse(line, number) for number, line in enumerate(lines, 1)]
        return cls(x, check_exclude(exclude), tuple(attachments), _decode_body(body))

    def to_bytes(self) -> bytes:
        """
        Spell the petition, unpadded.

        Raises:
            TextError: If a value cannot stand in it, or it would be too long.
        """
        if len(self.attachments) > MAX_ATTACHMENTS:
            raise TextError(f"{PETITION_KIND}: more than {MAX_ATTACHMENTS} attachments")
        writer = TextWriter(PETITION_KIND).line("x", self.x)
        writer.lines("exclude", ((code,) for code in check_exclude(self.exclude)))
        for number, line in enumerate(self.attachments, 1):
            line.check()
            writer.line("attachment", number, line.media_type, line.length, line.name)
        data = writer.to_bytes() + b"\n" + check_body(self.body).encode()
        if len(data) > MAX_PETITION_BYTES:
            raise TextError(f"{PETITION_KIND}: longer than {MAX_PETITION_BYTES} bytes")
        return data


def check_exclude(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return *codes* if they are at most 16 exclusions, different and ascending."""
    if len(codes) > MAX_EXCLUSIONS or list(codes) != sorted(set(codes)):
        raise TextError(f"{PETITION_KIND}: exclude: too many, or not different and ascending")
    return tuple(check_code(code) for code in codes)


def check_body(body: str) -> str:
    """Return *body* if it holds no control characters but LF and TAB."""
    if _UNSAFE_IN_BODY.search(body):
        raise TextError(f"{PETITION_KIND}: a control character in the body")
    return body


def _decode_body(data: bytes) -> str:
    try:
        return check_body(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise TextError(f"{PETITION_KIND}: the body is not UTF-8") from None


@dataclass(frozen=True, repr=False)
class IdentityPart:
    """
    Who the petitioner is, or that she does not say; sealed apart and always of one size.

    Attributes:
        name: Her name; none if she is anonymous, and then the rest is none too.
        contact: How to reach her.
        address: Where she lives.
        note: What who reads this must know, such as whom alone to speak to.
    """

    name: str | None = None
    contact: str | None = None
    address: str | None = None
    note: str | None = None

    @property
    def is_named(self) -> bool:
        """Whether she gave her name."""
        return self.name is not None

    @classmethod
    def parse(cls, data: bytes) -> IdentityPart:
        """
        Read an identity part, its padding removed.

        Raises:
            TextError: If *data* is not the one spelling of an identity part.
        """
        reader = TextReader(data, IDENTITY_KIND, MAX_IDENTITY_BYTES)
        status = reader.take("status")
        if status not in ("named", "anonymous"):
            raise TextError(f"{IDENTITY_KIND}: status: neither named nor anonymous")
        identity = cls() if status == "anonymous" else cls._parse_named(reader)
        reader.end()
        return identity

    @classmethod
    def _parse_named(cls, reader: TextReader) -> IdentityPart:
        name = reader.take("name")
        optional = (
            reader.take(field) if reader.has(field) else None
            for field in ("contact", "address", "note")
        )
        return cls(name, *optional)

    def to_bytes(self) -> bytes:
        """
        Spell the identity part, unpadded.

        Raises:
            TextError: If a value cannot stand in it, it would be too long for its one size, or
                something is told without a name.
        """
        writer = TextWriter(IDENTITY_KIND).line("status", "named" if self.is_named else "anonymous")
        fields = ("name", "contact", "address", "note")
        told = [(field, getattr(self, field)) for field in fields]
        for field, value in told:
            if value is None:
                continue
            if not self.is_named:
                raise TextError(f"{IDENTITY_KIND}: {field}: told without a name")
            writer.line(field, value)
        data = writer.to_bytes()
        if len(data) > MAX_IDENTITY_BYTES:
            raise TextError(f"{IDENTITY_KIND}: longer than {MAX_IDENTITY_BYTES} bytes")
        return data
