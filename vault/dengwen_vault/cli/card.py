"""`dengwen-vault card`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_audit.note import Note
from dengwen_vault.cli import options


@click.command("card")
@options.folder
@options.note_file
def command(folder: Path, note: Note) -> None:
    """
    Publish the next card, FILE, of the office in DIR.

    It is signed by the root keepers of the card before it and of its own.
    Restart `sequence` after it.
    """
    from dengwen_vault.vault import Vault

    Vault(folder, time.time).publish_card(note)
    click.echo("The card is public; its event is in line for the log.")
