"""
The manifest: the case key's signed word on everything that a sealed petition consists of.

::

    dengwen/manifest/v1
    office dengwen.example/log
    roster 5f1e…                                  the roster it was sealed to
    case 02ab…                                    SHA-256 of domain, signing key and mailbox
    signing-key 77d0…                             the case key, Ed25519
    mailbox age1pq1…                              what is sealed to the petitioner
    panel reviewer-4 reviewer-9 reviewer-17
    compartment petition gatekeeper 2 3 RECIPIENT CONTEXT
    compartment identity trustee 3 5 RECIPIENT CONTEXT
    part left SHA256 LENGTH                       then compartment/petition, compartment/identity,
    part share/petition/1 SHA256 LENGTH           a share per seat, attachment/1 …
    commitment petition 1 SHA256                  of the share itself, by compartment and seat

RECIPIENT and CONTEXT are hashes: nobody else can seal to the compartment's one-time recipient, and
the context holds random bytes. What follows from keys, quorums and names has one order, so a
manifest has one spelling.

Source: docs/formats/manifest.md.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dengwen_audit.errors import RuleError
from dengwen_audit.note import ED25519, NoteHash, VerificationKey
from dengwen_audit.statements.fields import (
    CASE_KEY_NAME,
    MAX_PANEL,
    MAX_SEATS,
    CaseId,
    check_office,
    check_recipient,
)
from dengwen_audit.statements.member import GATEKEEPER, REVIEWER, TRUSTEE
from dengwen_audit.statements.signers import check_signed_by
from dengwen_audit.text import (
    HASH_SIZE,
    TextError,
    TextReader,
    TextWriter,
    check_token,
    parse_hex,
    parse_number,
    split_fields,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dengwen_audit.note import Note
    from dengwen_audit.statements.roster import Roster

KIND = "dengwen/manifest/v1"
MAX_MANIFEST_BYTES = 256 << 10
MAX_ATTACHMENTS = 64
ATTACHMENT = "attachment/"  # with its number, counted from 1: the name of its part
PETITION = "petition"
IDENTITY = "identity"
COMPARTMENTS = ((PETITION, GATEKEEPER), (IDENTITY, TRUSTEE))  # in this order, each once

_CASE_DOMAIN = b"dengwen/case/v1\n"
# A part as it is nearly always spelt; every other spelling is judged field by field.
_PLAIN_LINE = re.compile(r"([a-z0-9/]+) ([0-9a-f]{64}) (0|[1-9][0-9]{0,14})")
_MAX_PARTS = 1 + 2 + 2 * MAX_SEATS + MAX_ATTACHMENTS


class ManifestError(RuleError):
    """The manifest is well spelt, but contradicts itself or its roster."""


class CaseIdError(ManifestError):
    """The case id is not that of the two keys."""


class ManifestRosterError(ManifestError):
    """The manifest is for another office or another roster."""


class ManifestQuorumError(ManifestError):
    """A compartment's quorum is not that of the roster."""


class ManifestPanelError(ManifestError):
    """The panel has another size, or holds somebody who is no active reviewer."""


class PanelInstitutionError(ManifestError):
    """Two members of the panel belong to one institution."""


@dataclass(frozen=True)
class CompartmentLine:
    """
    What the manifest says of a compartment.

    Attributes:
        recipient_hash: SHA-256 of the one-time recipient's text.
        context_hash: SHA-256 of the context that lies beside each share.
    """

    name: str
    role: str
    k: int
    n: int
    recipient_hash: bytes
    context_hash: bytes

    @classmethod
    def parse(cls, line: str) -> CompartmentLine:
        """Read the value of a ``compartment`` line."""
        where = "manifest: compartment"
        name, role, k, n, recipient, context = split_fields(line, 6, where)
        hashes = (parse_hex(recipient, HASH_SIZE, where), parse_hex(context, HASH_SIZE, where))
        compartment = cls(name, role, parse_number(k, where), parse_number(n, where), *hashes)
        if not 1 <= compartment.k <= compartment.n <= MAX_SEATS:
            raise TextError(f"{where}: not k of n seats, n at most {MAX_SEATS}")
        return compartment

    def to_fields(self) -> tuple[object, ...]:
        """Return the fields of the line."""
        return (self.name, self.role, self.k, self.n, self.recipient_hash, self.context_hash)


