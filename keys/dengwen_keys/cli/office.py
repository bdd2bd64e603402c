"""`dengwen-keys office`: begin an office."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from dengwen_keys.cli.files import write_new

OFFICE_FILE = "office.toml"


@click.group("office")
def command() -> None:
    """Begin an office."""


@command.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write FOLDER/office.toml, a file to fill in, which says what to do next."""
    folder.mkdir(parents=True, exist_ok=True)
    template = resources.files("dengwen_keys.cli").joinpath(OFFICE_FILE).read_bytes()
    write_new(folder / OFFICE_FILE, template)
    click.echo(f"Fill in {folder / OFFICE_FILE}; it says how to go on.")
