"""`dengwen-submit seal`: from a text to a sealed file, without a network."""

from __future__ import annotations

import contextlib
import mimetypes
import os
import sys
import tomllib
from pathlib import Path
from typing import BinaryIO

import click

from dengwen_audit.statements.manifest import Manifest
from dengwen_keys.contents import IdentityPart
from dengwen_keys.draw import DrawError
from dengwen_keys.sealing import Attachment, Draft, seal_to
from dengwen_keys.words import Language, Words
from dengwen_submit.cli.options import load_office, office_option
from dengwen_submit.errors import SubmitError

IDENTITY_FIELDS = ("name", "contact", "address", "note")
WORD_LISTS: dict[str, Language] = {
    "zh": "chinese_simplified",
    "zh-hans": "chinese_simplified",
    "zh-hant": "chinese_traditional",
}


@click.command("seal")
@click.argument("text", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The sealed file to write; an existing file is never replaced.",
)
@office_option
@click.option("--language", default="en", show_default=True, help="Language of the text, as zh.")
@click.option("--urgent", is_flag=True, help="Ask the reviewers to read this before others.")
@click.option(
    "--identity",
    "identity_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with any of: name, contact, address, note.",
)
@click.option("--anonymous", is_flag=True, help="Give no identity; the file looks the same.")
@click.option(
    "--attach",
    "attachments",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to seal with the petition; may be given again.",
)
@click.option(
    "--exclude",
    "exclusions",
    multiple=True,
    help="Who must not read it: jurisdiction:CN-44, institution:ID or member:ID; may be repeated.",
)
@click.option(
    "--words-out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the receipt words to a new file instead of showing them.",
)
def command(  # one argument an option
    *,
    text: Path,
    out: Path,
    office_folder: Path,
    language: str,
    urgent: bool,
    identity_file: Path | None,
    anonymous: bool,
    attachments: tuple[Path, ...],
    exclusions: tuple[str, ...],
    words_out: Path | None,
) -> None:
    """
    Seal the Markdown file TEXT, and show the twelve receipt words.

    Name everybody the complaint is about with --exclude: the panel is drawn on this device from
    those who are left, and who is left out holds no key.
    """
    if anonymous == (identity_file is not None):
        raise click.UsageError("give either --identity FILE or --anonymous")
    for path in (out, words_out):
        if path is not None and path.exists():
            raise click.UsageError(f"{path.name} exists already: nothing was replaced")
    language = language.lower()
    words = Words.generate()
    with contextlib.ExitStack() as stack:
        draft = Draft(
            body=_read_text(text),
            identity=_read_identity(identity_file),
            language=language,
            exclusions=exclusions,
            urgent=urgent,
            attachments=tuple(_open_attachment(path, stack) for path in attachments),
        )
        manifest = _seal(out, draft, words, office_folder)
    click.echo(f"Sealed: {out.name}, {out.stat().st_size:,} bytes.")
    panel = ", ".join(manifest.panel)
    click.echo(f"Only these reviewers can be let in, and none of them alone: {panel}.")
    _hand_over(words, WORD_LISTS.get(language, "english"), words_out)


def _seal(out: Path, draft: Draft, words: Words, office_folder: Path) -> Manifest:
    """Seal into a new file; a file that could not be finished is not left behind."""
    office = load_office(office_folder)
    try:
        with _create(out) as file:
            note = seal_to(file, draft, words, office.roster)
    except BaseException as error:
        out.unlink(missing_ok=True)
        if isinstance(error, DrawError) and error.exclusions:
            named = ", ".join(error.exclusions)
            raise SubmitError(f"{error}; look again at: {named}") from error
        raise
    return Manifest.parse(note.text)


def _open_attachment(path: Path, stack: contextlib.ExitStack) -> Attachment:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    source = stack.enter_context(path.open("rb"))
    return Attachment(path.name, media_type, path.stat().st_size, source)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SubmitError("the text is not UTF-8: save it as UTF-8 and try again") from None


def _read_identity(path: Path | None) -> IdentityPart:
    if path is None:
        return IdentityPart()
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SubmitError('the identity file is not TOML: write lines like name = "…"') from None
    known = all(
        name in IDENTITY_FIELDS and isinstance(value, str) for name, value in fields.items()
    )
    if not known or "name" not in fields:
        raise SubmitError(
            "the identity file must hold a name and may hold contact, address and note, all text"
        )
    return IdentityPart(**fields)


def _create(path: Path) -> BinaryIO:
    """Create a file that only its owner may read, and that was not there before."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _hand_over(words: Words, language: Language, words_out: Path | None) -> None:
    """Give the words to the person, once; ask for two of them back where somebody can answer."""
    text = words.to_text(language)
    if words_out is not None:
        with _create(words_out) as file:
            file.write(f"{text}\n".encode())
        click.echo(
            f"The receipt words are in {words_out.name}: keep it apart from everything else."
        )
        return
    click.echo("\nYour receipt words. Write them down; nobody can give them to you again:\n")
    spelt: list[str] = text.split()
    for number, word in enumerate(spelt, start=1):
        click.echo(f"  {number:2}. {word}")
    click.echo("\nWhoever holds these words can follow this case as you do.")
    if sys.stdin.isatty():
        for number in (3, 9):
            while str(click.prompt(f"Type word {number}")).strip() != spelt[number - 1]:
                click.echo("That is not the word: look again.")
        click.clear()
