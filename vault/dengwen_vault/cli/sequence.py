"""`dengwen-vault sequence`."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import click

from dengwen_vault.cli import options
from dengwen_vault.errors import DiskError


@click.command("sequence")
@options.folder
def command(folder: Path) -> None:
    """
    Make the log of the office in DIR grow by one record a tick, until told to stop.

    It ends by itself if another sequencer is at work, if the disk refuses, or if database, public
    files and witnesses disagree about the past; docs/runbooks/incidents.md tells what then.
    """
    try:
        _sequence(folder)
    except OSError as error:
        raise DiskError(
            f"the disk refused ({error.strerror}), and nothing was signed after that: mend it, "
            "then start again"
        ) from error


def _sequence(folder: Path) -> None:
    import requests

    from dengwen_audit.log import Sequencer
    from dengwen_vault.durability import check_durable
    from dengwen_vault.epoch_store import VaultEpochStore
    from dengwen_vault.logs import configure_logging
    from dengwen_vault.publication import OfficePublisher
    from dengwen_vault.schema import check_schema
    from dengwen_vault.settings import read_key
    from dengwen_vault.vault import Vault

    configure_logging()
    vault = Vault(folder, time.time)
    check_schema(vault.store)
    check_durable(vault.store, vault.settings.replication)
    key, card = read_key(vault.settings.log_key_file), vault.card
    publisher = OfficePublisher(vault.public_folder, key.verification_key, vault.store)
    epochs, session = VaultEpochStore(vault.store), requests.Session()
    sequencer = Sequencer(epochs, publisher, key, card.policy, session)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    click.echo(f"The log grows every {card.tick} seconds.")
    try:
        sequencer.run(stop, card.tick)
    finally:
        sequencer.close()
        publisher.close()
