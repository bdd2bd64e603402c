"""`dengwen-vault backup`."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_vault.cli import options


@click.command("backup")
@options.folder
@click.argument("archive", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
def command(folder: Path, archive: Path) -> None:
    """Write the office in DIR to the new tar file FILE, which holds its keys: guard it as them."""
    from dengwen_vault.backup import backup
    from dengwen_vault.settings import Settings

    has_attachments = backup(Settings.load(folder), archive)
    click.echo("The backup is on the disk. It holds the office's keys.")
    if not has_attachments:
        click.echo(
            "The attachments are not in it: they lie in the object store, and a restored office "
            "goes on using that."
        )
