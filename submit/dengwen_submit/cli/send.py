"""`dengwen-submit send`: hand a sealed file to the office, its attachments after the letter."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note
from dengwen_audit.statements.acceptance import Acceptance, check_acceptance
from dengwen_audit.tile_writer import write_durably
from dengwen_keys.petition_file import PetitionHead, check_file
from dengwen_submit.cli.attempts import Attempts
from dengwen_submit.cli.options import (
    Surroundings,
    answer_in,
    at_once_option,
    language_option,
    office_option,
    pass_surroundings,
    pinned_office,
    proxy_option,
)
from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import CaseError, DoorError, SubmitError
from dengwen_submit.office import Office
from dengwen_submit.puzzle import PARTS
from dengwen_submit.sentences import line
from dengwen_submit.watched import Progress
from dengwen_submit.way_in import WayIn

MAX_ACCEPTANCE_NAMES = 100


@dataclass(frozen=True)
class _Sending:
    """One file on its way: where it lies, what it is, to whom, and in which language to tell."""

    path: Path
    head: PetitionHead
    door: DoorClient
    surroundings: Surroundings
    spoken: str


@click.command("send")
@click.argument("sealed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@office_option
@proxy_option
@at_once_option
@language_option
@pass_surroundings
def command(
    surroundings: Surroundings,
    /,
    *,
    sealed: Path,
    office_folder: Path,
    proxy: str | None,
    at_once: bool,
    language: str,
) -> None:
    """
    Send the file SEALED, which may have been made on another machine.

    The attached files follow one by one when the office has signed for the petition. If that is cut
    off, run the same command again: sending twice is one petition, and a file that arrived twice is
    one. The signed acceptance is written beside the file.
    """
    with sealed.open("rb") as file:
        head = check_file(file)  # whole, before a byte of it leaves: it may have suffered
    session = surroundings.open_session(proxy)
    office = pinned_office(office_folder, session, surroundings.clock())
    door, spoken = DoorClient(office.card.door, session), answer_in(language)
    sending = _Sending(sealed, head, door, surroundings, spoken)
    answer = _send_letter(sending, at_once=at_once)
    acceptance = _accepted(answer, head, office)
    kept = _keep(answer, acceptance, sealed)
    hours = -(-acceptance.deadline // 3600)
    click.echo(line(spoken, "accepted", name=kept.name))
    click.echo(line(spoken, "must-show", hours=hours, command="`status`"))
    _send_attachments(sending, answer)


def _send_letter(sending: _Sending, *, at_once: bool) -> bytes:
    """Send the same bytes until the door answers; it is asked to say how long to wait."""
    way, length = WayIn(sending.head.manifest.case), sending.head.letter_length

    def send() -> bytes:
        way.keep(sending.door.ask_place(way.headers()))  # or all of it is sent for a "not yet"
        with sending.path.open("rb") as file, _bar(length, line(sending.spoken, "sending")) as bar:
            return sending.door.submit(
                file, length, at_once=at_once, progress=bar, headers=way.headers()
            )

    def answer(refusal: DoorError) -> bool:
        way.keep(refusal.headers)
        work = way.asked_work(refusal)
        if work:
            _work(way, *work)
        return work is not None

    return Attempts(sending.surroundings.sleep, answer).until_taken(send)


def _send_attachments(sending: _Sending, acceptance: bytes) -> None:
    """
    Send every attachment on the word of the *acceptance*.

    Raises:
        SubmitError: If one did not arrive; those before it did, and the petition is accepted.
    """
    count, attempts = len(sending.head.attachments), Attempts(sending.surroundings.sleep)
    for number in range(1, count + 1):
        try:
            attempts.until_taken(partial(_attach, sending, number, acceptance))
        except DoorError as error:
            raise SubmitError(
                f"the petition is accepted, and {number - 1} of its {count} files have arrived; "
                f"send it again for the others: {error}"
            ) from error
    if count:
        click.echo(line(sending.spoken, "all-arrived", count=count))


def _attach(sending: _Sending, number: int, acceptance: bytes) -> None:
    part = sending.head.attachments[number - 1]
    count = len(sending.head.attachments)
    label = line(sending.spoken, "sending-file", number=number, count=count)
    with sending.path.open("rb") as file, _bar(part.length, label) as bar:
        file.seek(dict(sending.head.spans())[part])
        sending.door.attach(number, file, part.length, acceptance, bar)


@contextmanager
def _bar(length: int, label: str) -> Iterator[Progress]:
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


def _work(way: WayIn, bits: int, roster: bytes) -> None:
    """Do what the door asks of everybody when very many are there."""
    with click.progressbar(length=PARTS, label="Working for a place", file=sys.stderr) as bar:
        way.work(bits, roster, bar.update)


def _accepted(answer: bytes, head: PetitionHead, office: Office) -> Acceptance:
    """Check that the answer is the office's signed word for this very petition."""
    try:
        acceptance = check_acceptance(Note.parse(answer), office.roster)
    except AuditError as error:
        raise CaseError(f"the office's answer is no acceptance, so send again: {error}") from error
    if (acceptance.case, acceptance.manifest) != (head.manifest.case, head.note.hash):
        raise CaseError("the office signed for another petition than the one that was sent")
    return acceptance


def _keep(answer: bytes, acceptance: Acceptance, sealed: Path) -> Path:
    """
    Write the acceptance beside the file, unless one for the same petition is there already.

    The first is worth the most, since its day is the earliest; and one for another petition, sealed
    under the same name before, is not replaced either.
    """
    for number in range(1, MAX_ACCEPTANCE_NAMES):
        suffix = ".acceptance" if number == 1 else f".acceptance-{number}"
        path = sealed.with_name(sealed.name + suffix)
        if not path.exists():
            write_durably(path, answer)
            return path
        if _manifest_of(path) == acceptance.manifest:
            return path
    raise SubmitError("accepted, but there are too many acceptances here to write another")


def _manifest_of(path: Path) -> bytes | None:
    try:
        return Acceptance.parse(Note.parse(path.read_bytes()).text).manifest
    except AuditError:
        return None
