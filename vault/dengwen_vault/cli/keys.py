"""`dengwen-vault keys`."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_vault.cli import options


@click.command("keys")
@options.new_folder
@click.option("--office", required=True, help="The log's origin, such as dengwen.example/log.")
def command(folder: Path, office: str) -> None:
    """
    Make the office's two keys in DIR, and print what the root keepers need.

    The first line goes into the card's log policy, the second into the roster.
    """
    from dengwen_vault.setup import make_keys

    log_key, intake_key = make_keys(folder, office)
    click.echo(f"log {log_key.to_text()}")
    click.echo(f"intake {intake_key.to_text()}")
