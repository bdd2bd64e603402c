"""`dengwen-submit withdraw`: the petitioner takes her petition back."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_submit.cli.options import (
    ask_words,
    load_office,
    office_option,
    open_session,
    proxy_option,
    words_option,
)
from dengwen_submit.door_client import DoorClient
from dengwen_submit.withdrawal import sign_withdrawal


@click.command("withdraw")
@office_option
@words_option
@proxy_option
def command(office_folder: Path, words_file: Path | None, proxy: str | None) -> None:
    """
    Withdraw the petition of these words.

    Holders release nothing once they see it in the log.  What was opened before stays read.
    """
    office = load_office(office_folder)
    words = ask_words(words_file)
    click.confirm("Withdraw it? This cannot be undone", abort=True)
    note = sign_withdrawal(office.card.office, words)
    door = DoorClient(office.card.door, open_session(proxy))
    door.case(words.signing_key()).state(note.to_bytes())
    click.echo("Withdrawn: see it in the log with `status`.")
