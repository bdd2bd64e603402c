"""Drafts: what several people sign one after another, from no signature on."""

from __future__ import annotations

from dengwen_audit.note import Note
from dengwen_audit.text import TextError


def parse_draft(data: bytes) -> Note:
    """
    Read a note, or the text of one that nobody has signed yet.

    No text of this project has an empty line, so one tells the two apart.

    Raises:
        TextError: If it is neither.
    """
    if b"\n\n" in data:
        return Note.parse(data)
    if not data.endswith(b"\n"):
        raise TextError("draft: neither a note nor the text of one")
    return Note(data, ())
