"""
Petitions without number, made of some thousand that the petitioner's own client really sealed.

Sealing a million would take an hour. So each sealed petition is used many times, each time under a
case key of its own: another case id, another signature, the same sealed parts and lengths. The
office cannot tell such a petition from any other, since it opens nothing; a reviewer could not open
it, since what is sealed names the case that it was sealed for.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path

from bench.crowd.fill import fill
from bench.crowd.pool import Records
from dengwen_audit.note import SigningKey, sign_note
from dengwen_audit.statements.fields import CASE_KEY_NAME, CaseId
from dengwen_audit.statements.manifest import Manifest, case_id
from dengwen_keys.petition_file import SealedPetition
from tests.small_office import make_seed

POOL = Path(__file__).parents[2] / "build" / "growth-pool"


class Original:
    """A petition that was really sealed."""

    def __init__(self, sealed: bytes) -> None:
        """Read it, and cut its manifest where another case differs."""
        petition = SealedPetition.parse(sealed)
        self.manifest = petition.manifest
        self.parts = petition.parts
        self._before, rest = petition.note.text.split(b"roster ", 1)
        _, self._after = rest.split(b"\nmailbox ", 1)

    @cached_property
    def joined(self) -> bytes:
        """All parts, one after another."""
        return b"".join(self.parts.values())

    def rekey(self, key: SigningKey, roster: bytes) -> SealedPetition:
        """Return it as the petition of the case of *key*, sealed to the roster of this hash."""
        public = key.verification_key.public_key
        case = case_id(public, self.manifest.mailbox)
        middle = f"roster {roster.hex()}\ncase {case.hex()}\nsigning-key {public.hex()}\nmailbox "
        manifest = dataclasses.replace(self.manifest, roster=roster, case=case, signing_key=public)
        text = self._before + middle.encode("ascii") + self._after
        return SealedPetition(sign_note(text, key), manifest, self.parts)


class Petitions:
    """The petitions of an office's whole life, by number."""

    def __init__(self, originals: int, path: Path = POOL) -> None:
        """Seal so many *originals*, unless they lie at *path* already."""
        fill(originals, path)
        sealed = Records(path)
        self._originals = [Original(bytes(sealed[number])) for number in range(originals)]

    def case_key(self, number: int) -> SigningKey:
        """Return the case key of petition *number*."""
        return SigningKey(CASE_KEY_NAME, make_seed(f"growth case {number}"))

    def original(self, number: int) -> Original:
        """Return what petition *number* is made of."""
        return self._originals[number % len(self._originals)]

    def sealed(self, number: int, roster: bytes) -> SealedPetition:
        """Return petition *number*, sealed to the roster of this hash."""
        return self.original(number).rekey(self.case_key(number), roster)

    def manifest(self, number: int, roster: bytes) -> Manifest:
        """Return the manifest of petition *number*."""
        return self.sealed(number, roster).manifest

    def case(self, number: int) -> CaseId:
        """Return the case of petition *number*."""
        public = self.case_key(number).verification_key.public_key
        return case_id(public, self.original(number).manifest.mailbox)
