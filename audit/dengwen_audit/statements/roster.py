"""
The roster: who is who in an office, signed by its root keepers for at most thirty days.

::

    dengwen/roster/v1
    office dengwen.example/log
    version 1
    previous 0000…                       hash of the roster before it; zeros for the first
    valid-from 2025-01-01
    valid-until 2025-01-31               exclusive
    panel 3                              reviewers to a petition
    gatekeepers 2 3                      k of n
    trustees 3 5
    petitioner-delay 3600                seconds
    acceptance-deadline 7200             seconds
    request-lifetime 3600                seconds
    openings-per-day 20                  per reviewer
    answer-deadline 60                   days
    disclosure-wait 259200               seconds
    intake intake+0a1b2c3d+AZ…           the key that signs acceptances
    jurisdiction CN - 中国               code, the one above it (listed earlier), name
    institution bar CN-44 Bar association
    member ROLE SEAT ID INSTITUTION JURISDICTION VKEY RECIPIENT ADDRESS ESCROW
    revoked ID 2025-01-03

An exclusion is one of a member's *codes*: ``member:ID``, ``institution:ID``, ``jurisdiction:CODE``.
A jurisdiction covers everything below it, and a member stands in two: its own, and that of its
institution. This module reads and answers; what a roster must not say stands in `roster_rules`.

Source: docs/formats/roster.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from dengwen_audit.errors import RuleError
from dengwen_audit.note import NoteHash
from dengwen_audit.statements.fields import check_office, or_none, parse_key
from dengwen_audit.statements.member import (
    GATEKEEPER,
    HOLDERS,
    TRUSTEE,
    Institution,
    Jurisdiction,
    Member,
    Revocation,
)
from dengwen_audit.text import ZERO_HASH, TextError, TextReader, TextWriter, parse_number

if TYPE_CHECKING:
    import datetime

    from dengwen_audit.note import VerificationKey

KIND = "dengwen/roster/v1"
MAX_ROSTER_BYTES = 1 << 20
MAX_LINES = 1 << 14  # of one name


class RosterError(RuleError):
    """The roster is well spelt, but nobody may act on it; or it does not say what is asked."""


class UnknownMemberError(RosterError):
    """The roster has no such member."""


class UnknownJurisdictionError(RosterError):
    """The roster has no such jurisdiction."""


class Quorum(NamedTuple):
    """How many holders of a kind must release, and how many there are."""

    k: int
    n: int


@dataclass(frozen=True)
class Roster:
    """The roster's text; the module's docstring tells its lines. Delays are in seconds."""

    office: str
    version: int
    previous: bytes
    valid_from: datetime.date
    valid_until: datetime.date
    panel_size: int
    gatekeepers: Quorum
    trustees: Quorum
    petitioner_delay: int
    acceptance_deadline: int
    request_lifetime: int
    openings_per_day: int
    answer_deadline_days: int
    disclosure_wait: int
    intake: VerificationKey
    jurisdictions: tuple[Jurisdiction, ...]
    institutions: tuple[Institution, ...]
    members: tuple[Member, ...]
    revoked: tuple[Revocation, ...] = ()

    @classmethod
    def parse(cls, text: bytes) -> Roster:
        """
        Read a roster's text. It says nothing of whether to act on it: see `roster_rules`.

        Raises:
            TextError: If it is not a roster in its one spelling.
        """
        reader = TextReader(text, KIND, MAX_ROSTER_BYTES)
        roster = cls(
            office=check_office(reader.take("office"), "roster: office"),
            version=reader.take_number("version"),
            previous=reader.take_hash("previous"),
            valid_from=reader.take_day("valid-from"),
            valid_until=reader.take_day("valid-until"),
            panel_size=reader.take_number("panel"),
            gatekeepers=_take_quorum(reader, "gatekeepers"),
            trustees=_take_quorum(reader, "trustees"),
            petitioner_delay=reader.take_number("petitioner-delay"),
            acceptance_deadline=reader.take_number("acceptance-deadline"),
            request_lifetime=reader.take_number("request-lifetime"),
            openings_per_day=reader.take_number("openings-per-day"),
            answer_deadline_days=reader.take_number("answer-deadline"),
            disclosure_wait=reader.take_number("disclosure-wait"),
            intake=parse_key(reader.take("intake"), "roster: intake"),
            jurisdictions=tuple(
                Jurisdiction.parse(line) for line in reader.take_all("jurisdiction", MAX_LINES)
            ),
            institutions=tuple(
                Institution.parse(line) for line in reader.take_all("institution", MAX_LINES)
            ),
            members=tuple(Member.parse(line) for line in reader.take_all("member", MAX_LINES)),
            revoked=tuple(Revocation.parse(line) for line in reader.take_all("revoked", MAX_LINES)),
        )
        reader.end()
        if not roster.version or (roster.version == 1) != (roster.previous == ZERO_HASH):
            raise TextError("roster: the first one, and no other, has version 1 and no previous")
        return roster

    def to_bytes(self) -> bytes:
        """Spell the roster's text."""
        writer = TextWriter(KIND)
        writer.line("office", self.office).line("version", self.version)
        writer.line("previous", self.previous).line("valid-from", self.valid_from)
        writer.line("valid-until", self.valid_until).line("panel", self.panel_size)
        writer.line("gatekeepers", *self.gatekeepers).line("trustees", *self.trustees)
        writer.line("petitioner-delay", self.petitioner_delay)
        writer.line("acceptance-deadline", self.acceptance_deadline)
        writer.line("request-lifetime", self.request_lifetime)
        writer.line("openings-per-day", self.openings_per_day)
        writer.line("answer-deadline", self.answer_deadline_days)
        writer.line("disclosure-wait", self.disclosure_wait)
        writer.line("intake", self.intake.to_text())
        writer.lines(
            "jurisdiction", ((j.code, or_none(j.parent), j.name) for j in self.jurisdictions)
        )
        writer.lines("institution", ((i.id, i.jurisdiction, i.name) for i in self.institutions))
        writer.lines("member", (member.to_fields() for member in self.members))
        return writer.lines("revoked", ((r.member, r.day) for r in self.revoked)).to_bytes()

    @cached_property
    def hash(self) -> NoteHash:
        """What manifests, requests, epoch records and the next roster call this one by."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())

    def member(self, id_: str) -> Member:
        """
        Return the member with this id, revoked or not.

        Raises:
            UnknownMemberError: If there is none.
        """
        member = self._members_by_id.get(id_)
        if member is None:
            raise UnknownMemberError("the roster has no such member")
        return member

    def is_active(self, id_: str) -> bool:
        """Tell whether there is a member with this id whose keys are not revoked."""
        return id_ in self._members_by_id and id_ not in self._revoked_ids

    def key_of(self, id_: str) -> VerificationKey | None:
        """Return the signing key of the active member with this id, or None."""
        return self._members_by_id[id_].key if self.is_active(id_) else None

    def active(self, role: str) -> tuple[Member, ...]:
        """Return the members of this *role* whose keys are not revoked, in the roster's order."""
        return self._active.get(role, ())

    def seats(self, role: str) -> tuple[Member, ...]:
        """Return the holders of this *role* by seat, revoked ones too: a seat does not vanish."""
        return tuple(sorted((m for m in self.members if m.role == role), key=lambda m: m.seat))

    def quorum(self, role: str) -> Quorum:
        """Return how many holders of this *role* must release, and how many there are."""
        return {GATEKEEPER: self.gatekeepers, TRUSTEE: self.trustees}[role]

    def jurisdiction_chain(self, code: str) -> tuple[str, ...]:
        """
        Return *code* and the codes of all jurisdictions above it, from below.

        Raises:
            UnknownJurisdictionError: If the roster does not list it.
        """
        chain = self._chains.get(code)
        if chain is None:
            raise UnknownJurisdictionError("the roster has no such jurisdiction")
        return chain

    def codes_of(self, member: Member) -> frozenset[str]:
        """
        Return everything by which an exclusion could mean *member*.

        That is its id, its institution, and each jurisdiction that it or its institution lies in.
        """
        institution = self._institutions_by_id.get(member.institution)
        own = self.jurisdiction_chain(member.jurisdiction)
        house = self.jurisdiction_chain(institution.jurisdiction) if institution else ()
        codes = {f"jurisdiction:{code}" for code in own + house}
        return frozenset(codes | {f"member:{member.id}", f"institution:{member.institution}"})

    def holders_differ(self, other: Roster) -> bool:
        """Tell whether a quorum or the line of a seat is another in *other*."""
        return any(
            self.quorum(role) != other.quorum(role) or self.seats(role) != other.seats(role)
            for role in HOLDERS
        )

    @cached_property
    def _members_by_id(self) -> dict[str, Member]:
        return {member.id: member for member in self.members}

    @cached_property
    def _active(self) -> dict[str, tuple[Member, ...]]:
        living = [member for member in self.members if member.id not in self._revoked_ids]
        roles = {member.role for member in living}
        return {role: tuple(m for m in living if m.role == role) for role in roles}

    @cached_property
    def _institutions_by_id(self) -> dict[str, Institution]:
        return {institution.id: institution for institution in self.institutions}

    @cached_property
    def _revoked_ids(self) -> frozenset[str]:
        return frozenset(revocation.member for revocation in self.revoked)

    @cached_property
    def _chains(self) -> dict[str, tuple[str, ...]]:
        """Each code's way up. Only parents listed earlier count, so there are no circles."""
        chains: dict[str, tuple[str, ...]] = {}
        for jurisdiction in self.jurisdictions:
            above = chains.get(jurisdiction.parent, ()) if jurisdiction.parent else ()
            chains[jurisdiction.code] = (jurisdiction.code, *above)
        return chains


def _take_quorum(reader: TextReader, name: str) -> Quorum:
    k, n = reader.take_fields(name, 2)
    return Quorum(parse_number(k, f"roster: {name}"), parse_number(n, f"roster: {name}"))
