"""
The header of an age file: who may open it, read strictly and without any cryptography.

::

    age-encryption.org/v1                 the version line
    -> mlkem768x25519 6xp2…               a stanza: type and arguments,
    tIkqsE0M…                             then its body in lines of 64, the last of them shorter
    --- 5QXg…                             HMAC of everything before it, and of the three hyphens

Every byte has one spelling (`Header.parse(b).to_bytes() == b`): LF only, no empty arguments,
canonical base64 without padding. A header has at most 64 stanzas and 512 KiB. Stanzas of unknown
type are passed over, as age asks; `check_shape` is for whoever expects only this project's files.

Source: C2SP age.md v1.1.0, "Header" and "The hybrid recipient type".
"""

from __future__ import annotations

import binascii
import io
import re
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO, NoReturn

from dengwen_keys.age import sizes, x25519
from dengwen_keys.errors import FormatError

VERSION_LINE = b"age-encryption.org/v1\n"
HYBRID = "mlkem768x25519"

_LINE_SIZE = 64  # characters of a stanza's body
_STANZA = re.compile(rb"-> ([!-~]+(?: [!-~]+)*)")

# A header of hybrid stanzas alone, as `Header.parse` would accept it. The last character before the
# end carries two or four bits that spell nothing, so few characters can stand there.
_BITS_2, _BITS_4 = rb"[AEIMQUYcgkosw048]", rb"[AQgw]"
_ENCAPSULATION = rb"[A-Za-z0-9+/]{1493}" + _BITS_4
_HYBRID_STANZA = b"-> mlkem768x25519 " + _ENCAPSULATION + rb"\n[A-Za-z0-9+/]{42}" + _BITS_2 + b"\n"
_MAC_LINE = rb"--- [A-Za-z0-9+/]{42}" + _BITS_2 + b"\n"
_SHARE_AT = slice(1466, 1512)  # of a stanza: the characters that spell the X25519 share
_TAIL_AT = slice(1470, 1512)  # and those that spell its last 31 bytes and nothing else


