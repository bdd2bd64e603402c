"""A small office with all its keys, and a petitioner who need not be honest."""

from __future__ import annotations

import datetime
import functools
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dengwen_audit.note import SigningKey, sign_note
from dengwen_audit.statements.manifest import CompartmentLine, Manifest, Part
from dengwen_audit.statements.member import (
    GATEKEEPER,
    REVIEWER,
    TRUSTEE,
    Institution,
    Jurisdiction,
    Member,
)
from dengwen_audit.statements.roster import Quorum, Roster
from dengwen_audit.text import ZERO_HASH
from dengwen_keys.age.identities import Identity, decrypt
from dengwen_keys.age.recipients import encrypt
from dengwen_keys.contents import IdentityPart
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.sealing import Draft, seal
from dengwen_keys.words import Words

JURISDICTIONS = (
    Jurisdiction("CN", None, "中国"),
    Jurisdiction("CN-11", "CN", "北京"),
    Jurisdiction("CN-44", "CN", "广东"),
    Jurisdiction("CN-4401", "CN-44", "广州"),
    Jurisdiction("CN-4403", "CN-44", "深圳"),
)
ANONYMOUS = IdentityPart()
NAMED = IdentityPart(
    name="李秀英", contact="+86 10 5550 1234", address="北京市朝阳区", note="只打电话"
)
DRAFT = Draft(body="The dam leaks.\n\nNobody listens.\n", identity=NAMED, language="en")


def seed(name: str) -> bytes:
    """Return 32 bytes that are the same in every run."""
    return hashlib.sha256(f"dengwen tests: {name}".encode()).digest()


@functools.cache
def identity_of(member: str) -> Identity:
    """Return the sealing identity of the member with this id."""
    return Identity.from_seed(seed(f"sealing {member}"))


@functools.cache
def make_member(
    role: str, seat: int, id_: str, institution: str, jurisdiction: str = "CN"
) -> Member:
    """Return the roster's line of a member whose keys follow from its id."""
    key = SigningKey(id_, seed(f"signing {id_}")).verification_key
    recipient = identity_of(id_).recipient.to_text()
    return Member(role, seat, id_, institution, jurisdiction, key, recipient)


def make_roster(reviewers: Sequence[Member], panel_size: int = 3) -> Roster:
    """Return a roster with these reviewers, three gatekeepers and five trustees."""
    holders = [make_member(GATEKEEPER, i, f"gate-{i}", f"gate-house-{i}") for i in (1, 2, 3)]
    holders += [make_member(TRUSTEE, i, f"trust-{i}", f"trust-house-{i}") for i in range(1, 6)]
    members = [*reviewers, *holders]
    houses = {member.institution: member.jurisdiction for member in members}
    return Roster(
        office="office.example/log",
        version=1,
        previous=ZERO_HASH,
        valid_from=datetime.date(2025, 1, 1),
        valid_until=datetime.date(2025, 1, 31),
        panel_size=panel_size,
        gatekeepers=Quorum(2, 3),
        trustees=Quorum(3, 5),
        petitioner_delay=3600,
        acceptance_deadline=7200,
        request_lifetime=3600,
        openings_per_day=20,
        answer_deadline_days=60,
        disclosure_wait=259_200,
        intake=SigningKey("intake", seed("intake")).verification_key,
        jurisdictions=JURISDICTIONS,
        institutions=tuple(Institution(id_, code, id_.title()) for id_, code in houses.items()),
        members=tuple(members),
    )


def make_reviewers(places: Iterable[str]) -> tuple[Member, ...]:
    """Return a reviewer, of an institution of her own, for each of these jurisdictions."""
    return tuple(
        make_member(REVIEWER, 0, f"reviewer-{i}", f"review-house-{i}", place)
        for i, place in enumerate(places, 1)
    )


@functools.cache
def small_roster() -> Roster:
    """Return a roster of six reviewers: two of Guangdong, one of its capital, three elsewhere."""
    return make_roster(make_reviewers(["CN-44", "CN-4401", "CN-44", "CN-11", "CN-11", "CN"]))


def words_of(name: str) -> Words:
    """Return receipt words that are the same in every run."""
    return Words(seed(f"words {name}")[:16])


@dataclass(frozen=True)
class Case:
    """A sealed petition, with the words that only its petitioner has."""

    sealed: SealedPetition
    words: Words

    @property
    def manifest(self) -> Manifest:
        """What the petition consists of."""
        return self.sealed.manifest

    @property
    def panel(self) -> tuple[str, ...]:
        """Who was drawn."""
        return self.manifest.panel

    def release(self, compartment: str, seats: Iterable[int]) -> dict[int, bytes]:
        """Let these seats open their share files, whatever is in them."""
        return {seat: self.share_plaintext(compartment, seat) for seat in seats}

    def share_plaintext(self, compartment: str, seat: int) -> bytes:
        """Return what lies in one share file."""
        holder = identity_of(self.holder(compartment, seat))
        return decrypt([holder], self.sealed.parts[f"share/{compartment}/{seat}"])

    def holder(self, compartment: str, seat: int) -> str:
        """Return the id of the holder of a seat."""
        return f"{'gate' if compartment == 'petition' else 'trust'}-{seat}"

    def with_manifest(self, manifest: Manifest, parts: dict[str, bytes] | None = None) -> Case:
        """Sign another manifest, as only the petitioner can; nothing else is checked."""
        note = sign_note(manifest.to_bytes(), self.words.signing_key())
        return replace(self, sealed=SealedPetition(note, manifest, parts or self.sealed.parts))

    def with_part(self, name: str, data: bytes) -> Case:
        """Put other bytes in place of a part, and sign for them."""
        line = Part(name, hashlib.sha256(data).digest(), len(data))
        lines = tuple(line if part.name == name else part for part in self.manifest.parts)
        parts = {**self.sealed.parts, name: data}
        return self.with_manifest(replace(self.manifest, parts=lines), parts)

    def with_share(self, compartment: str, seat: int, plaintext: bytes) -> Case:
        """Seal something else to a seat, and sign for the file, but not for what is in it."""
        recipient = identity_of(self.holder(compartment, seat)).recipient
        return self.with_part(f"share/{compartment}/{seat}", encrypt([recipient], plaintext))

    def with_compartment_line(self, line: CompartmentLine) -> Case:
        """Say something else of a compartment, and sign it."""
        old = self.manifest.compartments
        lines = tuple(line if line.name == other.name else other for other in old)
        return self.with_manifest(replace(self.manifest, compartments=lines))

    def with_commitment(self, compartment: str, seat: int, share: bytes) -> Case:
        """Commit to another share, and sign it."""
        sha256 = hashlib.sha256(share).digest()
        commitments = tuple(
            replace(c, sha256=sha256) if (c.compartment, c.seat) == (compartment, seat) else c
            for c in self.manifest.commitments
        )
        return self.with_manifest(replace(self.manifest, commitments=commitments))


def seal_case(draft: Draft = DRAFT, name: str = "first", roster: Roster | None = None) -> Case:
    """Seal a petition with words of this name."""
    words = words_of(name)
    return Case(seal(draft, words, roster or small_roster()), words)


@functools.cache
def first_case() -> Case:
    """Return a petition, sealed once for all tests that do not care which."""
    return seal_case()


@functools.cache
def second_case() -> Case:
    """Return another petition, by another petitioner, anonymous."""
    return seal_case(replace(DRAFT, identity=ANONYMOUS, body="Another one.\n"), "second")
