"""
The lines of a roster that name something: jurisdictions, institutions, members, revocations.

::

    jurisdiction CODE PARENT NAME          PARENT is listed earlier, or - for a root of the tree
    institution ID JURISDICTION NAME
    member ROLE SEAT ID INSTITUTION JURISDICTION VKEY RECIPIENT ADDRESS ESCROW
    revoked ID DAY

Source: docs/formats/roster.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dengwen_audit.statements.fields import (
    NONE,
    check_jurisdiction_code,
    check_name,
    check_recipient,
    check_url,
    or_none,
    parse_hash_or_none,
    parse_key,
)
from dengwen_audit.text import TextError, check_token, parse_day, parse_number, split_fields

if TYPE_CHECKING:
    import datetime

    from dengwen_audit.note import VerificationKey

REVIEWER = "reviewer"
GATEKEEPER = "gatekeeper"
TRUSTEE = "trustee"
MIRROR = "mirror"
AUDITOR = "auditor"
BODY = "body"
ROLES = (REVIEWER, GATEKEEPER, TRUSTEE, MIRROR, AUDITOR, BODY)
HOLDERS = (GATEKEEPER, TRUSTEE)
SEALED_TO = (REVIEWER, GATEKEEPER, TRUSTEE, BODY)  # the roles that have a recipient


@dataclass(frozen=True)
class Jurisdiction:
    """A territory or branch; *parent* is the code of the one above it."""

    code: str
    parent: str | None
    name: str

    @classmethod
    def parse(cls, line: str) -> Jurisdiction:
        """Read the value of a ``jurisdiction`` line."""
        code, parent, name = split_fields(line, 3, "roster: jurisdiction")
        where = "roster: jurisdiction"
        above = None if parent == NONE else check_jurisdiction_code(parent, where)
        return cls(check_jurisdiction_code(code, where), above, check_name(name, where))


@dataclass(frozen=True)
class Institution:
    """A body that members belong to."""

    id: str
    jurisdiction: str
    name: str

    @classmethod
    def parse(cls, line: str) -> Institution:
        """Read the value of an ``institution`` line."""
        where = "roster: institution"
        id_, jurisdiction, name = split_fields(line, 3, where)
        code = check_jurisdiction_code(jurisdiction, where)
        return cls(check_token(id_, where), code, check_name(name, where))


@dataclass(frozen=True)
class Member:
    """
    A person or service with a key.

    Attributes:
        seat: 1 to n for holders, 0 for everybody else.
        key: Signs the member's statements; bears the member's id.
        recipient: What is sealed to the member; None for mirrors and auditors.
        address: Where the member answers challenges itself.
        escrow: Hash of a reviewer's escrow package.
    """

    role: str
    seat: int
    id: str
    institution: str
    jurisdiction: str
    key: VerificationKey
    recipient: str | None = None
    address: str | None = None
    escrow: bytes | None = None

    @classmethod
    def parse(cls, line: str) -> Member:
        """
        Read the value of a ``member`` line.

        Raises:
            TextError: If a field is malformed, or one is missing or too much for the role.
        """
        where = "roster: member"
        role, seat, id_, institution, code, key, *rest = split_fields(line, 9, where)
        recipient, address, escrow = rest
        member = cls(
            role=role,
            seat=parse_number(seat, where),
            id=check_token(id_, where),
            institution=check_token(institution, where),
            jurisdiction=check_jurisdiction_code(code, where),
            key=parse_key(key, where),
            recipient=None if recipient == NONE else check_recipient(recipient, where),
            address=None if address == NONE else check_url(address, where),
            escrow=parse_hash_or_none(escrow, where),
        )
        member.check_role()
        return member

    def check_role(self) -> None:
        """
        Check that the role is known, and that the fields are those of the role.

        Raises:
            TextError: If one is missing or too much.
        """
        if self.role not in ROLES:
            raise TextError("roster: member: no such role")
        if (self.seat > 0) != (self.role in HOLDERS):
            raise TextError("roster: member: holders have a seat, others have seat 0")
        if (self.recipient is not None) != (self.role in SEALED_TO):
            raise TextError("roster: member: a recipient is missing or too much for the role")
        if self.escrow is not None and self.role != REVIEWER:
            raise TextError("roster: member: only reviewers have an escrow package")
        if self.key.name != self.id:
            raise TextError("roster: member: the key does not bear the member's id")

    def to_fields(self) -> tuple[object, ...]:
        """Return the fields of the ``member`` line."""
        head = (self.role, self.seat, self.id, self.institution, self.jurisdiction)
        tail = (or_none(self.recipient), or_none(self.address), or_none(self.escrow))
        return (*head, self.key.to_text(), *tail)


@dataclass(frozen=True)
class Revocation:
    """A member whose keys must not be used any more, and since when; in force at once."""

    member: str
    day: datetime.date

    @classmethod
    def parse(cls, line: str) -> Revocation:
        """Read the value of a ``revoked`` line."""
        member, day = split_fields(line, 2, "roster: revoked")
        return cls(check_token(member, "roster: revoked"), parse_day(day, "roster: revoked"))
