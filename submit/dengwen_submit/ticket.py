"""
Tickets: the place in line of somebody who was asked to come back, kept by herself.

A ticket says when it was given, in steps of ten seconds, and what work was asked for; a MAC binds
both to the hash of one case id. The door remembers nothing. A ticket is good for one petition,
which is one petition however often it is sent, so that lending or copying a ticket gains nobody a
place.

::

    173568960.12.9f3c…     step, bits of work, first 16 bytes of the HMAC in hexadecimal
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

STEP_SECONDS = 10
LIFETIME_SECONDS = 6 * 3600
MAC_SIZE = 16  # bytes

_DOMAIN = b"dengwen ticket 1\n"
_TICKET = re.compile(r"([1-9][0-9]{0,11})\.(0|[1-9][0-9]?)\.([0-9a-f]{32})")


@dataclass(frozen=True, order=True)
class Ticket:
    """
    A place in line.

    Attributes:
        step: When it was given, in tens of seconds since 1970; the smaller comes first.
        bits: The work that was asked for then; see `dengwen_submit.puzzle`.
    """

    step: int
    bits: int = 0

    def to_text(self, key: bytes, case_hash: bytes) -> str:
        """Spell the ticket for the case whose id hashes to *case_hash*."""
        return f"{self.step}.{self.bits}.{self._mac(key, case_hash)}"

    def _mac(self, key: bytes, case_hash: bytes) -> str:
        message = _DOMAIN + case_hash + f"{self.step}.{self.bits}".encode()
        return hmac.digest(key, message, "sha256")[:MAC_SIZE].hex()


def new_ticket(now: float, bits: int = 0) -> Ticket:
    """Return a ticket given *now*."""
    return Ticket(int(now // STEP_SECONDS), bits)


def read_ticket(text: str, key: bytes, case_hash: bytes, now: float) -> Ticket | None:
    """Return the ticket, or None if it is not ours, for another case, or too old."""
    match = _TICKET.fullmatch(text)
    if match is None:
        return None
    ticket = Ticket(int(match[1]), int(match[2]))
    given = ticket.step * STEP_SECONDS
    is_ours = hmac.compare_digest(ticket.to_text(key, case_hash), text)
    return ticket if is_ours and given <= now < given + LIFETIME_SECONDS else None


def case_hash(case: bytes) -> bytes:
    """Return what the ``Dengwen-Case`` header announces: the SHA-256 of a case id."""
    return hashlib.sha256(case).digest()
