"""`dengwen-vault restore`."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_vault.cli import options

WARNING = """\
If the log has gone on since this backup, `sequence` will refuse to run: witnesses have seen records
that are not in it, and going on from here would sign a second history. Look for a newer copy first.
"""


@click.command("restore")
@click.argument("archive", type=options.EXISTING_FILE, metavar="FILE")
@options.new_folder
def command(archive: Path, folder: Path) -> None:
    """Unpack the backup FILE into the new folder DIR."""
    from dengwen_vault.backup import restore

    restore(archive, folder)
    click.echo(f"The office is in {folder}. Run `dengwen-vault doctor` on it.")
    click.echo(WARNING, nl=False, err=True)
