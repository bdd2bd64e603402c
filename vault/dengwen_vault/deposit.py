"""
Depositing a sealed petition: one transaction that only inserts, and may be repeated for ever.

Everything has been checked before; what is decided here is what only the database can decide:
whether the case is new, the same again, or another manifest under the same case key. The answer is
the same for the first two, so that nobody who finds a sealed petition can ask whether it is here.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from dengwen_audit.note import Note
from dengwen_audit.statements.manifest import Manifest
from dengwen_keys.petition_file import SealedPetition
from dengwen_vault.database import insert_new
from dengwen_vault.errors import SecondManifestError
from dengwen_vault.line import NewEvent, begin_line
from dengwen_vault.models import Attachment, Panel, Petition
from dengwen_vault.models import SealedPetition as SealedPetitionRow

RECEIVED = "petition.received"
OFFICE = "office"
ATTACHMENT = "attachment/"

_INSERT_PANEL = insert(Panel)
_INSERT_SEALED = insert(SealedPetitionRow)


@dataclass(frozen=True, repr=False)
class Deposit:
    """
    A petition that may be stored.

    Attributes:
        petition: The sealed petition, checked.
        acceptance: Signed by the intake key; the cause of its event.
        today: The day in UTC.
        not_before: The first epoch that may take its event.
    """

    petition: SealedPetition
    acceptance: Note
    today: datetime.date
    not_before: int

    @property
    def manifest(self) -> Manifest:
        """What the petition consists of."""
        return self.petition.manifest


def deposit(connection: Connection, what: Deposit) -> bool:
    """
    Store a petition, its panel and its event in line; tell whether it is new.

    Raises:
        SecondManifestError: If the case, or its signing key, is here with another manifest.
            Nothing is changed then.
    """
    manifest = what.manifest
    row = {
        "case_id": manifest.case,
        "signing_key": manifest.signing_key,
        "manifest": what.petition.note.hash,
        "roster": manifest.roster,
        "day": what.today,
    }
    if not insert_new(connection, Petition, row):
        _check_same(connection, what)
        return False
    _insert_parts(connection, what.petition)
    panel = [{"reviewer": id_, "case_id": manifest.case} for id_ in manifest.panel]
    connection.execute(_INSERT_PANEL, panel)
    new = NewEvent(RECEIVED, manifest.case, OFFICE, what.acceptance, what.not_before)
    begin_line(connection, new)
    return True


def _check_same(connection: Connection, what: Deposit) -> None:
    stored = select(Petition.manifest).where(Petition.case_id == what.manifest.case)
    if connection.scalar(stored) != what.petition.note.hash:
        raise SecondManifestError("another manifest of this case is here already")


def _insert_parts(connection: Connection, petition: SealedPetition) -> None:
    case = petition.manifest.case
    is_attached = {name: name.startswith(ATTACHMENT) for name in petition.parts}
    parts = b"".join(data for name, data in petition.parts.items() if not is_attached[name])
    sealed = {"case_id": case, "manifest": petition.note.to_bytes(), "parts": parts}
    connection.execute(_INSERT_SEALED, sealed)
    attachments = [
        {"case_id": case, "number": int(name.removeprefix(ATTACHMENT)), "content": data}
        for name, data in petition.parts.items()
        if is_attached[name]
    ]
    if attachments:
        connection.execute(insert(Attachment), attachments)
