"""What several commands take."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_audit.note import Note


def read_note(_ctx: click.Context, _param: click.Parameter, path: Path) -> Note:
    """Read a signed note from a file; whether it may be believed is another question."""
    return Note.parse(path.read_bytes())


EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

folder = click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR"
)
new_folder = click.argument(
    "folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR"
)
note_file = click.argument("note", type=EXISTING_FILE, callback=read_note, metavar="FILE")
