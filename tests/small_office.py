"""
A small office for tests: a card, a roster and a manifest whose every key follows from its name.

The seed of a key is SHA-256 of ``dengwen test key: NAME``, so vectors can be made again at any time
and no key of a test could be taken for a real one. Change a part with `dataclasses.replace`.
"""

import dataclasses
import datetime
import functools
import hashlib

from dengwen_audit.note import COSIGNATURE_V1, Note, SigningKey, sign_note
from dengwen_audit.statements.card import Card, Root
from dengwen_audit.statements.fields import CASE_KEY_NAME
from dengwen_audit.statements.manifest import (
    COMPARTMENTS,
    Commitment,
    CompartmentLine,
    Manifest,
    Part,
    case_id,
    part_names,
)
from dengwen_audit.statements.member import (
    SEALED_TO,
    Institution,
    Jurisdiction,
    Member,
    Revocation,
)
from dengwen_audit.statements.roster import Quorum, Roster
from dengwen_audit.text import ZERO_HASH
from dengwen_keys.age.identities import Identity

OFFICE = "dengwen.example/log"
OPERATOR = "city-services"
TODAY = datetime.date(2025, 1, 10)
CASE = "case of the flooded street"
ROOTS = (("root-a", "law-society"), ("root-b", "press-club"), ("root-c", "university"))
WITNESSES = ("gatekeeper-1", "gatekeeper-2", "gatekeeper-3", "mirror-1")
JURISDICTIONS = (
    Jurisdiction("CN", None, "中国"),
    Jurisdiction("CN-11", "CN", "北京市"),
    Jurisdiction("CN-44", "CN", "广东省"),
    Jurisdiction("CN-4401", "CN-44", "广州市"),
    Jurisdiction("CN-4403", "CN-44", "深圳市"),
    Jurisdiction("OUTSIDE", None, "Of no territory"),
)
INSTITUTIONS = (
    Institution("city-services", "CN-4401", "City information services"),
    Institution("north-office", "CN-11", "Petition office of the north"),
    Institution("south-office", "CN-44", "Petition office of the south"),
    Institution("port-office", "CN-4403", "Petition office of the port"),
    Institution("law-society", "OUTSIDE", "Law society"),
    Institution("press-club", "OUTSIDE", "Press club"),
    Institution("university", "CN-11", "University"),
    Institution("notaries", "CN-44", "Chamber of notaries"),
    Institution("charity", "OUTSIDE", "Charity for the wronged"),
    Institution("court-of-audit", "CN", "Court of audit"),
)
# Role, seat, id, institution, jurisdiction.
PEOPLE = (
    ("reviewer", 0, "reviewer-1", "north-office", "CN-11"),
    ("reviewer", 0, "reviewer-2", "north-office", "CN-11"),
    ("reviewer", 0, "reviewer-3", "south-office", "CN-4401"),
    ("reviewer", 0, "reviewer-4", "port-office", "CN-4403"),
    ("reviewer", 0, "reviewer-5", "charity", "OUTSIDE"),
    ("gatekeeper", 1, "gatekeeper-1", "law-society", "OUTSIDE"),
    ("gatekeeper", 2, "gatekeeper-2", "press-club", "OUTSIDE"),
    ("gatekeeper", 3, "gatekeeper-3", "university", "CN-11"),
    ("trustee", 1, "trustee-1", "law-society", "OUTSIDE"),
    ("trustee", 2, "trustee-2", "press-club", "OUTSIDE"),
    ("trustee", 3, "trustee-3", "university", "CN-11"),
    ("trustee", 4, "trustee-4", "notaries", "CN-44"),
    ("trustee", 5, "trustee-5", "charity", "OUTSIDE"),
    ("mirror", 0, "mirror-1", "court-of-audit", "CN"),
    ("auditor", 0, "auditor-1", "court-of-audit", "CN"),
    ("body", 0, "water-board", "south-office", "CN-44"),
)


def make_seed(name: str) -> bytes:
    """Return the seed of the key of this *name*."""
    return hashlib.sha256(f"dengwen test key: {name}".encode()).digest()


def make_key(name: str) -> SigningKey:
    """Return the note-signing key of this *name*."""
    return SigningKey(name, make_seed(name))


def make_cosigning_key(name: str) -> SigningKey:
    """Return the cosigning key of the witness of this *name*."""
    return SigningKey(name, make_seed(f"{name} cosigning"), COSIGNATURE_V1)


