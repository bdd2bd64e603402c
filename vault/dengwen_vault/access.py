"""
Who asks at the desk: a member of the roster in force, by a signed request that is here once.

The request is checked as the member signed it, at the address that the office card gives the desk,
whatever a proxy calls this server; so a request that was made for another office is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete

from dengwen_audit.http_signature import check_request, check_unused
from dengwen_audit.statements.member import Member
from dengwen_vault.database import Store, insert_new
from dengwen_vault.models import UsedNonce
from dengwen_vault.standing import Standing

WINDOW = 600  # seconds: as long as a signature can hold, counted from its nonce's expiry


@dataclass(frozen=True, repr=False)
class SignedRequest:
    """
    A request to the desk as it came in.

    Attributes:
        target: Path and query, percent-encoded.
        headers: All field lines.
    """

    method: str
    target: str
    headers: Iterable[tuple[str, str]]
    body: bytes


class UsedNonces:
    """
    Remembers nonces in the database, for all processes of the office.

    What is stored is a hash of key and nonce, and the ten minutes in which it lapses: who reads the
    table learns how many signed requests there were lately, and of nobody whose.
    """

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    def remember(self, key_id: str, nonce: str, until: int) -> bool:
        """Keep the nonce *until* a time in seconds; tell whether it is new."""
        window = until // WINDOW
        digest = hashlib.sha256(f"{key_id}\n{nonce}".encode()).digest()
        with self._store.noting() as connection:
            connection.execute(delete(UsedNonce).where(UsedNonce.window < window - 1))
            return insert_new(connection, UsedNonce, {"hash": digest, "window": window})


def check_member(
    asked: SignedRequest, standing: Standing, nonces: UsedNonces, now: float
) -> Member:
    """
    Check that an active member signed a request, lately and for this desk, and return the member.

    Raises:
        HttpSignatureError: The class says what is wrong; a key that is not active is unknown.
    """
    signed = check_request(
        asked.method,
        standing.card.desk + asked.target,
        asked.headers,
        asked.body,
        standing.key_of,
        now,
    )
    check_unused(signed, nonces)
    return standing.roster.member(signed.key_id)
