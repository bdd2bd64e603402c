"""`dengwen-submit status`: everything that happened to a case, each with its proof."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_audit.tile_writer import write_durably
from dengwen_submit.cli.options import (
    Surroundings,
    answer_in,
    ask_words,
    language_option,
    office_option,
    pass_surroundings,
    pinned_office,
    proxy_option,
    words_option,
)
from dengwen_submit.door_client import DoorClient
from dengwen_submit.follow_up import CaseView, follow_up
from dengwen_submit.heads import POLL_PAUSE, HeadRound
from dengwen_submit.sentences import line, sentence

INCOMPLETE = 3  # exit code


@click.command("status")
@office_option
@words_option
@proxy_option
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write every receipt into this folder, for `receipt` or for a stranger.",
)
@click.option("--wait", default=10.0, show_default=True, help="Seconds to wait for the holders.")
@language_option
@pass_surroundings
def command(
    surroundings: Surroundings,
    /,
    *,
    office_folder: Path,
    words_file: Path | None,
    proxy: str | None,
    save: Path | None,
    wait: float,
    language: str,
) -> None:
    """
    Ask the office and every holder about the case that these receipt words belong to.

    Exit code 0: every proof holds, all holders asked agree, and every attached file has arrived.
    3: something is still missing.
    1: something contradicts; keep what is printed and show it to somebody you trust.
    """
    session, clock = surroundings.open_session(proxy), surroundings.clock
    words = ask_words(words_file)
    office = pinned_office(office_folder, session, clock())
    door = DoorClient(office.card.door, session, clock)
    asking = HeadRound(session, clock, wait, lambda: surroundings.sleep(POLL_PAUSE))
    view = follow_up(door, office, words, asking)
    spoken = answer_in(language)
    _show(view, spoken)
    if save is not None:
        _save(view, save)
        click.echo(line(spoken, "saved", folder=save.name))
    if not view.is_complete or view.missing:
        raise SystemExit(INCOMPLETE)


def _show(view: CaseView, spoken: str) -> None:
    click.echo(line(spoken, "events"))
    for entry in view.entries:
        event = entry.event
        proof = line(spoken, "proven" if entry.receipt else "unproven")
        told = {"number": event.number, "day": event.day, "sentence": sentence(event, spoken)}
        click.echo(line(spoken, "event", proof=proof, **told))
    if not view.entries:
        click.echo(line(spoken, "no-events"))
    _show_attachments(view, spoken)
    click.echo(line(spoken, "holders"))
    for said in view.statements:
        finding = line(spoken, said.finding, count=said.count, total=said.total)
        click.echo(line(spoken, "holder", holder=said.holder, finding=finding))
    if not view.is_fresh:
        click.echo(line(spoken, "stale"))
    if not view.has_mirror:
        click.echo(line(spoken, "no-mirror"))
    click.echo(line(spoken, "complete" if view.is_complete else "incomplete"))
    if view.unasked:
        click.echo(line(spoken, "unasked", names=", ".join(view.unasked)))


def _show_attachments(view: CaseView, spoken: str) -> None:
    count = len(view.manifest.attachments)
    if view.missing:
        numbers = ", ".join(map(str, view.missing))
        click.echo(line(spoken, "some-arrived", arrived=count - len(view.missing), count=count))
        click.echo(line(spoken, "send-again", numbers=numbers, command="`send`"))
    elif count:
        click.echo(line(spoken, "all-arrived", count=count))


def _save(view: CaseView, folder: Path) -> None:
    for entry in view.entries:
        if entry.receipt:
            name = f"{entry.event.number:03}-{entry.event.type}.tlog-proof"
            write_durably(folder / name, entry.receipt)
