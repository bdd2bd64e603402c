"""`dengwen-keys request`: a reviewer asks to open a case."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_keys.cli.files import card_option, key_option, passphrase_option
from dengwen_keys.cli.reviewing import Outside, as_reviewer
from dengwen_keys.office_client import OfficeRefusalError
from dengwen_keys.request_folder import discard, save_request


@click.command()
@click.pass_obj
@click.argument("case")
@card_option
@key_option
@passphrase_option
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="A new folder for the request, and later for what it opens.",
)
def command(  # noqa: PLR0917  # click gives them by name
    given: Outside | None,
    case: str,
    card_path: Path,
    key_path: Path,
    passphrase_file: Path | None,
    folder: Path,
) -> None:
    """
    Ask to open the petition of CASE; its id, or the beginning of it, is what `desk` shows.

    The request is signed with your key, and the log will show it to the petitioner for ever. Then
    the gatekeepers answer, and `open` opens the petition.
    """
    with as_reviewer(given, card_path, key_path, passphrase_file) as reviewer:
        asked = reviewer.ask(reviewer.find(case))
        save_request(folder, asked, reviewer.identity)
        try:
            reviewer.send(asked)
        except OfficeRefusalError:
            discard(folder)
            raise
    click.echo(f"Asked. When the log has it: dengwen-keys open --folder {folder} …")
