"""Files that commands read and write: no key is overwritten, no signed file half written."""

from __future__ import annotations

import os
from pathlib import Path

import click

from dengwen_audit.note import MAX_NOTE_BYTES, Note
from dengwen_audit.statements.card import Card, check_card
from dengwen_audit.statements.roster import Roster
from dengwen_audit.statements.roster_rules import check_past_roster
from dengwen_keys.drafts import parse_draft
from dengwen_keys.errors import KeysError
from dengwen_keys.keyfile import MAX_BYTES, MemberKeys, open_keyfile, seal_keyfile

MAX_PASSPHRASE_BYTES = 1024

file_type = click.Path(dir_okay=False, path_type=Path)
key_option = click.option("--key", "key_path", type=file_type, required=True, help="Your key file.")
passphrase_option = click.option(
    "--passphrase-file",
    type=file_type,
    help="Read the passphrase from the first line of a file instead of asking for it.",
)
card_option = click.option(
    "--card", "card_path", type=file_type, required=True, help="The office card."
)


class FileError(KeysError):
    """A file is not there, is too long, or stands in the way."""


def read_file(path: Path, max_bytes: int = MAX_NOTE_BYTES) -> bytes:
    """
    Return what is in a file.

    Raises:
        FileError: If it cannot be read, or is longer than *max_bytes*.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise FileError(f"{path.name} cannot be read: {error.strerror}") from None
    if len(data) > max_bytes:
        raise FileError(f"{path.name} is longer than {max_bytes} bytes")
    return data


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """
    Write a file that is not there yet, and make it last.

    Raises:
        FileError: If there is a file of this name, or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise FileError(f"{path.name} is there already, and is not overwritten") from None
    except OSError as error:
        raise FileError(f"{path.name} cannot be written: {error.strerror}") from None


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in the place of an old one; whoever reads it sees one or the other, whole."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    write_new(new, data)
    new.replace(path)


def ask_passphrase(passphrase_file: Path | None, *, is_new: bool = False) -> str:
    """
    Return a passphrase, from the first line of a file or from the keyboard, without showing it.

    Args:
        is_new: Ask twice, since nobody could open a key file whose passphrase was mistyped.
    """
    if passphrase_file is not None:
        first, _, _ = read_file(passphrase_file, MAX_PASSPHRASE_BYTES).partition(b"\n")
        try:
            return first.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError:
            raise FileError(f"{passphrase_file.name} is not UTF-8") from None
    text: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new)
    return text


def read_keys(key_path: Path, passphrase_file: Path | None) -> MemberKeys:
    """Open a key file."""
    data = read_file(key_path, MAX_BYTES)
    return open_keyfile(data, ask_passphrase(passphrase_file))


def write_keys(key_path: Path, keys: MemberKeys, passphrase_file: Path | None) -> None:
    """Seal new keys into a file that only its owner reads."""
    if key_path.exists():
        raise FileError(f"{key_path.name} is there already, and is not overwritten")
    data = seal_keyfile(keys, ask_passphrase(passphrase_file, is_new=True))
    write_new(key_path, data, 0o600)


def read_note(path: Path) -> Note:
    """Read a note, or a text that nobody has signed yet."""
    return parse_draft(read_file(path))


def read_card(path: Path) -> Card:
    """Read a card that its own root threshold signed."""
    return check_card(read_note(path), None)


def read_roster(path: Path, card: Card) -> Roster:
    """Read a roster of any time that the card's root threshold signed."""
    return check_past_roster(read_note(path), card)
