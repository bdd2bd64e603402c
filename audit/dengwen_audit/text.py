"""
The one text encoding: a type line, then ``name value`` lines, and exactly one spelling of each.

Everything that is signed in this project is such a text. The rules, all enforced here:

- UTF-8; the only control character is LF, which ends every line; no line is empty.
- The first line is the type, such as ``dengwen/event/v1``: no bytes are valid as two things.
- Every other line is a name, one space, and a value that neither begins nor ends with white space
  (any character with Unicode's property White_Space).
- The order of names is fixed by each format; a name that may repeat repeats in one run.
- Numbers are decimal without sign or leading zeros and at most 2**53 - 1, which a browser can hold.
- Hashes and keys are lowercase hexadecimal; days are ``YYYY-MM-DD``.

So ``parse(b).to_bytes() == b`` for every ``b`` that parses. A new field takes a new type line.

Source: docs/formats/text.md.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from typing import TYPE_CHECKING, Self

from dengwen_audit.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_SIZE = 32  # bytes
MAX_NUMBER = 2**53 - 1
ZERO_HASH = bytes(HASH_SIZE)  # "there is none before this one"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TOKEN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HEX = re.compile(r"[0-9a-f]*")
# Control characters, line ends but LF, and the surrogates that Python holds and UTF-8 does not.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class TextError(FormatError):
    """A text breaks the encoding's rules, or lacks or repeats a line, or has one too many."""


class TextReader:
    """
    Reads the lines of one text in order; whoever reads says which name must come next.

    Args:
        data: The whole text, its last LF included.
        kind: The type line that is expected, without its LF.
        max_bytes: The longest text accepted.

    Raises:
        TextError: If the bytes are not a text of this kind.
    """

    def __init__(self, data: bytes, kind: str, max_bytes: int) -> None:
        """Split *data* into lines; nothing is read yet but the type line."""
        self._kind = kind
        if len(data) > max_bytes:
            raise TextError(f"{kind}: longer than {max_bytes} bytes")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise TextError(f"{kind}: not UTF-8") from None
        if not text.endswith("\n"):
            raise TextError(f"{kind}: the last line does not end")
        # What is printable holds no control character, and is told much faster.
        if not text.replace("\n", "").isprintable() and _CONTROL.search(text):
            raise TextError(f"{kind}: a control character")
        self._lines = text[:-1].split("\n")
        self._next = 1
        if self._lines[0] != kind:
            raise TextError(f"{kind}: expected this as the first line")

    def has(self, name: str) -> bool:
        """Tell whether the next line has this *name*."""
        return self._next < len(self._lines) and self._lines[self._next].startswith(name + " ")

    def take(self, name: str) -> str:
        """Return the value of the next line, which must have this *name*."""
        if not self.has(name):
            raise TextError(f"{self._kind}: expected a line {name!r}")
        return self._value(name + " ")

    def take_all(self, name: str, at_most: int) -> list[str]:
        """Return the values of all lines with this *name* that come next; possibly none."""
        values: list[str] = []
        prefix, lines = name + " ", self._lines
        while self._next < len(lines) and lines[self._next].startswith(prefix):
            if len(values) == at_most:
                raise TextError(f"{self._kind}: {name}: more than {at_most} lines")
            values.append(self._value(prefix))
        return values

    def _value(self, prefix: str) -> str:
        """Return what follows *prefix*, with which the next line begins."""
        value = self._lines[self._next][len(prefix) :]
        self._next += 1
        if not value or value != value.strip():
            raise TextError(f"{self._kind}: {prefix[:-1]}: no value, or white space around it")
        return value

    def take_fields(self, name: str, count: int) -> list[str]:
        """Return the next line's value as exactly *count* fields, one space between two."""
        return split_fields(self.take(name), count, f"{self._kind}: {name}")

    def take_token(self, name: str) -> str:
        """Return the next line's value, an id (see `check_token`)."""
        return check_token(self.take(name), f"{self._kind}: {name}")

    def take_number(self, name: str) -> int:
        """Return the next line's value, a number."""
        return parse_number(self.take(name), f"{self._kind}: {name}")

    def take_hash(self, name: str) -> bytes:
        """Return the next line's value, 32 bytes."""
        return parse_hex(self.take(name), HASH_SIZE, f"{self._kind}: {name}")

    def take_day(self, name: str) -> datetime.date:
        """Return the next line's value, a day in UTC."""
        return parse_day(self.take(name), f"{self._kind}: {name}")

    def end(self) -> None:
        """Check that every line was read."""
        if self._next != len(self._lines):
            raise TextError(f"{self._kind}: unexpected line {self._next + 1}")


