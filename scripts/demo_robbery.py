"""
The robbery of the demo: what an operator learns who takes everything that the office has.

He holds the whole data folder with the database and the office's own keys, every reviewer's key
file with its passphrase, and one gatekeeper's, which is one fewer than the quorum. He uses the
project's own code, imports what no server may, and asks nobody.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from dengwen_audit.note import Note
from dengwen_audit.statements.manifest import PETITION, Manifest
from dengwen_keys.age.identities import Identity, decrypt
from dengwen_keys.compartment import open_share
from dengwen_keys.errors import NoMatchError
from dengwen_keys.keyfile import open_keyfile
from dengwen_keys.opening import TooFewSharesError, open_left, rebuild
from dengwen_vault.blobs.store import fetch
from dengwen_vault.models import Petition
from dengwen_vault.papers import read_papers
from dengwen_vault.parts import read_part
from dengwen_vault.vault import Vault
from scripts.demo_office import GATEKEEPERS, PASSPHRASE, REVIEWERS
from scripts.demo_stage import DemoError


def rob(folder: Path) -> list[str]:
    """
    Try every key on every part of every petition in the vault; return what was found, in words.

    Raises:
        DemoError: If anything of a petition or an identity could be opened.
    """
    reviewers = {name: _identity(folder, name) for name in REVIEWERS}
    gatekeeper = next(iter(GATEKEEPERS))
    helper = _identity(folder, gatekeeper)
    tried = opened = petitions = 0
    for note, parts in _petitions(folder / "vault"):
        manifest = Manifest.parse(note.text)
        petitions += 1
        for name, data in parts.items():
            for identity in [*reviewers.values(), helper]:
                tried += 1
                opened += _may_open(name, identity, data)
        first = manifest.panel[0]
        left = open_left(note, parts["left"], reviewers[first], first)
        share = open_share(parts[f"share/{PETITION}/1"], helper, manifest, PETITION, 1)
        try:
            rebuild(manifest, left, PETITION, {1: share.to_bytes()})
        except TooFewSharesError:
            continue
        raise DemoError("a reviewer and one gatekeeper rebuilt the key of a petition")
    return [
        f"{petitions} petitions, {tried} attempts: {opened} half keys of the panels were found,",
        "and no petition, no identity and no attached file could be opened with them;",
        f"{gatekeeper} helped, and one share of two gave nothing.",
    ]


def _may_open(name: str, identity: Identity, data: bytes) -> bool:
    """Try a key on a part; the panel's half is theirs, a seat's share is its holder's."""
    try:
        decrypt([identity], data)
    except NoMatchError:
        return False
    if name not in {"left", f"share/{PETITION}/1"}:
        raise DemoError(f"the operator opened {name}")
    return True


def _identity(folder: Path, name: str) -> Identity:
    keys = open_keyfile((folder / "keys" / f"{name}.key").read_bytes(), PASSPHRASE)
    if keys.sealing_seed is None:
        raise DemoError(f"{name} has no sealing key")
    return Identity.from_seed(keys.sealing_seed)


def _petitions(data_folder: Path) -> Iterator[tuple[Note, dict[str, bytes]]]:
    """Go through the database, past every door."""
    vault = Vault(data_folder, time.time)
    with vault.store.reading() as connection:
        for case in connection.scalars(select(Petition.case_id)).all():
            note = Note.parse(read_papers(connection, vault.segments, case).manifest)
            manifest = Manifest.parse(note.text)
            parts = {
                part.name: fetch(vault.blobs, part.sha256, part.length)
                if part in manifest.attachments
                else read_part(connection, vault.segments, manifest, part.name)
                for part in manifest.parts
            }
            yield note, parts
    vault.close()
