"""`dengwen-keys open`: a reviewer opens what the gatekeepers released."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_keys.cli.files import card_option, key_option, passphrase_option
from dengwen_keys.cli.reviewing import Outside, as_reviewer
from dengwen_keys.errors import KeysError
from dengwen_keys.opening import OpenedPetition
from dengwen_keys.released import Asked
from dengwen_keys.request_folder import load_request, save_petition
from dengwen_keys.reviewer import Progress, Reviewer

WAIT = 600  # seconds


class NotOpenedError(KeysError):
    """Too few shares came, or too many holders refused."""


@click.command()
@click.pass_obj
@card_option
@key_option
@passphrase_option
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="The folder that `request` made; what is opened goes there.",
)
@click.option(
    "--wait", default=WAIT, show_default=True, help="Seconds to wait for enough gatekeepers."
)
@click.option("--print", "show", is_flag=True, help="Show the petition on this screen, too.")
def command(  # noqa: PLR0917  # click gives them by name
    given: Outside | None,
    card_path: Path,
    key_path: Path,
    passphrase_file: Path | None,
    folder: Path,
    wait: int,
    show: bool,
) -> None:
    """
    Wait until enough gatekeepers have answered a request, and open the petition on this computer.

    It is written to the request's folder, which only you can read. Open its attachments only where
    a hostile file can do no harm. Those that the petitioner has not sent yet are named; open the
    same request again later to get them.
    """
    with as_reviewer(given, card_path, key_path, passphrase_file) as reviewer:
        asked = load_request(folder, reviewer.identity)
        progress = _wait(reviewer, asked, wait)
        opened = reviewer.open(asked, progress)
        missing = save_petition(
            folder,
            opened,
            lambda number, spool, file: reviewer.open_attachment(opened, number, spool, file),
        )
    _report(opened, folder)
    _report_missing(missing)
    if show:
        click.echo(opened.petition.body)


def _wait(reviewer: Reviewer, asked: Asked, seconds: int) -> Progress:
    """Ask again and again how far the request is; say what changed."""
    deadline = time.monotonic() + seconds
    said: set[str] = set()
    while True:
        progress = reviewer.progress(asked)
        for line in _lines(progress):
            if line not in said:
                click.echo(line, err=True)
                said.add(line)
        if progress.is_enough:
            return progress
        if progress.is_hopeless:
            raise NotOpenedError("too many gatekeepers refused: ask again when the reason is gone")
        if time.monotonic() >= deadline:
            raise NotOpenedError(f"only {len(progress.collected.shares)} shares so far: try later")
        time.sleep(reviewer.interval)


def _lines(progress: Progress) -> list[str]:
    """Say what is known of a request, a sentence for each thing."""
    collected = progress.collected
    logged = ["The request is in the log."] if progress.is_logged else []
    shares = [f"Gatekeeper {seat} of {progress.seats} released." for seat in collected.shares]
    reasons = [
        f"{holder} refused: {r.words} ({r.code})." for holder, r in collected.reasons.items()
    ]
    faults = [f"{holder} answered wrongly: {words}." for holder, words in collected.faults.items()]
    return [*logged, *shares, *reasons, *faults]


def _report(opened: OpenedPetition, folder: Path) -> None:
    click.echo(f"Opened into {folder}.")
    if opened.petition.exclude:
        click.echo(
            "The petitioner excluded somebody: no referral may go to those in exclusions.txt."
        )
    if not opened.is_consistent:
        click.echo("Holders will not recognise every exclusion: her client sealed another list.")


def _report_missing(missing: tuple[str, ...]) -> None:
    if missing:
        click.echo(f"Not come yet: {', '.join(missing)}.")
        click.echo("Run this again with the same folder to get what has come by then.")
