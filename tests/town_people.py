"""
The people of a town: their institutions, their keys, and the card and rosters that name them.

Every key follows from its owner's name (`tests.small_office`), so that an attack can hold exactly
the keys that its story gives it.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable

from dengwen_audit.cosignature import Cosigner
from dengwen_audit.note import COSIGNATURE_V1, Note, SigningKey, sign_note
from dengwen_audit.statements.card import Card, Root
from dengwen_audit.statements.member import (
    SEALED_TO,
    Institution,
    Jurisdiction,
    Member,
)
from dengwen_audit.statements.roster import Quorum, Roster
from dengwen_audit.text import ZERO_HASH
from tests.small_office import make_key, make_recipient, make_seed

OFFICE = "dengwen.town/log"
OPERATOR = "city-services"
DOOR, DESK = "http://door.town", "http://desk.town"
FIRST_DAY = datetime.date(2025, 1, 10)
NOON = datetime.datetime.combine(FIRST_DAY, datetime.time(12), datetime.UTC).timestamp()
TICK = 60  # seconds
GATEKEEPERS = ("gk-1", "gk-2", "gk-3")
MIRROR, AUDITOR = "mirror-1", "auditor-1"
WITNESSES = (*GATEKEEPERS, MIRROR)
ROOTS = (("root-a", "law-society"), ("root-b", "press-club"), ("root-c", "university"))

_JURISDICTIONS = (
    Jurisdiction("CN", None, "中国"),
    Jurisdiction("CN-11", "CN", "北京市"),
    Jurisdiction("CN-31", "CN", "上海市"),
    Jurisdiction("CN-44", "CN", "广东省"),
    Jurisdiction("CN-4401", "CN-44", "广州市"),
    Jurisdiction("CN-4403", "CN-44", "深圳市"),
    Jurisdiction("CN-51", "CN", "四川省"),
    Jurisdiction("OUTSIDE", None, "Of no territory"),
)
# Reviewer's place; each reviewer is of an institution of her own, in that place.
_REVIEWERS = ("CN-11", "CN-31", "CN-44", "CN-4401", "CN-4403", "CN-51", "OUTSIDE", "OUTSIDE", "CN")
# Role, seat, id, institution, place of both.
_OTHERS = (
    ("gatekeeper", 1, "gk-1", "law-society", "OUTSIDE"),
    ("gatekeeper", 2, "gk-2", "press-club", "OUTSIDE"),
    ("gatekeeper", 3, "gk-3", "university", "CN-11"),
    ("trustee", 1, "trustee-1", "law-society", "OUTSIDE"),
    ("trustee", 2, "trustee-2", "press-club", "OUTSIDE"),
    ("trustee", 3, "trustee-3", "university", "CN-11"),
    ("trustee", 4, "trustee-4", "notaries", "CN-44"),
    ("trustee", 5, "trustee-5", "charity", "CN-51"),
    ("mirror", 0, MIRROR, "court-of-audit", "CN"),
    ("auditor", 0, AUDITOR, "court-of-audit", "CN"),
)


def make_cosigner(name: str) -> Cosigner:
    """Return the cosigner of the witness that this member runs."""
    key = SigningKey(f"{name}.town/witness", make_seed(f"{name} cosigning"), COSIGNATURE_V1)
    return Cosigner(key)


def address_of(name: str) -> str:
    """Return where a member's service stands."""
    return f"http://{name}.town"


@functools.cache
def make_card() -> Card:
    """Return the office's card."""
    witnesses = (
        f"witness {name} {make_cosigner(name).key.verification_key.to_text()} {address_of(name)}"
        for name in WITNESSES
    )
    return Card(
        number=1,
        previous=ZERO_HASH,
        office=OFFICE,
        name="登闻 Complaints office of the town",
        operator=OPERATOR,
        door=DOOR,
        desk=DESK,
        tick=TICK,
        root_threshold=2,
        roots=tuple(Root(make_key(name).verification_key, house) for name, house in ROOTS),
        policy_lines=(
            f"log {make_key(OFFICE).verification_key.to_text()} {DOOR}/log",
            *witnesses,
            f"group gatekeepers 2 {' '.join(GATEKEEPERS)}",
            f"group mirrored all gatekeepers {MIRROR}",
            "quorum mirrored",
        ),
    )


def make_member(role: str, seat: int, name: str, institution: str, place: str) -> Member:
    """Return a member's line; the keys follow from the *name*."""
    return Member(
        role=role,
        seat=seat,
        id=name,
        institution=institution,
        jurisdiction=place,
        key=make_key(name).verification_key,
        recipient=make_recipient(name) if role in SEALED_TO else None,
        address=address_of(name) if role in {"gatekeeper", "mirror"} else None,
        escrow=make_seed(f"{name} escrow") if role == "reviewer" else None,
    )


@functools.cache
def make_roster() -> Roster:
    """Return the office's first roster: 9 reviewers, 3 gatekeepers, 5 trustees and a mirror."""
    reviewers = [
        ("reviewer", 0, f"reviewer-{number}", f"office-{number}", place)
        for number, place in enumerate(_REVIEWERS, 1)
    ]
    people = (*reviewers, *_OTHERS)
    houses = {institution: place for _, _, _, institution, place in people}
    houses[OPERATOR] = "CN-4401"
    return Roster(
        office=OFFICE,
        version=1,
        previous=ZERO_HASH,
        valid_from=datetime.date(2025, 1, 1),
        valid_until=datetime.date(2025, 1, 31),
        panel_size=3,
        gatekeepers=Quorum(2, 3),
        trustees=Quorum(3, 5),
        petitioner_delay=3600,
        acceptance_deadline=7200,
        request_lifetime=3600,
        openings_per_day=20,
        answer_deadline_days=60,
        disclosure_wait=259_200,
        intake=make_key("intake").verification_key,
        jurisdictions=_JURISDICTIONS,
        institutions=tuple(Institution(name, houses[name], name.title()) for name in houses),
        members=tuple(make_member(*person) for person in people),
        revoked=(),
    )


def next_roster(roster: Roster, **changes: object) -> Roster:
    """Return the roster that follows *roster*, with *changes*."""
    following = dataclasses.replace(roster, version=roster.version + 1, previous=roster.hash)
    return dataclasses.replace(following, **changes)  # type: ignore[arg-type]


def with_member(roster: Roster, name: str, **changes: object) -> tuple[Member, ...]:
    """Return the lines of all members, of which that of *name* is changed."""
    return tuple(
        dataclasses.replace(member, **changes) if member.id == name else member  # type: ignore[arg-type]
        for member in roster.members
    )


def sign_by_roots(text: bytes, roots: Iterable[str] = ("root-a", "root-b")) -> Note:
    """Return *text* as a note signed by these root keepers."""
    return sign_note(text, *map(make_key, roots))
