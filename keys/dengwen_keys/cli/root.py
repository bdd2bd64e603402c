"""`dengwen-keys root`: the key of a root keeper."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from dengwen_audit.note import SEED_SIZE, SigningKey
from dengwen_audit.text import check_token
from dengwen_keys.cli.files import key_option, passphrase_option, read_keys, write_keys
from dengwen_keys.keyfile import MemberKeys


@click.group("root")
def command() -> None:
    """Make a root keeper's key, and show what others need of it."""


@command.command("create")
@click.argument("id_", metavar="ID")
@key_option
@passphrase_option
def create(id_: str, key_path: Path, passphrase_file: Path | None) -> None:
    """
    Make the root key of the person ID, and write it to a new key file.

    Do it on a machine of your own; the office's operator must not hold a root key. There is no
    way to get a lost key or passphrase back: the other root keepers then sign a card without it.
    """
    check_token(id_, "ID")
    keys = MemberKeys(id_, secrets.token_bytes(SEED_SIZE), None, None)
    write_keys(key_path, keys, passphrase_file)
    click.echo(_public_lines(keys))


@command.command("show")
@key_option
@passphrase_option
def show(key_path: Path, passphrase_file: Path | None) -> None:
    """Print what belongs into the office file."""
    click.echo(_public_lines(read_keys(key_path, passphrase_file)))


def _public_lines(keys: MemberKeys) -> str:
    key = SigningKey(keys.id, keys.signing_seed).verification_key.to_text()
    return f'[[root]]\nkey = "{key}"\ninstitution = "<your institution>"'
