"""`dengwen-submit card`: fetch an office and pin it."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_submit.cli.options import (
    Surroundings,
    office_option,
    pass_surroundings,
    proxy_option,
)
from dengwen_submit.door_client import DoorClient
from dengwen_submit.office import Office, OfficeFiles, check_fresh, fingerprint
from dengwen_submit.pinning import fetch_office


@click.command("card")
@click.argument("url")
@office_option
@proxy_option
@pass_surroundings
def command(
    surroundings: Surroundings, /, *, url: str, office_folder: Path, proxy: str | None
) -> None:
    """
    Fetch the card, roster and latest proof of the office at URL, and keep them in a folder.

    The first time, compare the fingerprint with one that reached you another way: in print, by
    telephone, from somebody you trust.  Later cards must follow from the one you hold.
    """
    now = surroundings.clock()
    held = OfficeFiles.held(office_folder)
    door = DoorClient(url, surroundings.open_session(proxy))
    files, office = fetch_office(door, held, now)
    check_fresh(office, now)
    files.write(office_folder)
    _show(office)
    if held is None:
        click.echo("Compare the fingerprint with one that reached you another way.")
    elif held.card != files.card:
        click.echo("This is a later card than the one you held, and follows from it.")


def _show(office: Office) -> None:
    card, roster = office.card, office.roster
    click.echo(card.name)
    click.echo(f"  card {card.number}, fingerprint")
    click.echo(f"    {fingerprint(office.card_hash)}")
    for role, opened in (("gatekeeper", "petition"), ("trustee", "identity")):
        quorum, seats = roster.quorum(role)
        names = ", ".join(member.institution for member in roster.seats(role))
        click.echo(f"  your {opened} opens only with a reviewer and {quorum} of {seats}: {names}")
    click.echo(f"  roster {roster.version}, valid until {roster.valid_until}")
