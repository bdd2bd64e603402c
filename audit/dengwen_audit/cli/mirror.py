"""`dengwen-audit mirror`: the service that cosigns only what it holds."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import click

from dengwen_audit.auditkey import AuditKey, read_key
from dengwen_audit.cli.options import (
    address_options,
    data_option,
    key_option,
    open_session,
    read_note,
    required_card_option,
    say_ready,
)
from dengwen_audit.statements.card import Card, check_card

MIRROR_FILE = "mirror.sqlite"

command = click.Group("mirror", help="Run a mirror: a witness that holds every event.")


@command.command()
@required_card_option
@key_option
@data_option
@address_options
@click.option("--poll", default=10.0, show_default=True, help="Seconds between visits to the desk.")
def run(
    *, card_path: Path, key_path: Path, folder: Path, host: str, port: int, poll: float
) -> None:
    """
    Mirror the log of the office whose card is given.

    It fetches every epoch from the office's desk, holds it in --data, and only then cosigns. It
    answers petitioners, at its own address and by way of the desk. The office and petitioners must
    be able to reach --host and --port, through a web server that speaks TLS.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    card = check_card(read_note(card_path), None)
    folder.mkdir(parents=True, exist_ok=True)
    _serve(card, read_key(key_path), folder / MIRROR_FILE, (host, port), poll)


def _serve(card: Card, key: AuditKey, path: Path, address: tuple[str, int], poll: float) -> None:
    """Put the mirror together; poll in one thread and serve in this one until a signal comes."""
    from dengwen_audit.epoch_feed import EpochFeed
    from dengwen_audit.http_client import HttpClient
    from dengwen_audit.http_signature import MemberAuth
    from dengwen_audit.mirror import ChallengePoll, Mirror
    from dengwen_audit.mirror_store import MirrorStore
    from dengwen_audit.mirror_web import make_mirror_app
    from dengwen_audit.web import serve
    from dengwen_audit.witness import Witness

    http = HttpClient(open_session(), MemberAuth(key.id, key.signing_key, time.time))
    store = MirrorStore(path)
    mirror = Mirror(store, EpochFeed(http, card.desk), key.signing_key, card.office)
    witness = Witness(path, key.cosigner, [card.policy.log_key], time.time, mirror.hold)
    stop = threading.Event()
    polling = threading.Thread(
        target=ChallengePoll(http, card.desk, mirror).run, args=(stop, poll), name="challenges"
    )
    polling.start()
    try:
        serve(make_mirror_app(witness, mirror), *address, say_ready, stop=stop)
    finally:
        stop.set()
        polling.join()
        witness.close()
        store.close()
