"""`dengwen-submit send`: hand a sealed file to the office."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note
from dengwen_audit.statements.acceptance import Acceptance, check_acceptance
from dengwen_audit.tile_writer import write_durably
from dengwen_keys.petition_file import MAX_POST_BYTES, PetitionHead, check_file
from dengwen_submit.cli.options import (
    Surroundings,
    at_once_option,
    office_option,
    pass_surroundings,
    pinned_office,
    proxy_option,
)
from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import CaseError, DoorError, SubmitError
from dengwen_submit.office import Office
from dengwen_submit.puzzle import PARTS
from dengwen_submit.way_in import WayIn

ATTEMPTS = 5  # that fail
CALLS = 40  # times that the door says when to come back
QUEUEING = {"busy", "puzzle"}
LONGEST_PAUSE = 120  # seconds
MAX_ACCEPTANCE_NAMES = 100


@click.command("send")
@click.argument("sealed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@office_option
@proxy_option
@at_once_option
@pass_surroundings
def command(
    surroundings: Surroundings,
    /,
    *,
    sealed: Path,
    office_folder: Path,
    proxy: str | None,
    at_once: bool,
) -> None:
    """
    Send the file SEALED, which may have been made on another machine.

    Sending it twice is one petition. The signed acceptance is written beside the file.
    """
    head = _check(sealed)
    session = surroundings.open_session(proxy)
    office = pinned_office(office_folder, session, surroundings.clock())
    door, way = DoorClient(office.card.door, session), WayIn(head.manifest.case)
    answer = _send(surroundings, door, sealed, way, at_once=at_once)
    acceptance = _accepted(answer, head, office)
    kept = _keep(answer, acceptance, sealed)
    hours = -(-acceptance.deadline // 3600)
    click.echo(f"Accepted and signed for: {kept.name}.")
    click.echo(f"The office must show it in its log within {hours} hours; look with `status`.")


def _check(sealed: Path) -> PetitionHead:
    """Check the whole file before a byte of it leaves: it may have suffered on its way here."""
    if sealed.stat().st_size > MAX_POST_BYTES:
        raise SubmitError(f"{sealed.name} is larger than the {MAX_POST_BYTES >> 20} MiB of a post")
    with sealed.open("rb") as file:
        return check_file(file)


def _send(
    surroundings: Surroundings, door: DoorClient, sealed: Path, way: WayIn, *, at_once: bool
) -> bytes:
    """Send the same bytes until the door answers; it is asked to say how long to wait."""
    failures = calls = 0
    while True:
        try:
            return _send_once(door, sealed, way, at_once=at_once)
        except DoorError as error:
            way.keep(error)
            if error.problem in QUEUEING:
                calls += 1
            else:
                failures += 1
            pause = error.retry_after or 2**failures
            is_final = bool(error.problem) and not error.retry_after
            is_enough = failures == ATTEMPTS or calls == CALLS
            if is_final or is_enough or pause > LONGEST_PAUSE:
                raise
            if work := way.asked_work(error):
                _work(way, *work)
                continue
            click.echo(f"Not yet: {error}. Trying again in {pause} seconds.", err=True)
            surroundings.sleep(pause)


def _send_once(door: DoorClient, sealed: Path, way: WayIn, *, at_once: bool) -> bytes:
    length, headers = sealed.stat().st_size, way.headers()
    with (
        sealed.open("rb") as file,
        click.progressbar(length=length, label="Sending", file=sys.stderr) as bar,
    ):
        return door.submit(file, length, at_once=at_once, progress=bar.update, headers=headers)


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
