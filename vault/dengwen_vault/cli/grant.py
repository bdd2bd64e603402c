"""`dengwen-vault grant`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_audit.note import Note
from dengwen_vault.cli import options


@click.command("grant")
@options.folder
@options.note_file
def command(folder: Path, note: Note) -> None:
    """
    Take a grant for an auditor, FILE, or its end, both signed by the root keepers.

    The auditor can read once the grant is in the log.
    """
    from dengwen_vault.vault import Vault

    Vault(folder, time.time).post_grant(note)
    click.echo("It is in line for the log.")
