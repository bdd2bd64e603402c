"""`dengwen-submit seal`: from a text to a sealed file, without a network."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from dengwen_audit.errors import AuditError
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.roster import Roster
from dengwen_keys.contents import check_language
from dengwen_keys.draw import DrawError
from dengwen_keys.petition_file import MAX_FILE_BYTES
from dengwen_keys.sealing import Draft, seal_to
from dengwen_keys.words import Words
from dengwen_submit.cli.draft import open_attachments, read_identity, read_text, total_size
from dengwen_submit.cli.handover import new_file, show_words, write_words
from dengwen_submit.cli.options import (
    Surroundings,
    answer_in,
    office_option,
    pass_surroundings,
)
from dengwen_submit.errors import StaleOfficeError, SubmitError
from dengwen_submit.office import Office, OfficeFiles, check_fresh, check_past_office
from dengwen_submit.sentences import line
from dengwen_submit.watched import Progress

LONG = 4 << 20  # bytes, from which sealing is worth a progress bar


def _to_tag(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Return the language as a tag in small letters, which is what the panel sees."""
    try:
        return check_language(value.lower().replace("_", "-"))
    except AuditError:
        raise click.BadParameter("write a language tag such as en, zh or zh-hant") from None


@click.command("seal")
@click.argument("text", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The sealed file to write; an existing file is never replaced.",
)
@office_option
@click.option(
    "--language",
    default="en",
    show_default=True,
    callback=_to_tag,
    help="Language of the text, as zh; the panel sees it before opening.",
)
@click.option("--urgent", is_flag=True, help="Ask the reviewers to read this before others.")
@click.option(
    "--identity",
    "identity_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with name, and any of contact, address, note.",
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
@click.option(
    "--stale-office",
    is_flag=True,
    help="Seal although the office was fetched more than 7 days ago. A reviewer who was dismissed "
    "since may be on the panel, and could open it with the gatekeepers' help.",
)
@pass_surroundings
def command(
    surroundings: Surroundings,
    /,
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
    stale_office: bool,
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
    spoken = answer_in(language)
    office = _load(office_folder, surroundings.clock(), stale_office=stale_office)
    words = Words.generate()
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(_progress(total_size(attachments), spoken))
        draft = Draft(
            body=read_text(text),
            identity=read_identity(identity_file),
            language=language,
            exclusions=exclusions,
            urgent=urgent,
            attachments=open_attachments(attachments, stack, progress),
        )
        manifest = _seal(out, draft, words, office.roster, words_out)
    click.echo(line(spoken, "sealed", name=out.name, size=out.stat().st_size))
    _show_panel(manifest, office.roster, spoken)
    if words_out is None:
        show_words(words, language, spoken)
    else:
        click.echo(line(spoken, "words-in", name=words_out.name))


def _load(folder: Path, now: float, *, stale_office: bool) -> Office:
    """Return the pinned office if one may seal to it."""
    office = check_past_office(OfficeFiles.read(folder), now)
    check_fresh(office, now, math.inf)  # to a roster that has ended, nobody seals at all
    try:
        check_fresh(office, now)
    except StaleOfficeError as error:
        if not stale_office:
            raise SubmitError(f"{error}; if there is no network, see --stale-office") from error
    return office


@contextlib.contextmanager
def _progress(size: int, spoken: str) -> Iterator[Progress]:
    """Show a bar while *size* bytes are sealed, if that takes long enough to wonder."""
    if size < LONG:
        yield lambda _: None
        return
    label = line(spoken, "sealing")
    with click.progressbar(length=size, label=label, file=sys.stderr) as bar:
        yield bar.update


def _seal(
    out: Path, draft: Draft, words: Words, roster: Roster, words_out: Path | None
) -> Manifest:
    """Seal into a new file; after a failure neither that file nor its words are left behind."""
    with contextlib.ExitStack() as files:
        if words_out is not None:
            write_words(words, draft.language, files.enter_context(new_file(words_out)))
        file = files.enter_context(new_file(out))
        try:
            note = seal_to(file, draft, words, roster)
        except DrawError as error:
            named = ", ".join(error.exclusions) or "the roster itself"
            raise SubmitError(f"{error}; look again at: {named}") from error
        if file.tell() > MAX_FILE_BYTES:
            raise SubmitError(f"the sealed file would be larger than {MAX_FILE_BYTES >> 20} MiB")
    return Manifest.parse(note.text)


def _show_panel(manifest: Manifest, roster: Roster, spoken: str) -> None:
    """Show who was drawn, so that she sees whether somebody is among them whom she forgot."""
    institutions = {institution.id: institution.name for institution in roster.institutions}
    places = {place.code: place.name for place in roster.jurisdictions}
    click.echo(line(spoken, "panel"))
    for member in map(roster.member, manifest.panel):
        institution, place = institutions[member.institution], places[member.jurisdiction]
        click.echo(line(spoken, "reviewer", id=member.id, institution=institution, place=place))
