"""`dengwen-submit status`: everything that happened to a case, each with its proof."""

from __future__ import annotations

import time
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
from dengwen_submit.follow_up import CaseView, follow_up
from dengwen_submit.heads import HeadRound
from dengwen_submit.sentences import sentence


@click.command("status")
@office_option
@words_option
@proxy_option
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write every receipt into this folder, for `receipt` or for a stranger.",
)
@click.option("--wait", default=10.0, show_default=True, help="Seconds to wait for the holders.")
@click.option("--language", default="en", show_default=True)
def command(  # one argument an option
    *,
    office_folder: Path,
    words_file: Path | None,
    proxy: str | None,
    save: Path | None,
    wait: float,
    language: str,
) -> None:
    """
    Ask the office and every holder about the case that these receipt words belong to.

    Exit code 0: every proof holds and all holders asked agree. 3: something is still missing.
    1: something contradicts; keep what is printed and show it to somebody you trust.
    """
    office = load_office(office_folder)
    words = ask_words(words_file)
    session = open_session(proxy)
    door = DoorClient(office.card.door, session)
    view = follow_up(door, office, words, HeadRound(session, time.time, wait))
    _show(view, language)
    if save is not None:
        _save(view, save)
    if not view.is_complete:
        raise SystemExit(3)


def _show(view: CaseView, language: str) -> None:
    click.echo("What happened, oldest first:")
    for entry in view.entries:
        proof = "proof checked" if entry.receipt else "not yet in the log"
        event = entry.event
        click.echo(f"  {event.number}. {event.day}  {sentence(event, language)}  [{proof}]")
    click.echo("Who was asked whether this is all:")
    for statement in view.statements:
        click.echo(f"  {statement.holder}: {statement.finding}")
    if view.is_complete:
        click.echo("Complete: everyone who could have opened it says the same as the office.")
    else:
        click.echo("Not known to be complete: ask again later.")
    if view.unasked:
        names = ", ".join(view.unasked)
        click.echo(f"Keep no service to be asked (they hold shares of identities): {names}.")


def _save(view: CaseView, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in view.entries:
        if entry.receipt:
            name = f"{entry.event.number:03}-{entry.event.type}.tlog-proof"
            (folder / name).write_bytes(entry.receipt)
    click.echo(f"Receipts written to {folder.name}.")
