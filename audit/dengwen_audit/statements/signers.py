"""
Who signed a statement, and nobody else: stricter than a note, which passes over unknown lines.

A statement of one signer carries exactly one signature line, so that it has one spelling and nobody
can hang foreign bytes on it on its way. Cards and rosters are different: people add lines to them
one by one, and a line that a client does not know may be by a key it has yet to learn of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dengwen_audit.errors import SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dengwen_audit.note import Note, VerificationKey


def check_signed_by(note: Note, key: VerificationKey) -> None:
    """
    Check that *note* carries one signature line, by *key*, and that it verifies.

    Raises:
        SignatureError: If it does not, or carries any other line.
    """
    check_signed_only_by(note, [key])


def check_signed_only_by(
    note: Note, keys: Iterable[VerificationKey], threshold: int = 1
) -> tuple[VerificationKey, ...]:
    """
    Check that at least *threshold* of *keys* signed *note*, each once, and nobody else did.

    Raises:
        SignatureError: If too few did, a line is wrong or by another key, or a key signed twice.
    """
    signers = note.check(keys, threshold)
    if len(note.signatures) != len(signers):
        raise SignatureError("a signature line by a key that has no place here, or one line twice")
    return signers