def make_identity(name: str) -> Identity:
    """Return the sealing identity of this *name*."""
    return Identity.from_seed(make_seed(f"{name} sealing"))


@functools.cache
def make_recipient(name: str) -> str:
    """Return what is sealed to the member of this *name*."""
    return make_identity(name).recipient.to_text()


def make_case_key(case: str = CASE) -> SigningKey:
    """Return the petitioner's signing key of a *case*, which is named by a sentence."""
    return SigningKey(CASE_KEY_NAME, make_seed(case))


def make_policy_lines(quorum: str = "3") -> tuple[str, ...]:
    """Return the lines of the log's policy, with so many witnesses that must agree."""
    witnesses = (
        f"witness {name} {make_cosigning_key(name).verification_key.to_text()}"
        f" https://{name}.example"
        for name in WITNESSES
    )
    return (
        f"log {make_key(OFFICE).verification_key.to_text()} https://dengwen.example/log",
        *witnesses,
        f"group all-witnesses {quorum} {' '.join(WITNESSES)}",
        "quorum all-witnesses",
    )


@functools.cache
def make_card() -> Card:
    """Return the office's first card."""
    return Card(
        number=1,
        previous=ZERO_HASH,
        office=OFFICE,
        name="登闻 Complaints office",
        operator=OPERATOR,
        door="https://dengwen.example",
        desk="https://desk.dengwen.example",
        tick=60,
        root_threshold=2,
        roots=tuple(Root(make_key(name).verification_key, house) for name, house in ROOTS),
        policy_lines=make_policy_lines(),
    )


def make_member(role: str, seat: int, name: str, institution: str, jurisdiction: str) -> Member:
    """Return a member whose keys follow from the *name*."""
    return Member(
        role=role,
        seat=seat,
        id=name,
        institution=institution,
        jurisdiction=jurisdiction,
        key=make_key(name).verification_key,
        recipient=make_recipient(name) if role in SEALED_TO else None,
        address=f"https://{name}.example" if role in {"gatekeeper", "mirror"} else None,
        escrow=make_seed(f"{name} escrow") if role == "reviewer" else None,
    )


@functools.cache
def make_roster() -> Roster:
    """Return the office's first roster; one reviewer of the north is revoked."""
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
        disclosure_wait=259200,
        intake=make_key("intake").verification_key,
        jurisdictions=JURISDICTIONS,
        institutions=INSTITUTIONS,
        members=tuple(make_member(*person) for person in PEOPLE),
        revoked=(Revocation("reviewer-2", datetime.date(2025, 1, 5)),),
    )


def make_manifest(roster: Roster | None = None, case: str = CASE, attachments: int = 2) -> Manifest:
    """Return a manifest whose parts are not there: every hash follows from the part's name."""
    roster = roster or make_roster()
    compartments = tuple(
        CompartmentLine(
            name,
            role,
            *roster.quorum(role),
            recipient_hash=make_seed(f"{case} {name} recipient"),
            context_hash=make_seed(f"{case} {name} context"),
        )
        for name, role in COMPARTMENTS
    )
    signing_key = make_case_key(case).verification_key.public_key
    mailbox = make_recipient(case)
    return Manifest(
        office=roster.office,
        roster=roster.hash,
        case=case_id(signing_key, mailbox),
        signing_key=signing_key,
        mailbox=mailbox,
        panel=("reviewer-1", "reviewer-4", "reviewer-5"),
        compartments=compartments,
        parts=tuple(
            Part(name, make_seed(f"{case} {name}"), 4096)
            for name in part_names(compartments, attachments)
        ),
        commitments=tuple(
            Commitment(line.name, seat, make_seed(f"{case} {line.name} {seat}"))
            for line in compartments
            for seat in range(1, line.n + 1)
        ),
    )


def replace_member(roster: Roster, name: str, **changes: object) -> Roster:
    """Return *roster* with another line for the member of this *name*."""
    members = tuple(
        dataclasses.replace(member, **changes) if member.id == name else member  # type: ignore[arg-type]
        for member in roster.members
    )
    return dataclasses.replace(roster, members=members)


def sign_by_roots(text: bytes, count: int = 2) -> Note:
    """Return *text* as a note signed by the first *count* root keepers."""
    return sign_note(text, *(make_key(name) for name, _ in ROOTS[:count]))
