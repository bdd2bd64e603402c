"""
More petitions than were sealed: the same sealed parts under another case key.

Ten minutes at a thousand a second need more different petitions than one has the patience to seal.
What makes a petition another one for the door is its manifest: here the case's signing key is a new
one, and with it the case id, the manifest's text, its hash and its signature. The parts stay, and
so do their hashes; nobody could open them under the new case, which no door can know.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.fields import CASE_KEY_NAME
from dengwen_audit.statements.manifest import case_id
from dengwen_keys.petition_file import KIND, first_bytes
from dengwen_submit.ticket import case_hash

_CASE = re.compile(rb"\ncase ([0-9a-f]{64})\n")
_KEY = re.compile(rb"\nsigning-key [0-9a-f]{64}\n")
_MAILBOX = re.compile(rb"\nmailbox ([^\n]+)\n")


@dataclass(frozen=True)
class Head:
    """What differs from petition to petition: the first line and the manifest's note."""

    data: bytes
    parts_length: int

    @property
    def case(self) -> bytes:
        """The case id."""
        return bytes.fromhex(_found(_CASE, self.data)[1].decode())

    def to_record(self) -> bytes:
        """Return all of the HTTP request but its first line and the parts."""
        announced = case_hash(self.case).hex()
        length = len(self.data) + self.parts_length
        fields = f"Host: door\r\nContent-Length: {length}\r\nDengwen-Case: {announced}\r\n\r\n"
        return fields.encode() + self.data


def head_of(petition: bytes) -> Head:
    """Return the head of a sealed petition."""
    line, _, rest = petition.partition(b"\n")
    end = len(line) + 1 + int(line.removeprefix(KIND))
    return Head(petition[:end], len(rest) - (end - len(line) - 1))


def rekey(head: Head, name: str) -> Head:
    """Return the head of another petition with the same parts; its key follows from *name*."""
    key = SigningKey(CASE_KEY_NAME, hashlib.sha256(name.encode()).digest())
    public = key.verification_key.public_key
    text = Note.parse(head.data.partition(b"\n")[2]).text
    case = case_id(public, _found(_MAILBOX, text)[1].decode("ascii"))
    text = _CASE.sub(f"\ncase {case.hex()}\n".encode(), text, count=1)
    text = _KEY.sub(f"\nsigning-key {public.hex()}\n".encode(), text, count=1)
    return Head(first_bytes(sign_note(text, key)), head.parts_length)


def _found(pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes]:
    match = pattern.search(data)
    if match is None:
        raise AssertionError("internal error: the pool holds something else")
    return match
