"""`dengwen-vault status`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_vault.cli import options


@click.command("status")
@options.folder
def command(folder: Path) -> None:
    """Show how the office in DIR stands; counts come as orders of magnitude."""
    from dengwen_vault.status import look
    from dengwen_vault.vault import Vault

    status = look(Vault(folder, time.time), time.time())
    age = "none yet" if status.checkpoint_age is None else f"{status.checkpoint_age} s old"
    click.echo(f"records     {status.public} public, {status.committed} committed")
    click.echo(f"checkpoint  {age}")
    click.echo(f"witnesses   {', '.join(status.witnesses) or 'none'}")
    click.echo(f"petitions   {status.petitions}")
    click.echo(f"in line     {status.pending}")
    click.echo(f"for holders {status.work}")
