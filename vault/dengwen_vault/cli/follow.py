"""`dengwen-vault follow`."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import click

from dengwen_vault.cli import options


@click.command("follow")
@options.folder
def command(folder: Path) -> None:
    """
    Keep the public files in DIR as the sequencer of another machine makes them.

    For a machine with a door or a desk and no sequencer. It needs the database and no key.
    """
    from dengwen_vault.follower import Follower
    from dengwen_vault.logs import configure_logging
    from dengwen_vault.publication import OfficePublisher
    from dengwen_vault.schema import check_schema
    from dengwen_vault.vault import Vault

    configure_logging()
    vault = Vault(folder, time.time)
    check_schema(vault.store)
    card = vault.card
    publisher = OfficePublisher(vault.public_folder, card.policy.log_key, vault.store)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    click.echo("The public files follow those of the sequencer.")
    try:
        Follower(vault.store, publisher, card.policy).run(stop, card.tick)
    finally:
        publisher.close()
