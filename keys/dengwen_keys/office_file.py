"""
What a person writes down to begin an office, and the card and roster that follow from it.

The file is TOML: ``[card]``, ``[[root]]``, ``[[witness]]``, ``[roster]``, ``[[jurisdiction]]``,
``[[institution]]``, ``[[member]]`` and ``[[revoked]]``. It is a draft and nothing is signed over
it: what counts is the card's and the roster's own text, which the root keepers read and sign.

A word that is not known is refused rather than passed over, so that a typing error cannot leave a
setting at something else than was meant.

Source: docs/formats/office-file.md.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from dengwen_audit.errors import AuditError
from dengwen_audit.note import VerificationKey
from dengwen_audit.statements.card import Card, Root
from dengwen_audit.statements.member import (
    GATEKEEPER,
    TRUSTEE,
    Institution,
    Jurisdiction,
    Member,
    Revocation,
)
from dengwen_audit.statements.roster import Quorum, Roster
from dengwen_audit.text import HASH_SIZE, ZERO_HASH, parse_hex
from dengwen_keys.toml_table import OfficeFileError, Table

MAX_OFFICE_FILE_BYTES = 4 << 20
_GROUP = "all-witnesses"

_T = TypeVar("_T")


@dataclass(frozen=True)
class OfficeFile:
    """
    An office as somebody wrote it down; numbers, hashes and days are added when it is drafted.

    Attributes:
        card: The card with number 1 and nothing before it.
        roster: The roster with version 1, nothing before it, and no days.
        days: For how many days a roster is to be valid.
    """

    card: Card
    roster: Roster
    days: int

    @classmethod
    def parse(cls, data: bytes) -> OfficeFile:
        """
        Read an office file.

        Raises:
            OfficeFileError: If it is no TOML, or a word is missing, unknown or malformed.
        """
        if len(data) > MAX_OFFICE_FILE_BYTES:
            raise OfficeFileError(f"office file: longer than {MAX_OFFICE_FILE_BYTES} bytes")
        try:
            tables = tomllib.loads(data.decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise OfficeFileError(f"office file: no TOML: {error}") from None
        whole = Table("file", tables)
        card = _to_card(whole)
        roster, days = _to_roster(whole, card)
        whole.end()
        return cls(card, roster, days)

    def draft_card(self, previous: Card | None) -> Card:
        """Return the card that follows *previous*, or the first."""
        if previous is None:
            return self.card
        return replace(self.card, number=previous.number + 1, previous=previous.hash)

    def draft_roster(self, previous: Roster | None, valid_from: datetime.date) -> Roster:
        """Return the roster that follows *previous*, or the first, valid from this day on."""
        until = valid_from + datetime.timedelta(days=self.days)
        roster = replace(self.roster, valid_from=valid_from, valid_until=until)
        if previous is None:
            return roster
        return replace(roster, version=previous.version + 1, previous=previous.hash)


def _to_card(whole: Table) -> Card:
    table = Table("[card]", whole.take("card", dict))
    office = table.take_text("office")
    card = Card(
        number=1,
        previous=ZERO_HASH,
        office=office,
        name=table.take_text("name"),
        operator=table.take_text("operator"),
        door=table.take_text("door"),
        desk=table.take_text("desk"),
        tick=table.take("tick", int),
        root_threshold=table.take("root-threshold", int),
        roots=tuple(_each(whole, "root", _to_root)),
        policy_lines=_to_policy(table, whole),
    )
    table.end()
    return _checked("[card]", lambda: Card.parse(card.to_bytes()))


def _to_root(table: Table) -> Root:
    return Root(_take_key(table, "key"), table.take_text("institution"))


def _to_policy(card: Table, whole: Table) -> tuple[str, ...]:
    """Write the log's policy: the witnesses, of which so many must agree."""
    log = f"log {card.take_text('log')} {card.take_optional('log-url') or ''}".strip()
    quorum = card.take("witness-quorum", int)
    witnesses = _each(whole, "witness", _to_witness)
    names = " ".join(line.split(" ")[1] for line in witnesses)
    return (log, *witnesses, f"group {_GROUP} {quorum} {names}", f"quorum {_GROUP}")


