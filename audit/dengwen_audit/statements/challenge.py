"""
The challenge: a petitioner's signed question to every holder and mirror, what they saw of her case.

::

    dengwen/challenge/v1
    office dengwen.example/log
    case 02ab…
    signing-key 77d0…
    mailbox age1pq1…
    nonce 51c9…

It carries the two keys that the case id follows from, so that who never saw the case can answer,
and nobody but the petitioner can ask. The answer is a head.

Source: docs/formats/challenge-head.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dengwen_audit.errors import RuleError
from dengwen_audit.note import ED25519, NoteHash, VerificationKey
from dengwen_audit.statements.fields import CASE_KEY_NAME, CaseId, check_office, check_recipient
from dengwen_audit.statements.manifest import case_id
from dengwen_audit.statements.signers import check_signed_by
from dengwen_audit.text import TextReader, TextWriter

if TYPE_CHECKING:
    from dengwen_audit.note import Note

KIND = "dengwen/challenge/v1"
MAX_CHALLENGE_BYTES = 8 << 10


class ChallengeError(RuleError):
    """The challenge is well spelt, but its keys are not those of its case."""


@dataclass(frozen=True)
class Challenge:
    """The challenge's text; the module's docstring tells its lines."""

    office: str
    case: CaseId
    signing_key: bytes
    mailbox: str
    nonce: bytes

    @classmethod
    def parse(cls, text: bytes) -> Challenge:
        """
        Read a challenge's text. It says nothing of who signed it: see `check_challenge`.

        Raises:
            TextError: If it is not a challenge in its one spelling.
        """
        reader = TextReader(text, KIND, MAX_CHALLENGE_BYTES)
        challenge = cls(
            office=check_office(reader.take("office"), "challenge: office"),
            case=CaseId(reader.take_hash("case")),
            signing_key=reader.take_hash("signing-key"),
            mailbox=check_recipient(reader.take("mailbox"), "challenge: mailbox"),
            nonce=reader.take_hash("nonce"),
        )
        reader.end()
        return challenge

    def to_bytes(self) -> bytes:
        """Spell the challenge's text."""
        writer = TextWriter(KIND)
        writer.line("office", self.office).line("case", self.case)
        writer.line("signing-key", self.signing_key).line("mailbox", self.mailbox)
        return writer.line("nonce", self.nonce).to_bytes()

    @property
    def hash(self) -> NoteHash:
        """SHA-256 of the text."""
        return NoteHash(hashlib.sha256(self.to_bytes()).digest())

    @property
    def case_key(self) -> VerificationKey:
        """The key that must have signed it."""
        return VerificationKey(CASE_KEY_NAME, ED25519, self.signing_key)


def check_challenge(note: Note) -> Challenge:
    """
    Check that a challenge is by the petitioner of its case.

    Whether it is for the caller's office is for the caller to compare.

    Raises:
        TextError: If it is no challenge.
        ChallengeError: If its keys do not give its case id.
        SignatureError: If the note carries anything but the case key's signature.
    """
    challenge = Challenge.parse(note.text)
    if challenge.case != case_id(challenge.signing_key, challenge.mailbox):
        raise ChallengeError("the case id is not that of the keys")
    check_signed_by(note, challenge.case_key)
    return challenge
