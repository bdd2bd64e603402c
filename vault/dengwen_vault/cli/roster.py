"""`dengwen-vault roster`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_audit.note import Note
from dengwen_vault.cli import options


@click.command("roster")
@options.folder
@options.note_file
def command(folder: Path, note: Note) -> None:
    """
    Publish the next roster, FILE, of the office in DIR.

    It takes force at the next tick, or after seven days if it changes a holder or a quorum.
    """
    from dengwen_vault.vault import Vault

    Vault(folder, time.time).publish_roster(note)
    click.echo("The roster is public; its event is in line for the log.")
