"""`dengwen-keys grant`: the root keepers' leave for an auditor to read events, and its end."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from dengwen_audit.note import Note
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.grant import KIND, Grant, GrantEnd, check_grant, check_grant_end
from dengwen_audit.statements.member import AUDITOR
from dengwen_keys.cli.files import (
    card_option,
    file_type,
    key_option,
    passphrase_option,
    read_card,
    read_note,
    read_roster,
    write_new,
)
from dengwen_keys.cli.signing import add_signature, count_roots
from dengwen_keys.errors import KeysError


class GrantRoleError(KeysError):
    """A grant is for an auditor of the roster; mirrors may read without one."""


@click.group("grant")
def command() -> None:
    """Draft, sign and check an auditor's leave to read events."""


@command.command("draft")
@click.argument("auditor")
@click.argument("grant_file", type=file_type)
@card_option
@click.option("--roster", "roster_path", type=file_type, required=True, help="The roster.")
@click.option("--from-index", default=0, show_default=True, help="The first record to be read.")
@click.option("--days", default=30, show_default=True, help="For how many days, from today.")
def draft(
    *,
    auditor: str,
    grant_file: Path,
    card_path: Path,
    roster_path: Path,
    from_index: int,
    days: int,
) -> None:
    """Write a grant for the member AUDITOR to GRANT_FILE, without signatures."""
    card = read_card(card_path)
    member = read_roster(roster_path, card).member(auditor)
    if member.role != AUDITOR:
        raise GrantRoleError("a grant is for an auditor of the roster")
    today = datetime.datetime.now(datetime.UTC).date()
    until = today + datetime.timedelta(days=days)
    grant = Grant(card.office, member.id, member.institution, from_index, until)
    write_new(grant_file, grant.to_bytes())
    click.echo(f"{_summary(Note(grant.to_bytes(), ()))}\nNow the root keepers sign it.")


@command.command("end")
@click.argument("grant_file", type=file_type)
@click.argument("end_file", type=file_type)
@card_option
def end(grant_file: Path, end_file: Path, card_path: Path) -> None:
    """Write the end of the grant in GRANT_FILE to END_FILE, without signatures."""
    card = read_card(card_path)
    ended = check_grant(read_note(grant_file), card)
    write_new(end_file, GrantEnd(card.office, ended.hash).to_bytes())
    click.echo("Now the root keepers sign it.")


@command.command("sign")
@click.argument("grant_file", type=file_type)
@card_option
@key_option
@passphrase_option
def sign(grant_file: Path, card_path: Path, key_path: Path, passphrase_file: Path | None) -> None:
    """Add your signature to GRANT_FILE, a grant or the end of one, as a root keeper."""
    card, note = read_card(card_path), read_note(grant_file)
    click.echo(_summary(note))
    keys = (root.key for root in card.roots)
    signed = add_signature(grant_file, note, keys, key_path, passphrase_file)
    click.echo(f"Signed by {count_roots(signed, card)}")


@command.command("check")
@click.argument("grant_file", type=file_type)
@card_option
def check(grant_file: Path, card_path: Path) -> None:
    """Check that GRANT_FILE is signed by the root threshold."""
    _check(read_note(grant_file), read_card(card_path))
    click.echo("It verifies.")


def _is_grant(note: Note) -> bool:
    return note.text.startswith(f"{KIND}\n".encode())


def _check(note: Note, card: Card) -> None:
    if _is_grant(note):
        check_grant(note, card)
    else:
        check_grant_end(note, card)


def _summary(note: Note) -> str:
    if not _is_grant(note):
        return f"The end of the grant {GrantEnd.parse(note.text).grant.hex()}"
    grant = Grant.parse(note.text)
    return (
        f"Leave for {grant.auditor} of {grant.institution} to read every event\n"
        f"  from record {grant.from_index}, until the day before {grant.until}"
    )
