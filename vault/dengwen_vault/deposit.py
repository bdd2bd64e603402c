"""
Depositing sealed petitions: one transaction that only inserts, and may be repeated for ever.

Everything has been checked before; what is decided here is what only the database can decide:
whether a case is new, the same again, or another manifest under the same case key. The answer is
the same for the first two, so that nobody who finds a sealed petition can ask whether it is here.

A whole group is written with one statement for each table, whatever the size of the vault; no row
is shared between two cases.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Executable, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from dengwen_audit.note import Note
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import Manifest
from dengwen_keys.petition_file import SealedPetition
from dengwen_vault.errors import SecondManifestError, VaultError
from dengwen_vault.line import RECEIVED, NewEvent, begin_lines
from dengwen_vault.models import Panel, Petition, draw_spot
from dengwen_vault.models import SealedPetition as SealedPetitionRow

OFFICE = "office"

_INSERT_PANEL = insert(Panel)
_INSERT_SEALED = insert(SealedPetitionRow)


@dataclass(frozen=True, repr=False)
class Deposit:
    """
    A petition that may be stored.

    Attributes:
        petition: The letter of a sealed petition, checked.
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


def deposit_all(
    connection: Connection, deposits: Sequence[Deposit]
) -> tuple[SecondManifestError | None, ...]:
    """
    Store petitions, their panels and their events in line; tell of each whether it is refused.

    It is if its case, or its signing key, is here with another manifest, be it by an earlier one of
    *deposits*; of a refused one nothing is stored. To avoid deadlocks on PostgreSQL, *deposits*
    come by rising case id.
    """
    new = _insert_petitions(connection, deposits)
    if new:
        _insert_rest(connection, tuple(new.values()))
    known = {what.manifest.case for what in deposits if new.get(what.manifest.case) is not what}
    manifests = _manifests(connection, known)
    return tuple(
        None
        if new.get(what.manifest.case) is what
        or manifests.get(what.manifest.case) == what.petition.note.hash
        else SecondManifestError("another manifest of this case is here already")
        for what in deposits
    )


def write_deposits(
    connection: Connection, deposits: Sequence[Deposit]
) -> Sequence[VaultError | None]:
    """Do as `deposit_all`, for a `dengwen_vault.grouping.Group`."""
    return deposit_all(connection, deposits)


def _insert_petitions(connection: Connection, deposits: Sequence[Deposit]) -> dict[CaseId, Deposit]:
    """Insert the row that decides for each case; return the new ones."""
    first: dict[CaseId, Deposit] = {}
    for what in deposits:
        first.setdefault(what.manifest.case, what)
    rows = [_petition_row(what) for what in first.values()]
    inserted = connection.execute(_insert_new(connection.dialect.name), rows)
    return {CaseId(case): first[CaseId(case)] for case in inserted.scalars()}


def _petition_row(what: Deposit) -> dict[str, object]:
    return {
        "case_id": what.manifest.case,
        "signing_key": what.manifest.signing_key,
        "manifest": what.petition.note.hash,
        "roster": what.manifest.roster,
        "day": what.today,
    }


@cache
def _insert_new(dialect: str) -> Executable:
    statement = sqlite.insert(Petition) if dialect == "sqlite" else postgresql.insert(Petition)
    inserted: Executable = statement.on_conflict_do_nothing().returning(Petition.case_id)
    return inserted


def _manifests(connection: Connection, cases: set[CaseId]) -> dict[CaseId, bytes]:
    """Return the manifest hashes under which *cases* are here."""
    if not cases:
        return {}
    found = select(Petition.case_id, Petition.manifest).where(Petition.case_id.in_(cases))
    return {CaseId(row.case_id): row.manifest for row in connection.execute(found)}


def _insert_rest(connection: Connection, deposits: Sequence[Deposit]) -> None:
    """Insert everything else of petitions that are new."""
    sealed = [
        {
            "spot": draw_spot(what.today),
            "case_id": what.manifest.case,
            "manifest": what.petition.note.to_bytes(),
            "parts": b"".join(what.petition.parts.values()),
        }
        for what in deposits
    ]
    connection.execute(_INSERT_SEALED, sealed)
    panel = [
        {
            "reviewer": id_,
            "day": what.today,
            "case_id": what.manifest.case,
            "manifest": what.petition.note.hash,
        }
        for what in deposits
        for id_ in what.manifest.panel
    ]
    connection.execute(_INSERT_PANEL, panel)
    begin_lines(
        connection,
        [
            NewEvent(RECEIVED, what.manifest.case, OFFICE, what.acceptance, what.not_before)
            for what in deposits
        ],
        deposits[0].today,
    )
