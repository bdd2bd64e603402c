"""
A petitioner who is not honest, or whoever forges in her place: petitions bent after sealing.

Only who holds the words can sign a manifest that fits its case; what she signs for need not open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from dengwen_audit.note import sign_note
from dengwen_audit.statements.manifest import Commitment, Manifest, Part
from dengwen_keys.age.identities import decrypt
from dengwen_keys.age.recipients import Recipient, encrypt
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.words import Words
from tests.small_office import make_identity, make_recipient

SHARE_SIZE = 33  # bytes


def with_parts(sealed: SealedPetition, parts: Mapping[str, bytes]) -> SealedPetition:
    """Return a sealed petition with other parts under its old manifest."""
    return replace(sealed, parts={**sealed.parts, **parts})


def stored_parts(sealed: SealedPetition) -> bytes:
    """Return the parts as they lie in the database; there must be no attachments."""
    return b"".join(sealed.parts.values())


def signed_again(
    words: Words,
    sealed: SealedPetition,
    parts: Mapping[str, bytes] | None = None,
    **changes: object,
) -> SealedPetition:
    """Return the petition with other parts and lines, signed by whose *words* these are."""
    files = {**sealed.parts, **(parts or {})}
    lines = tuple(
        Part(part.name, hashlib.sha256(files[part.name]).digest(), len(files[part.name]))
        for part in sealed.manifest.parts
    )
    manifest: Manifest = replace(sealed.manifest, parts=lines, **changes)  # type: ignore[arg-type]
    note = sign_note(manifest.to_bytes(), words.signing_key())
    return SealedPetition(note, manifest, files)


def seal_to(plaintext: bytes, *names: str) -> bytes:
    """Seal something to members, by their names."""
    return encrypt([Recipient.parse(make_recipient(name)) for name in names], plaintext)


def share_of(sealed: SealedPetition, seat: int) -> tuple[bytes, bytes]:
    """Return a gatekeeper's share and context, as the petitioner knows them."""
    plaintext = decrypt([make_identity(f"gk-{seat}")], sealed.parts[f"share/petition/{seat}"])
    return plaintext[:SHARE_SIZE], plaintext[SHARE_SIZE:]


def with_share(
    words: Words, sealed: SealedPetition, seat: int, plaintext: bytes, holder: str = ""
) -> SealedPetition:
    """Seal something else to a gatekeeper's seat, and sign for the file, not for what is in it."""
    file = seal_to(plaintext, holder or f"gk-{seat}")
    return signed_again(words, sealed, {f"share/petition/{seat}": file})


def committed_to(sealed: SealedPetition, shares: Mapping[int, bytes]) -> tuple[Commitment, ...]:
    """Return the manifest's commitments, with others for these shares of the petition."""
    return tuple(
        replace(line, sha256=hashlib.sha256(shares[line.seat]).digest())
        if line.compartment == "petition" and line.seat in shares
        else line
        for line in sealed.manifest.commitments
    )
