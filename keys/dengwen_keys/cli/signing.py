"""How a root keeper adds a line to a file that others sign too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dengwen_audit.note import Note, SigningKey, VerificationKey
from dengwen_audit.statements.card import Card
from dengwen_keys.cli.files import read_keys, replace_file
from dengwen_keys.errors import KeysError


class NotASignerError(KeysError):
    """The key file is not of anybody who is asked to sign this, or it has signed already."""


def add_signature(
    path: Path,
    note: Note,
    keys: Iterable[VerificationKey],
    key_path: Path,
    passphrase_file: Path | None,
) -> Note:
    """
    Sign *note* with the key file, write it back to *path*, and return it.

    Args:
        keys: Of whom a signature is wanted. Lines that are there already must be good.

    Raises:
        NotASignerError: If the key file's key is none of *keys*, or its line is there already.
        SignatureError: If a line that is there already is wrong.
    """
    keys = tuple(keys)
    note.check(keys, threshold=0)
    opened = read_keys(key_path, passphrase_file)
    key = SigningKey(opened.id, opened.signing_seed)
    if key.verification_key not in keys:
        raise NotASignerError("this key is not one of those that sign this")
    if any(line.is_by(key.verification_key) for line in note.signatures):
        raise NotASignerError("this key has signed already")
    signed = note.signed_by(key.sign(note.text))
    replace_file(path, signed.to_bytes())
    return signed


def count_roots(note: Note, card: Card) -> str:
    """Say how many of the card's root keepers have signed *note*."""
    signed = [
        root.key.name
        for root in card.roots
        if any(line.is_by(root.key) for line in note.signatures)
    ]
    return f"{len(signed)} of {card.root_threshold} that are needed: {', '.join(signed)}"
