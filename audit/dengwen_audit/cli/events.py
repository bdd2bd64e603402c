"""`dengwen-audit events`: every rule of every case, for whoever was granted the events."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import requests

from dengwen_audit.auditkey import AuditKey, read_key
from dengwen_audit.cli.options import (
    file_type,
    key_option,
    open_session,
    read_note,
    read_trust,
    required_card_option,
)
from dengwen_audit.dossier import Dossier, Logged
from dengwen_audit.epoch_feed import EpochError, EpochFeed, FedEpoch
from dengwen_audit.http_client import HttpClient
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.rules import check_rules
from dengwen_audit.statements.grant import GrantError, check_grant
from dengwen_audit.text import ZERO_HASH
from dengwen_audit.tiles import VerifiedLog, read_checkpoint
from dengwen_audit.trust import Office, Trust, open_office, roster_reader


@click.command("events")
@required_card_option
@key_option
@click.option("--grant", "grant_path", type=file_type, help="The grant; it says where to begin.")
@click.option("--from", "start", type=click.IntRange(min=0), help="The first record to read.")
def command(card_path: Path, key_path: Path, grant_path: Path | None, start: int | None) -> None:
    """
    Fetch the events of the office whose card is given, and check every rule case by case.

    It takes a grant by the root keepers, which is an event itself. Each epoch is compared with the
    public, cosigned log before it is judged, so that an auditor is shown what everybody is bound
    to. What is printed names cases by their ids and holds nothing of a petition.
    """
    key = read_key(key_path)
    with open_session() as session:
        door = read_trust(card_path, None, None).cards[0].door
        office = open_office(door, session)
        trust = read_trust(card_path, None, office)
        begin = _begin(trust, key, grant_path) if start is None else start
        dossier, size = read_dossier(office, trust, _feed(session, trust, key), begin)
    _judge(dossier, size)


def read_dossier(office: Office, trust: Trust, feed: EpochFeed, start: int) -> tuple[Dossier, int]:
    """
    Return everything that the desk gives from record *start* on, and the size of the log.

    Raises:
        EpochError: If an epoch is not the one whose record is in the public log.
    """
    checkpoint = trust.policy.check(read_checkpoint(office.log)).checkpoint
    log = VerifiedLog(office.log, checkpoint)
    events: list[Logged] = []
    causes: dict[NoteHash, Note] = {}
    manifests: dict[bytes, Note] = {}
    for epoch in _compare(feed.read(start, checkpoint.size), log):
        roster = epoch.record.roster
        events += [Logged(event, epoch.index, roster) for event in epoch.events]
        causes.update(epoch.causes)
        manifests.update(epoch.manifests)
    roster_of = roster_reader(trust, office.files)
    dossier = Dossier(trust.cards, roster_of, events, causes, manifests, start)
    return dossier, checkpoint.size


def _compare(epochs: Iterator[FedEpoch], log: VerifiedLog) -> Iterator[FedEpoch]:
    for epoch in epochs:
        if log.record(epoch.index) != epoch.record.to_bytes():
            raise EpochError(f"the desk's epoch {epoch.index} is not the one in the public log")
        yield epoch


def _feed(session: requests.Session, trust: Trust, key: AuditKey) -> EpochFeed:
    auth = MemberAuth(key.id, key.signing_key, time.time)
    return EpochFeed(HttpClient(session, auth), trust.cards[-1].desk, causes=True)


def _begin(trust: Trust, key: AuditKey, grant_path: Path | None) -> int:
    """Return where a grant begins; without one, the beginning of the log."""
    if grant_path is None:
        return 0
    grant = check_grant(read_note(grant_path), trust.cards[-1])
    if grant.auditor != key.id:
        raise GrantError("the grant is for another auditor")
    return grant.from_index


def _judge(dossier: Dossier, size: int) -> None:
    breaches = check_rules(dossier, datetime.datetime.now(datetime.UTC).date())
    cases = {logged.event.case for logged in dossier.events} - {ZERO_HASH}
    click.echo(
        f"{len(dossier.events):,} events of {len(cases):,} cases"
        f" in the records {dossier.start} to {size - 1}."
    )
    for breach in breaches:
        click.echo(f"BREACH: {breach}.")
    click.echo("Every rule was kept." if not breaches else f"{len(breaches)} breaches.")
    sys.exit(1 if breaches else 0)