def _to_witness(table: Table) -> str:
    member, key = table.take_text("member"), table.take_text("key")
    return f"witness {member} {key} {table.take_optional('url') or ''}".strip()


def _to_roster(whole: Table, card: Card) -> tuple[Roster, int]:
    """Read everything but the days, for which it stands with the first days there are."""
    table = Table("[roster]", whole.take("roster", dict))
    days = table.take("days", int)
    members = tuple(_each(whole, "member", _to_member))
    roster = Roster(
        office=card.office,
        version=1,
        previous=ZERO_HASH,
        valid_from=datetime.date.min,
        valid_until=datetime.date.min,
        panel_size=table.take("panel", int),
        gatekeepers=_to_quorum(table, "gatekeepers", GATEKEEPER, members),
        trustees=_to_quorum(table, "trustees", TRUSTEE, members),
        petitioner_delay=table.take("petitioner-delay", int),
        acceptance_deadline=table.take("acceptance-deadline", int),
        request_lifetime=table.take("request-lifetime", int),
        openings_per_day=table.take("openings-per-day", int),
        answer_deadline_days=table.take("answer-deadline", int),
        disclosure_wait=table.take("disclosure-wait", int),
        intake=_take_key(table, "intake"),
        jurisdictions=tuple(_each(whole, "jurisdiction", _to_jurisdiction)),
        institutions=tuple(_each(whole, "institution", _to_institution)),
        members=members,
        revoked=tuple(_each(whole, "revoked", _to_revocation)),
    )
    table.end()
    return _checked("[roster]", lambda: Roster.parse(roster.to_bytes())), days


def _to_quorum(table: Table, word: str, role: str, members: tuple[Member, ...]) -> Quorum:
    """Read how many of the seats must release; how many there are follows from the members."""
    return Quorum(table.take(word, int), sum(member.role == role for member in members))


def _to_jurisdiction(table: Table) -> Jurisdiction:
    return Jurisdiction(
        table.take_text("code"), table.take_optional("above"), table.take_text("name")
    )


def _to_institution(table: Table) -> Institution:
    return Institution(
        table.take_text("id"), table.take_text("jurisdiction"), table.take_text("name")
    )


def _to_member(table: Table) -> Member:
    key = _take_key(table, "key")
    escrow = table.take_optional("escrow")
    return Member(
        role=table.take_text("role"),
        seat=table.take_number("seat", otherwise=0),
        id=key.name,
        institution=table.take_text("institution"),
        jurisdiction=table.take_text("jurisdiction"),
        key=key,
        recipient=table.take_optional("recipient"),
        address=table.take_optional("address"),
        escrow=parse_hex(escrow, HASH_SIZE, "escrow") if escrow else None,
    )


def _to_revocation(table: Table) -> Revocation:
    return Revocation(table.take_text("member"), table.take_day("day"))


def _take_key(table: Table, word: str) -> VerificationKey:
    return VerificationKey.parse(table.take_text(word))


def _each(whole: Table, name: str, read: Callable[[Table], _T]) -> list[_T]:
    """Read every table of a list of tables; a list that is not there is empty."""
    return [
        _read(Table(f"[[{name}]] number {number}", words), read)
        for number, words in enumerate(whole.take_list(name), start=1)
    ]


def _read(table: Table, read: Callable[[Table], _T]) -> _T:
    value = _checked(table.name, lambda: read(table))
    table.end()
    return value


def _checked(name: str, check: Callable[[], _T]) -> _T:
    """Name the place in which a value is malformed."""
    try:
        return check()
    except AuditError as error:
        if isinstance(error, OfficeFileError):
            raise
        raise OfficeFileError(f"office file: {name}: {error}") from error
