"""`dengwen-keys roster`: draft a roster, sign it, check it."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from dengwen_audit.statements.member import HOLDERS, REVIEWER
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import (
    check_chain,
    check_in_force,
    check_past_roster,
    check_roster_rules,
)
from dengwen_keys.cli.files import (
    card_option,
    file_type,
    key_option,
    passphrase_option,
    read_card,
    read_file,
    read_note,
    read_roster,
    write_new,
)
from dengwen_keys.cli.signing import add_signature, count_roots
from dengwen_keys.office_file import OfficeFile

previous_option = click.option(
    "--previous", "previous_path", type=file_type, help="The roster before this one."
)
previous_card_option = click.option(
    "--previous-card",
    "previous_card_path",
    type=file_type,
    help="The card under which the roster before was signed, if it is another.",
)


@click.group("roster")
def command() -> None:
    """Draft, sign and check a roster."""


@command.command("draft")
@click.argument("office_file", type=file_type)
@click.argument("roster_file", type=file_type)
@card_option
@previous_option
@previous_card_option
@click.option(
    "--from",
    "valid_from",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Its first day; today if not given.",
)
def draft(
    *,
    office_file: Path,
    roster_file: Path,
    card_path: Path,
    previous_path: Path | None,
    previous_card_path: Path | None,
    valid_from: datetime.datetime | None,
) -> None:
    """Write the roster that follows from OFFICE_FILE to ROSTER_FILE, without signatures."""
    card = read_card(card_path)
    previous = _read_previous(previous_path, previous_card_path or card_path)
    first = valid_from.date() if valid_from else _today()
    roster = OfficeFile.parse(read_file(office_file)).draft_roster(previous, first)
    check_roster_rules(roster, card)
    write_new(roster_file, roster.to_bytes())
    click.echo(_summary(roster, previous))
    click.echo(f"Written to {roster_file.name}. Now the root keepers sign it.")


@command.command("sign")
@click.argument("roster_file", type=file_type)
@card_option
@previous_option
@previous_card_option
@key_option
@passphrase_option
def sign(
    *,
    roster_file: Path,
    card_path: Path,
    previous_path: Path | None,
    previous_card_path: Path | None,
    key_path: Path,
    passphrase_file: Path | None,
) -> None:
    """
    Add your signature to ROSTER_FILE, as a root keeper.

    Read what is shown before you type your passphrase; with --previous it also says what changed.
    A roster that breaks a rule is not signed.
    """
    card, note = read_card(card_path), read_note(roster_file)
    roster = Roster.parse(note.text)
    check_roster_rules(roster, card)
    previous = _read_previous(previous_path, previous_card_path or card_path)
    if previous is not None:
        check_chain(previous, roster)
    click.echo(_summary(roster, previous))
    keys = (root.key for root in card.roots)
    signed = add_signature(roster_file, note, keys, key_path, passphrase_file)
    click.echo(f"Signed by {count_roots(signed, card)}")


@command.command("check")
@click.argument("roster_file", type=file_type)
@card_option
@previous_option
@previous_card_option
def check(
    roster_file: Path,
    card_path: Path,
    previous_path: Path | None,
    previous_card_path: Path | None,
) -> None:
    """Check that ROSTER_FILE keeps every rule, is signed, and is in force today."""
    card = read_card(card_path)
    roster = check_past_roster(read_note(roster_file), card)
    previous = _read_previous(previous_path, previous_card_path or card_path)
    if previous is not None:
        check_chain(previous, roster)
    click.echo(_summary(roster, previous))
    check_in_force(roster, _today())
    click.echo("The roster verifies and is in force today.")


def _read_previous(path: Path | None, card_path: Path) -> Roster | None:
    return read_roster(path, read_card(card_path)) if path else None


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _summary(roster: Roster, previous: Roster | None) -> str:
    reviewers = roster.active(REVIEWER)
    houses = len({member.institution for member in reviewers})
    lines = [
        f"Roster {roster.version} of {roster.office}",
        f"  hash          {roster.hash.hex()}",
        f"  valid         from {roster.valid_from} until the day before {roster.valid_until}",
        f"  reviewers     {len(reviewers)} of {houses} institutions",
        f"  panel         {roster.panel_size} to a petition",
    ]
    for role in HOLDERS:
        k, n = roster.quorum(role)
        seats = ", ".join(f"{m.seat} {m.id} ({m.institution})" for m in roster.seats(role))
        lines.append(f"  {role + 's':<13} {k} of {n}: {seats}")
    if roster.revoked:
        lines.append(f"  revoked       {', '.join(r.member for r in roster.revoked)}")
    return "\n".join(lines + (_changes(previous, roster) if previous else []))


def _changes(previous: Roster, roster: Roster) -> list[str]:
    """Say what is another than before, most consequential first."""
    lines = []
    if roster.holders_differ(previous):
        lines.append("  CHANGES HOLDERS OR A QUORUM, seven days after it is in the log")
    before, after = ({m.id: m for m in r.members} for r in (previous, roster))
    revoked_before, revoked = ({r.member for r in each.revoked} for each in (previous, roster))
    for word, ids in (
        ("new", after.keys() - before.keys()),
        ("gone", before.keys() - after.keys()),
        ("changed", {i for i in after.keys() & before.keys() if after[i] != before[i]}),
        ("newly revoked", revoked - revoked_before),
    ):
        if ids:
            lines.append(f"  {word:<13} {', '.join(sorted(ids))}")
    return lines
