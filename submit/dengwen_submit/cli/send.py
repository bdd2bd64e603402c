"""`dengwen-submit send`: hand a sealed file to the office."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_audit.note import Note
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_keys.petition_file import read_head
from dengwen_submit.cli.options import load_office, office_option, open_session, proxy_option
from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import CaseError, DoorError

ATTEMPTS = 5
LONGEST_PAUSE = 120  # seconds


@click.command("send")
@click.argument("sealed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@office_option
@proxy_option
@click.option(
    "--at-once",
    is_flag=True,
    help="Enter the log now: it shows the minute at which you sent. Otherwise a random time "
    "within the next hour.",
)
def command(*, sealed: Path, office_folder: Path, proxy: str | None, at_once: bool) -> None:
    """
    Send the file SEALED, which may have been made on another machine.

    Sending it twice is one petition. The signed acceptance is written beside the file.
    """
    office = load_office(office_folder)
    with sealed.open("rb") as file:
        head = read_head(file)
    door = DoorClient(office.card.door, open_session(proxy))
    answer = _send(door, sealed, at_once=at_once)
    acceptance = check_acceptance(Note.parse(answer), office.roster)
    if acceptance.manifest != head.note.hash:
        raise CaseError("the office signed for another petition than the one that was sent")
    kept = sealed.with_suffix(sealed.suffix + ".acceptance")
    kept.write_bytes(answer)
    hours = -(-acceptance.deadline // 3600)
    click.echo(f"Accepted and signed for: {kept.name}.")
    click.echo(f"The office must show it in its log within {hours} hours; look with `status`.")


def _send(door: DoorClient, sealed: Path, *, at_once: bool) -> bytes:
    """Send the same bytes until the door answers; it is asked to say how long to wait."""
    length = sealed.stat().st_size
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with (
                sealed.open("rb") as file,
                click.progressbar(length=length, label="Sending") as bar,
            ):
                return door.submit(file, length, at_once=at_once, progress=bar.update)
        except DoorError as error:
            if attempt == ATTEMPTS or (error.problem and not error.retry_after):
                raise
            pause = min(error.retry_after or 2**attempt, LONGEST_PAUSE)
            click.echo(f"{error}: trying again in {pause} seconds; nothing is lost.", err=True)
            time.sleep(pause)
    raise AssertionError("internal error: the last attempt neither answers nor raises")
