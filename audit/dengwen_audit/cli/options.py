"""Options that several commands share, and how what they name is read."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import requests

from dengwen_audit.note import Note
from dengwen_audit.policy import MAX_POLICY_BYTES, Policy
from dengwen_audit.statements.card import check_card
from dengwen_audit.trust import Office, Trust, read_cards

_F = TypeVar("_F", bound=Callable[..., object])

file_type = click.Path(exists=True, dir_okay=False, path_type=Path)

card_option = click.option(
    "--card", "card_path", type=file_type, help="The office card that you pinned."
)
policy_option = click.option(
    "--policy", "policy_path", type=file_type, help="Instead of a card: a log policy (C2SP)."
)
required_card_option = click.option(
    "--card", "card_path", type=file_type, required=True, help="The office card that you pinned."
)
key_option = click.option(
    "--key",
    "key_path",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The key file that `dengwen-audit key create` wrote.",
)
data_option = click.option(
    "--data",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder of its memory. Whoever loses it must not go on.",
)


def address_options(command: _F) -> _F:
    """Add the options that say where to listen."""
    host = click.option("--host", default="127.0.0.1", show_default=True, help="Listen here.")
    port = click.option(
        "--port", default=0, show_default=True, help="The port; 0 for any free one."
    )
    return host(port(command))


def trust_options(command: _F) -> _F:
    """Add the options that say by what a log is judged."""
    return card_option(policy_option(command))


def read_note(path: Path) -> Note:
    """Read a note from a file."""
    return Note.parse(path.read_bytes())


def read_policy(path: Path) -> Policy:
    """Read a policy from a file."""
    with path.open("rb") as file:
        return Policy.parse(file.read(MAX_POLICY_BYTES + 1).decode("ascii", "replace"))


def read_trust(card_path: Path | None, policy_path: Path | None, office: Office | None) -> Trust:
    """
    Read the pinned card or policy; a card leads to the office's other cards, if *office* is given.

    Raises:
        click.UsageError: If not exactly one of the two is given.
    """
    if (card_path is None) == (policy_path is None):
        raise click.UsageError("give --card or --policy, one of them")
    if policy_path is not None:
        return Trust(read_policy(policy_path))
    note = read_note(card_path) if card_path else None
    if note is None:
        raise AssertionError("internal error: neither card nor policy")
    cards = read_cards(note, office.files) if office else (check_card(note, None),)
    return Trust(cards[-1].policy, cards)


def open_session() -> requests.Session:
    """Return an HTTP session that keeps to itself what it is."""
    session = requests.Session()
    session.headers["User-Agent"] = ""
    return session


def spell_time(seconds: int) -> str:
    """Spell a time for a person."""
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"


def say_ready(port: int) -> None:
    """Tell where a service listens."""
    click.echo(f"Listening on port {port}.")
