"""
Sealed parts on their way out: to the panel all but the shares, to a seat its share.

Attachments lie elsewhere: see `dengwen_vault.attachments`.
"""

from __future__ import annotations

import re
from itertools import takewhile

from sqlalchemy import Connection, func, select

from dengwen_audit.note import Note
from dengwen_audit.statements.manifest import Manifest
from dengwen_vault.cases import manifest_note
from dengwen_vault.errors import NotYoursError
from dengwen_vault.models import SealedPetition

_FOR_PANEL = re.compile(r"left|compartment/(?:petition|identity)")
_ATTACHMENT = re.compile(r"attachment/([1-9][0-9]?)")


def attachment_number(name: str) -> int | None:
    """Return which attachment a part of this *name* is, counted from 1; None if it is none."""
    found = _ATTACHMENT.fullmatch(name)
    return int(found[1]) if found else None


def parse_manifest(note: bytes) -> Manifest:
    """Return the manifest of a note that was checked when it came in."""
    return Manifest.parse(Note.parse(note).text)


def panel_part(connection: Connection, case: bytes, name: str) -> bytes:
    """
    Return a part of a case that its panel may have, and that is no attachment.

    Raises:
        NotYoursError: If there is no such part, or it is a share.
    """
    if not _FOR_PANEL.fullmatch(name):
        raise NotYoursError
    return read_part(connection, case, parse_manifest(manifest_note(connection, case)), name)


def read_part(connection: Connection, case: bytes, manifest: Manifest, name: str) -> bytes:
    """Cut a part that is no attachment out of the row in which all of them lie."""
    before = takewhile(lambda part: part.name != name, manifest.parts)
    start = sum(part.length for part in before) + 1  # SQL counts from 1
    cut = func.substr(SealedPetition.parts, start, manifest.part(name).length)
    found = select(cut).where(SealedPetition.case_id == case)
    return bytes(connection.execute(found).scalar_one())
