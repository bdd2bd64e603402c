"""`dengwen-submit card`: fetch an office and pin it."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_audit.note import Note
from dengwen_audit.statements.card import Card
from dengwen_submit.cli.options import office_option, open_session, proxy_option
from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import OfficeError
from dengwen_submit.office import (
    CARD,
    Office,
    OfficeFiles,
    check_office,
    check_succession,
    fingerprint,
)


@click.command("card")
@click.argument("url")
@office_option
@proxy_option
def command(url: str, office_folder: Path, proxy: str | None) -> None:
    """
    Fetch the card, roster and latest proof of the office at URL, and keep them in a folder.

    The first time, compare the fingerprint with one that reached you another way: in print, by
    telephone, from somebody you trust.  Later cards must follow from the one you hold.
    """
    door = DoorClient(url, open_session(proxy))
    files = OfficeFiles(
        door.fetch("/card"), door.fetch("/roster"), door.fetch("/latest.tlog-proof")
    )
    held = office_folder / CARD
    if held.exists():
        _check_same_office(held.read_bytes(), files.card, door)
    office = check_office(files, time.time())
    is_new = not held.exists()
    files.write(office_folder)
    _show(office, is_new=is_new)


def _check_same_office(held: bytes, fetched: bytes, door: DoorClient) -> None:
    """Refuse a card that does not follow from the one that was pinned."""
    first, last = (Card.parse(Note.parse(data).text).number for data in (held, fetched))
    later = [door.fetch(f"/cards/{number}") for number in range(first + 1, last)]
    if first == last:
        if Note.parse(held).hash != Note.parse(fetched).hash:
            raise OfficeError("this is not the card that you pinned: do not use it")
        return
    check_succession(held, [*later, fetched])


def _show(office: Office, *, is_new: bool) -> None:
    card, roster = office.card, office.roster
    click.echo(f"{card.name}")
    click.echo(f"  card {card.number}, fingerprint")
    click.echo(f"    {fingerprint(office.card_hash)}")
    for role, opened in (("gatekeeper", "petition"), ("trustee", "identity")):
        quorum, seats = roster.quorum(role)
        names = ", ".join(member.institution for member in roster.seats(role))
        click.echo(f"  your {opened} opens only with a reviewer and {quorum} of {seats}: {names}")
    click.echo(f"  roster {roster.version}, valid until {roster.valid_until}")
    if is_new:
        click.echo("Compare the fingerprint with one that reached you another way.")
