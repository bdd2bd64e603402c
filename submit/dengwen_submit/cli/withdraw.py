"""`dengwen-submit withdraw`: the petitioner takes her petition back."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_submit.cli.options import (
    Surroundings,
    ask_words,
    at_once_option,
    office_option,
    pass_surroundings,
    proxy_option,
    words_option,
)
from dengwen_submit.door_client import DoorClient
from dengwen_submit.office import read_card
from dengwen_submit.withdrawal import sign_withdrawal


@click.command("withdraw")
@office_option
@words_option
@proxy_option
@at_once_option
@pass_surroundings
def command(
    surroundings: Surroundings,
    /,
    *,
    office_folder: Path,
    words_file: Path | None,
    proxy: str | None,
    at_once: bool,
) -> None:
    """
    Withdraw the petition of these words.

    Holders release nothing once they see it in the log.  What was opened before stays read.
    """
    card = read_card(office_folder)
    words = ask_words(words_file)
    click.confirm("Withdraw it? This cannot be undone", abort=True)
    door = DoorClient(card.door, surroundings.open_session(proxy), surroundings.clock)
    note = sign_withdrawal(card.office, words)
    door.case(words.signing_key()).state(note.to_bytes(), at_once=at_once)
    click.echo("The office has it. From when it is in the log, nothing more is opened.")
    click.echo("Look with `status`; if it is not there after two hours, withdraw once more.")
