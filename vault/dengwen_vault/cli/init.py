"""`dengwen-vault init`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_audit.note import Note
from dengwen_vault.cli import options


@click.command("init")
@options.folder
@click.option(
    "--card",
    required=True,
    type=options.EXISTING_FILE,
    callback=options.read_note,
    help="The first card, signed.",
)
@click.option(
    "--roster",
    required=True,
    type=options.EXISTING_FILE,
    callback=options.read_note,
    help="The first roster, signed.",
)
@click.option("--database", help="An SQLAlchemy URL; by default SQLite in DIR.")
@click.option(
    "--replication",
    type=click.Choice(["synchronous", "none"]),
    default="synchronous",
    show_default=True,
    help="Whether PostgreSQL must wait for a replica.",
)
def command(folder: Path, card: Note, roster: Note, database: str | None, replication: str) -> None:
    """
    Begin the office in DIR, where `keys` has made its keys.

    Run again, it brings the database to the newest revision and changes nothing else.
    """
    from dengwen_vault.setup import SQLITE_URL, init

    database = database or SQLITE_URL
    init(folder, card, roster, time.time, database=database, replication=replication)
    click.echo("The office is ready: run `serve` and `sequence`, and the door.")