def to_base64(data: bytes) -> str:
    """Spell *data* in standard base64 without padding."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").decode("ascii")


def parse_base64(text: bytes, where: str) -> bytes:
    """
    Return what *text* spells in standard base64 without padding, the one canonical spelling.

    Raises:
        FormatError: If it is spelt in any other way.
    """
    try:
        data = binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except binascii.Error:
        raise FormatError(f"age: {where}: not base64") from None
    if binascii.b2a_base64(data, newline=False).rstrip(b"=") != text:
        raise FormatError(f"age: {where}: not the canonical base64")
    return data


@dataclass(frozen=True)
class Stanza:
    """
    The file key, wrapped for one recipient.

    Attributes:
        type: Such as ``mlkem768x25519``.
        args: Further arguments, visible ASCII.
        body: The wrapped key.
    """

    type: str
    args: tuple[str, ...]
    body: bytes

    def to_bytes(self) -> bytes:
        """Spell the stanza; a body of whole lines ends with an empty one."""
        text = to_base64(self.body)
        lines = [text[i : i + _LINE_SIZE] for i in range(0, len(text) + 1, _LINE_SIZE)]
        return "\n".join([" ".join(("->", self.type, *self.args)), *lines, ""]).encode("ascii")

    def encapsulation(self) -> bytes:
        """
        Return the 1,120 bytes of a hybrid stanza's only argument.

        Raises:
            FormatError: If this hybrid stanza is malformed, which condemns the whole file.
        """
        if len(self.args) != 1 or len(self.body) != sizes.BODY_SIZE:
            raise FormatError("age: a hybrid stanza of the wrong form")
        encapsulation = parse_base64(self.args[0].encode("ascii"), "encapsulation")
        if len(encapsulation) != sizes.ENCAPSULATION_SIZE:
            raise FormatError("age: an encapsulation of the wrong length")
        if x25519.is_small_order(encapsulation[-x25519.SHARE_SIZE :]):
            raise FormatError("age: an X25519 share of small order")
        return encapsulation


@dataclass(frozen=True)
class Header:
    """The stanzas of an age file and the MAC over them, not yet checked."""

    stanzas: tuple[Stanza, ...]
    mac: bytes

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """
        Read a header that is alone in *data*.

        Raises:
            FormatError: If it is not the one spelling of a header.
        """
        source = io.BytesIO(data)
        header = read_header(source)
        if source.tell() != len(data):
            raise FormatError("age: bytes after the header")
        return header

    def to_bytes(self) -> bytes:
        """Spell the header."""
        return authenticated_bytes(self.stanzas) + f" {to_base64(self.mac)}\n".encode("ascii")

    def hybrid_stanzas(self) -> list[tuple[bytes, bytes]]:
        """
        Return encapsulation and body of every hybrid stanza.

        Raises:
            FormatError: If any of them is malformed.
        """
        return [(s.encapsulation(), s.body) for s in self.stanzas if s.type == HYBRID]


def authenticated_bytes(stanzas: tuple[Stanza, ...]) -> bytes:
    """Return what the MAC is computed over: all through the three hyphens."""
    return b"".join([VERSION_LINE, *(stanza.to_bytes() for stanza in stanzas), b"---"])


def read_header(source: BinaryIO) -> Header:
    """
    Read a header from the beginning of *source*, and not one byte more.

    Raises:
        FormatError: If it is not the one spelling of a header, or too long.
    """
    lines = _Lines(source)
    if lines.take() != VERSION_LINE[:-1]:
        raise FormatError("age: not a file of version 1")
    stanzas: list[Stanza] = []
    while not (line := lines.take()).startswith(b"---"):
        if len(stanzas) == sizes.MAX_STANZAS:
            raise FormatError(f"age: more than {sizes.MAX_STANZAS} stanzas")
        stanzas.append(_read_stanza(line, lines))
    if not stanzas:
        raise FormatError("age: no stanza")
    if not line.startswith(b"--- "):
        raise FormatError("age: no MAC")
    mac = parse_base64(line[4:], "MAC")
    if len(mac) != sizes.MAC_SIZE:
        raise FormatError("age: a MAC of the wrong length")
    return Header(tuple(stanzas), mac)


def check_shape(data: bytes, stanzas: int = 1, length: int | None = None) -> int:
    """
    Check that an age file is sealed to exactly *stanzas* hybrid recipients and nobody else.

    Nothing is decapsulated, and *data* may be any beginning of the file that holds the header, if
    *length* says how long the whole file is.

    Returns:
        The length of the plaintext, as the file's length gives it.

    Raises:
        FormatError: If a stanza is missing, too many, malformed or of another type, or no payload
            has the length that is left.
    """
    header_length = sizes.header_length(stanzas)
    if not _is_hybrid(data[:header_length], stanzas):
        _refuse_header(data[:header_length], stanzas)
    return sizes.plaintext_length((len(data) if length is None else length) - header_length)


@cache
def _headers(stanzas: int) -> re.Pattern[bytes]:
    """Return the expression of all headers of so many hybrid stanzas."""
    version = re.escape(VERSION_LINE)
    return re.compile(version + b"(?:" + _HYBRID_STANZA + b"){%d}" % stanzas + _MAC_LINE)


def _is_hybrid(header: bytes, stanzas: int) -> bool:
    """
    Tell whether `Header.parse` would find just so many well-formed hybrid stanzas.

    A server asks this of eleven files in each petition, so it is one expression and no parsing.
    """
    if not _headers(stanzas).fullmatch(header):
        return False
    for start in range(len(VERSION_LINE), len(header) - sizes.STANZA_SIZE, sizes.STANZA_SIZE):
        stanza = header[start : start + sizes.STANZA_SIZE]
        if stanza[_TAIL_AT] in _SMALL_ORDER_TAILS and x25519.is_small_order(_share(stanza)):
            return False
    return True


def _share(stanza: bytes) -> bytes:
    """Return the X25519 share at the end of a hybrid stanza's encapsulation."""
    return binascii.a2b_base64(stanza[_SHARE_AT] + b"==")[-x25519.SHARE_SIZE :]


# How a share of small order can end: nearly every other is told by this alone.
_SMALL_ORDER_TAILS = frozenset(
    to_base64(share[1:]).encode("ascii") for share in x25519.small_order_shares()
)


def _refuse_header(data: bytes, stanzas: int) -> NoReturn:
    """Read the header step by step, so that the refusal tells what is wrong."""
    header = Header.parse(data)
    if len(header.hybrid_stanzas()) != stanzas or len(header.stanzas) != stanzas:
        raise FormatError(f"age: not sealed to exactly {stanzas} hybrid recipients")
    raise AssertionError("internal error: the two readers of a header disagree")


class _Lines:
    """Takes lines from a file until the longest header's length is used up."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._left = sizes.MAX_HEADER_BYTES

    def take(self) -> bytes:
        """Return the next line without its LF."""
        line = self._source.readline(self._left)
        self._left -= len(line)
        if not line.endswith(b"\n"):
            raise FormatError("age: the header does not end, or is too long")
        return line[:-1]


def _read_stanza(line: bytes, lines: _Lines) -> Stanza:
    match = _STANZA.fullmatch(line)
    if match is None:
        raise FormatError("age: not a stanza")
    kind, *args = match[1].decode("ascii").split(" ")
    body: list[bytes] = []
    while not body or len(body[-1]) == _LINE_SIZE:
        body.append(lines.take())
        if len(body[-1]) > _LINE_SIZE:
            raise FormatError(f"age: a body line longer than {_LINE_SIZE} characters")
    return Stanza(kind, tuple(args), parse_base64(b"".join(body), "body"))
