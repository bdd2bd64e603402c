"""
Answers a petitioner's challenge: the newest event this holder saw, and every share that left.

The holder signs whatever it knows, also "nothing": only so can a petitioner tell a holder that was
shown less from one that does not answer. Who did not ask with the case key learns nothing.

Source: docs/formats/challenge-head.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.challenge import ChallengeError, check_challenge
from dengwen_audit.statements.head import Head
from dengwen_audit.text import ZERO_HASH
from dengwen_keys.gatekeeper.store import Store


@dataclass(frozen=True)
class Heads:
    """
    Makes heads.

    Attributes:
        office: The log's origin.
        key: Signs; its name is the holder's id.
    """

    office: str
    key: SigningKey
    store: Store

    def answer(self, challenge: Note) -> Note:
        """
        Return the signed head that answers a challenge.

        Raises:
            TextError: If it is no challenge.
            ChallengeError: If it is for another office, or its keys are not those of its case.
            SignatureError: If it is not by the petitioner of the case.
        """
        asked = check_challenge(challenge)
        if asked.office != self.office:
            raise ChallengeError("the challenge is for another office")
        number, hash_ = self.store.newest_event(asked.case) or (0, ZERO_HASH)
        head = Head(
            office=self.office,
            case=asked.case,
            nonce=asked.nonce,
            holder=self.key.name,
            seen_number=number,
            seen_hash=hash_,
            released=self.store.released(asked.case),
        )
        return sign_note(head.to_bytes(), self.key)