@dataclass(frozen=True)
class Part:
    """A sealed part: its name, the SHA-256 of its bytes, how many they are."""

    name: str
    sha256: bytes
    length: int

    @classmethod
    def parse(cls, line: str) -> Part:
        """Read the value of a ``part`` line; whether the name may stand here is not its matter."""
        if plain := _PLAIN_LINE.fullmatch(line):  # as nearly all are
            return cls(plain[1], bytes.fromhex(plain[2]), int(plain[3]))
        where = "manifest: part"
        name, sha256, length = split_fields(line, 3, where)
        return cls(name, parse_hex(sha256, HASH_SIZE, where), parse_number(length, where))


@dataclass(frozen=True)
class Commitment:
    """The SHA-256 of the share of one seat, by which a wrong share is told from a right one."""

    compartment: str
    seat: int
    sha256: bytes

    @classmethod
    def parse(cls, line: str) -> Commitment:
        """Read the value of a ``commitment`` line."""
        where = "manifest: commitment"
        compartment, seat, sha256 = split_fields(line, 3, where)
        return cls(compartment, parse_number(seat, where), parse_hex(sha256, HASH_SIZE, where))


@dataclass(frozen=True)
class Manifest:
    """The manifest's text; the module's docstring tells its lines."""

    office: str
    roster: bytes
    case: CaseId
    signing_key: bytes
    mailbox: str
    panel: tuple[str, ...]
    compartments: tuple[CompartmentLine, ...]
    parts: tuple[Part, ...]
    commitments: tuple[Commitment, ...]

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """
        Read a manifest's text. It says nothing of who signed it: see `check_manifest`.

        Raises:
            TextError: If it is not a manifest in its one spelling and order.
        """
        reader = TextReader(text, KIND, MAX_MANIFEST_BYTES)
        manifest = cls(
            office=check_office(reader.take("office"), "manifest: office"),
            roster=reader.take_hash("roster"),
            case=CaseId(reader.take_hash("case")),
            signing_key=reader.take_hash("signing-key"),
            mailbox=check_recipient(reader.take("mailbox"), "manifest: mailbox"),
            panel=_parse_panel(reader.take("panel")),
            compartments=tuple(map(CompartmentLine.parse, reader.take_all("compartment", 2))),
            parts=tuple(map(Part.parse, reader.take_all("part", _MAX_PARTS))),
            commitments=tuple(map(Commitment.parse, reader.take_all("commitment", 2 * MAX_SEATS))),
        )
        reader.end()
        manifest.check_order()
        return manifest

    def check_order(self) -> None:
        """
        Check that compartments, parts and commitments are complete and in their one order.

        Raises:
            TextError: If one is missing, too much, or out of place.
        """
        if tuple((line.name, line.role) for line in self.compartments) != COMPARTMENTS:
            raise TextError("manifest: not the compartments petition and identity")
        attachments = len(self.parts) - len(part_names(self.compartments, 0))
        if not 0 <= attachments <= MAX_ATTACHMENTS:
            raise TextError(f"manifest: a part is missing, or more than {MAX_ATTACHMENTS} attached")
        if [part.name for part in self.parts] != part_names(self.compartments, attachments):
            raise TextError("manifest: the parts are not in their order")
        seats = [(line.name, seat) for line in self.compartments for seat in _seats(line)]
        if [(c.compartment, c.seat) for c in self.commitments] != seats:
            raise TextError("manifest: the commitments are not one per seat, in order")

    def to_bytes(self) -> bytes:
        """Spell the manifest's text."""
        writer = TextWriter(KIND)
        writer.line("office", self.office).line("roster", self.roster).line("case", self.case)
        writer.line("signing-key", self.signing_key).line("mailbox", self.mailbox)
        writer.line("panel", *self.panel)
        writer.lines("compartment", (line.to_fields() for line in self.compartments))
        writer.lines("part", ((p.name, p.sha256, p.length) for p in self.parts))
        writer.lines("commitment", ((c.compartment, c.seat, c.sha256) for c in self.commitments))
        return writer.to_bytes()

    @cached_property
    def hash(self) -> NoteHash:
        """What events, requests and acceptances call this manifest by."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())

    @cached_property
    def attachments(self) -> tuple[Part, ...]:
        """The parts that are attachments, the one with number 1 first."""
        return tuple(part for part in self.parts if part.name.startswith(ATTACHMENT))

    @property
    def case_key(self) -> VerificationKey:
        """The key that signs this manifest and whatever else the petitioner says."""
        return VerificationKey(CASE_KEY_NAME, ED25519, self.signing_key)

    def compartment(self, name: str) -> CompartmentLine:
        """Return the line of the compartment of this *name*, or raise `ManifestError`."""
        for line in self.compartments:
            if line.name == name:
                return line
        raise ManifestError("the manifest has no such compartment")

    def part(self, name: str) -> Part:
        """Return the part of this *name*, or raise `ManifestError`."""
        for part in self.parts:
            if part.name == name:
                return part
        raise ManifestError("the manifest has no such part")

    def commitment(self, compartment: str, seat: int) -> bytes:
        """Return the SHA-256 of the share of this *seat*, or raise `ManifestError`."""
        for commitment in self.commitments:
            if (commitment.compartment, commitment.seat) == (compartment, seat):
                return commitment.sha256
        raise ManifestError("the manifest has no such seat")


def case_id(signing_key: bytes, mailbox: str) -> CaseId:
    """Return the id of the case whose petitioner holds these two public keys."""
    return CaseId(hashlib.sha256(_CASE_DOMAIN + signing_key + mailbox.encode("ascii")).digest())


def part_names(compartments: Sequence[CompartmentLine], attachments: int) -> list[str]:
    """Return the names of all parts of a sealed petition, in their order."""
    names = ["left", *(f"compartment/{line.name}" for line in compartments)]
    names += [f"share/{line.name}/{seat}" for line in compartments for seat in _seats(line)]
    return names + [f"{ATTACHMENT}{number}" for number in range(1, attachments + 1)]


def check_manifest(note: Note) -> Manifest:
    """
    Check that a manifest's case id is that of its keys, and that its case key signed it.

    Raises:
        TextError: If it is no manifest.
        CaseIdError: If the case id is not that of the keys.
        SignatureError: If the note carries anything but the one signature by the case key.
    """
    manifest = Manifest.parse(note.text)
    if manifest.case != case_id(manifest.signing_key, manifest.mailbox):
        raise CaseIdError("the case id is not that of the keys")
    check_signed_by(note, manifest.case_key)
    return manifest


def check_against_roster(manifest: Manifest, roster: Roster) -> None:
    """
    Check that a manifest keeps to the roster it names: the locks are those that the roots signed.

    The roster must have been checked itself (`roster_rules`), for the time of sealing.

    Raises:
        ManifestError: The class says which rule is broken.
    """
    if (manifest.office, manifest.roster) != (roster.office, roster.hash):
        raise ManifestRosterError("the manifest is for another office or roster")
    for line in manifest.compartments:
        if (line.k, line.n) != roster.quorum(line.role):
            raise ManifestQuorumError(f"the quorum of the {line.role}s is not that of the roster")
    panel = [roster.member(id_) for id_ in manifest.panel if roster.is_active(id_)]
    reviewers = [member for member in panel if member.role == REVIEWER]
    if not len(reviewers) == len(manifest.panel) == roster.panel_size:
        raise ManifestPanelError("the panel has another size, or a member who is no reviewer")
    if len({reviewer.institution for reviewer in reviewers}) < roster.panel_size:
        raise PanelInstitutionError("two members of the panel are of one institution")


def _seats(line: CompartmentLine) -> range:
    return range(1, line.n + 1)


def _parse_panel(value: str) -> tuple[str, ...]:
    panel = tuple(check_token(id_, "manifest: panel") for id_ in value.split(" "))
    if len(panel) > MAX_PANEL or len(set(panel)) < len(panel):
        raise TextError("manifest: panel: a member twice, or too many")
    return panel
