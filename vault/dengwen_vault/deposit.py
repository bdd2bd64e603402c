"""
Depositing sealed petitions: one transaction that only inserts, and may be repeated for ever.

Everything has been checked before; what is decided here is what only the database can decide:
whether a case is new, the same again, or another manifest under the same case key. The answer is
the same for the first two, so that nobody who finds a sealed petition can ask whether it is here.

A whole group is written with one statement for each of two tables, whatever the size of the vault;
no row is shared between two cases. What else a case needs, it gets at its tick.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Executable, insert, select

from dengwen_audit.note import Note
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.manifest import Manifest
from dengwen_keys.petition_file import SealedPetition
from dengwen_vault.columns import draw_spot
from dengwen_vault.database import insert_of
from dengwen_vault.errors import SecondManifestError
from dengwen_vault.models import Petition, Reception
from dengwen_vault.papers import Papers
from dengwen_vault.segments import Slot

_INSERT_RECEPTION = insert(Reception)


@dataclass(frozen=True, repr=False)
class Deposit:
    """
    A petition that may be stored.

    Attributes:
        petition: The letter of a sealed petition, checked.
        acceptance: Signed by the intake key; the cause of its event.
        today: The day in UTC.
        not_before: The first epoch that may take its event.
        slot: Where its parts and papers lie already; nowhere if they are to lie in its row.
    """

    petition: SealedPetition
    acceptance: Note
    today: datetime.date
    not_before: int
    slot: Slot | None = None

    @property
    def parts(self) -> bytes:
        """Its parts, one after the other in the manifest's order."""
        return b"".join(self.petition.parts.values())

    @property
    def papers(self) -> Papers:
        """Its manifest, and the office's word."""
        return Papers(self.petition.note.to_bytes(), self.acceptance.to_bytes())

    @property
    def manifest(self) -> Manifest:
        """What the petition consists of."""
        return self.petition.manifest


@dataclass(frozen=True)
class Outcome:
    """What became of a deposit: it is stored now, or was here already, or is refused."""

    is_new: bool
    refusal: SecondManifestError | None = None


def deposit_all(connection: Connection, deposits: Sequence[Deposit]) -> list[Outcome]:
    """
    Store petitions, and their receptions in line for the log; tell what became of each.

    One is refused if its case, or its signing key, is here with another manifest, be it by an
    earlier one of *deposits*; of a refused one nothing is stored. To avoid deadlocks on PostgreSQL,
    *deposits* come by rising case id.
    """
    new = _insert_petitions(connection, deposits)
    if new:
        connection.execute(_INSERT_RECEPTION, [_reception_row(what) for what in new.values()])
    others = [what for what in deposits if new.get(what.manifest.case) is not what]
    outcomes = {id(what): outcome for what, outcome in _look_up(connection, others)}
    return [outcomes.get(id(what), Outcome(is_new=True)) for what in deposits]


def _insert_petitions(connection: Connection, deposits: Sequence[Deposit]) -> dict[CaseId, Deposit]:
    """Insert the row that decides for each case; return the new ones."""
    first: dict[CaseId, Deposit] = {}
    for what in deposits:
        first.setdefault(what.manifest.case, what)
    rows = [_petition_row(what) for what in first.values()]
    inserted = connection.execute(_insert_new(connection.dialect.name), rows)
    return {CaseId(case): first[CaseId(case)] for case in inserted.scalars()}


def _petition_row(what: Deposit) -> dict[str, object]:
    return _place(what) | {
        "spot": draw_spot(what.today),
        "case_id": what.manifest.case,
        "signing_key": what.manifest.signing_key,
        "manifest": what.petition.note.hash,
        "roster": what.manifest.roster,
        "day": what.today,
        "not_before": what.not_before,
    }


def _place(what: Deposit) -> dict[str, object]:
    """Tell where parts and papers lie, or let them lie in the row."""
    if what.slot:
        lying = dict.fromkeys(("note", "acceptance", "parts"))
        return {"segment": what.slot.segment, "slot": what.slot.number, **lying}
    papers = what.papers
    row = {"note": papers.manifest, "acceptance": papers.acceptance, "parts": what.parts}
    return {"segment": None, "slot": None, **row}


def _reception_row(what: Deposit) -> dict[str, object]:
    return {
        "not_before": what.not_before,
        "cause": what.acceptance.hash,
        "case_id": what.manifest.case,
        "manifest": what.petition.note.hash,
        "day": what.today,
        "panel": " ".join(what.manifest.panel),
    }


@cache
def _insert_new(dialect: str) -> Executable:
    unless = insert_of(dialect)(Petition).on_conflict_do_nothing()
    inserted: Executable = unless.returning(Petition.case_id)
    return inserted


def _look_up(
    connection: Connection, others: Sequence[Deposit]
) -> Iterator[tuple[Deposit, Outcome]]:
    """Tell of those that are not new whether they are the same as what is here."""
    if not others:
        return
    cases = {what.manifest.case for what in others}
    keys = {what.manifest.signing_key for what in others}
    rows = select(Petition.case_id, Petition.signing_key, Petition.manifest)
    found = connection.execute(
        rows.where(Petition.case_id.in_(cases) | Petition.signing_key.in_(keys))
    ).all()
    manifests = {row.case_id: row.manifest for row in found}
    known = manifests.keys() | {row.signing_key for row in found}
    for what in others:
        if known.isdisjoint((what.manifest.case, what.manifest.signing_key)):
            raise AssertionError("internal error: two rows at one spot")  # which undoes them all
        if manifests.get(what.manifest.case) == what.petition.note.hash:
            yield what, Outcome(is_new=False)
        else:
            refusal = SecondManifestError("another manifest of this case is here already")
            yield what, Outcome(is_new=False, refusal=refusal)
