"""`dengwen-keys card`: draft a card, sign it, check it."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_audit.statements.card import (
    Card,
    check_card,
    check_card_follows,
    check_card_rules,
)
from dengwen_keys.cli.files import (
    file_type,
    key_option,
    passphrase_option,
    read_card,
    read_file,
    read_note,
    write_new,
)
from dengwen_keys.cli.signing import add_signature, count_roots
from dengwen_keys.office_file import OfficeFile

previous_option = click.option(
    "--previous", "previous_path", type=file_type, help="The card before this one."
)


@click.group("card")
def command() -> None:
    """Draft, sign and check an office card."""


@command.command("draft")
@click.argument("office_file", type=file_type)
@click.argument("card_file", type=file_type)
@previous_option
def draft(office_file: Path, card_file: Path, previous_path: Path | None) -> None:
    """Write the card that follows from OFFICE_FILE to CARD_FILE, without signatures."""
    previous = read_card(previous_path) if previous_path else None
    card = OfficeFile.parse(read_file(office_file)).draft_card(previous)
    check_card_rules(card)
    write_new(card_file, card.to_bytes())
    click.echo(_summary(card))
    click.echo(f"Written to {card_file.name}. Now the root keepers sign it: {_roots_of(card)}")


@command.command("sign")
@click.argument("card_file", type=file_type)
@previous_option
@key_option
@passphrase_option
def sign(
    card_file: Path, previous_path: Path | None, key_path: Path, passphrase_file: Path | None
) -> None:
    """
    Add your signature to CARD_FILE, as a root keeper of this card or of the one before it.

    Read what is shown before you type your passphrase. A card that breaks a rule is not signed.
    """
    note = read_note(card_file)
    card = Card.parse(note.text)
    check_card_rules(card)
    roots = card.roots
    if previous_path:
        previous = read_card(previous_path)
        check_card_follows(previous, card)
        roots += previous.roots
    click.echo(_summary(card))
    signed = add_signature(card_file, note, (root.key for root in roots), key_path, passphrase_file)
    click.echo(f"Signed by {count_roots(signed, card)}")


@command.command("check")
@click.argument("card_file", type=file_type)
@previous_option
def check(card_file: Path, previous_path: Path | None) -> None:
    """Check that CARD_FILE keeps every rule and is signed by its root threshold."""
    previous = read_card(previous_path) if previous_path else None
    card = check_card(read_note(card_file), previous)
    click.echo(_summary(card))
    click.echo("The card verifies." if previous else "The card verifies by its own root keys.")
    if previous is None:
        click.echo("That it is the right one, only a person can tell: compare the fingerprint.")


def _summary(card: Card) -> str:
    policy = card.policy
    return "\n".join(
        (
            f"Card {card.number} of {card.name}",
            f"  fingerprint   {card.fingerprint}",
            f"  office        {card.office}, run by {card.operator}",
            f"  door, desk    {card.door}, {card.desk}",
            f"  root keepers  {card.root_threshold} of {len(card.roots)}: {_roots_of(card)}",
            f"  witnesses     {policy.minimum_witnesses()} of {len(policy.witnesses)}: "
            + ", ".join(witness.name for witness in policy.witnesses),
            f"  a record of the log every {card.tick} s",
        )
    )


def _roots_of(card: Card) -> str:
    return ", ".join(f"{root.key.name} ({root.institution})" for root in card.roots)