class TextWriter:
    """
    Writes a text line by line; `to_bytes` gives the text.

    Raises:
        TextError: If a value cannot stand in a line. The writer refuses what the reader refuses.
    """

    def __init__(self, kind: str) -> None:
        """Begin a text with its type line."""
        self._kind = kind
        self._lines = [kind]

    def line(self, name: str, *values: object) -> Self:
        """Add one line: the name, then the *values*, one space between two."""
        if not _NAME.fullmatch(name):
            raise TextError(f"{self._kind}: {name!r} is no name")
        value = " ".join(to_field(value) for value in values)
        if not value or value != value.strip() or "\n" in value or _CONTROL.search(value):
            raise TextError(f"{self._kind}: {name}: the value cannot stand in a line")
        self._lines.append(f"{name} {value}")
        return self

    def lines(self, name: str, values: Iterable[Sequence[object]]) -> Self:
        """Add a run of lines of one name."""
        for value in values:
            self.line(name, *value)
        return self

    def to_bytes(self) -> bytes:
        """Return the text, its last LF included."""
        return ("\n".join(self._lines) + "\n").encode()


def to_field(value: object) -> str:
    """Spell one field: bytes as hexadecimal, days as ISO 8601, numbers as decimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise AssertionError(f"internal error: a field of type {type(value).__name__}")
    if isinstance(value, int) and not 0 <= value <= MAX_NUMBER:
        raise TextError(f"the number is not between 0 and {MAX_NUMBER}")
    return str(value)


def split_fields(value: str, count: int, where: str) -> list[str]:
    """Split *value* at single spaces into *count* fields; the last may itself hold spaces."""
    fields = value.split(" ", count - 1)
    if len(fields) != count or "" in fields or fields != [*map(str.strip, fields)]:
        raise TextError(f"{where}: expected {count} fields")
    return fields


def check_token(value: str, where: str) -> str:
    """Return *value* if it is an id: 1 to 64 of ``a-z 0-9 . -``, ends not punctuation."""
    if not _TOKEN.fullmatch(value):
        raise TextError(f"{where}: not an id of small letters, digits, dots and hyphens")
    return value


def parse_number(value: str, where: str) -> int:
    """Return the number spelt by *value*; at most 2**53 - 1."""
    if not _NUMBER.fullmatch(value) or (number := int(value)) > MAX_NUMBER:
        raise TextError(f"{where}: not a plain decimal number")
    return number


def parse_hex(value: str, size: int, where: str) -> bytes:
    """Return the *size* bytes spelt in lowercase hexadecimal by *value*."""
    if len(value) != 2 * size or not _HEX.fullmatch(value):
        raise TextError(f"{where}: not {size} bytes in lowercase hexadecimal")
    return bytes.fromhex(value)


def parse_day(value: str, where: str) -> datetime.date:
    """Return the day spelt ``YYYY-MM-DD`` by *value*."""
    if not _DAY.fullmatch(value):
        raise TextError(f"{where}: not a day as YYYY-MM-DD")
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        raise TextError(f"{where}: no such day") from None


def parse_base64(value: str, where: str) -> bytes:
    """Return the bytes spelt by *value* in padded standard base64, the one canonical spelling."""
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise TextError(f"{where}: not base64") from None
    if to_base64(data) != value:
        raise TextError(f"{where}: not the canonical base64")
    return data


def to_base64(data: bytes) -> str:
    """Spell *data* in padded standard base64."""
    return base64.b64encode(data).decode("ascii")
