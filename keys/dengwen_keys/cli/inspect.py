"""`dengwen-keys inspect`: say what a file is, and whether it verifies."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_keys.cli.files import FileError, file_type, read_card, read_file, read_roster
from dengwen_keys.inspection.files import MAX_FILE_BYTES, inspect_file
from dengwen_keys.inspection.finding import Trust


@click.command("inspect")
@click.argument("file", type=file_type)
@click.option("--card", "card_path", type=file_type, help="The office card to judge it by.")
@click.option("--roster", "roster_path", type=file_type, help="The roster to judge it by.")
def command(file: Path, card_path: Path | None, roster_path: Path | None) -> None:
    """
    Say what FILE is, in plain words, and whether it verifies.

    Nothing is opened, and no network is used. The exit code is 1 if it does not verify.
    """
    if roster_path and not card_path:
        raise FileError("a roster is judged by its card: give that too")
    card = read_card(card_path) if card_path else None
    roster = read_roster(roster_path, card) if roster_path and card else None
    found = inspect_file(read_file(file, MAX_FILE_BYTES), Trust(card, roster, time.time()))
    click.echo(found.to_text())
    if found.is_good is False:
        raise click.exceptions.Exit(1)
