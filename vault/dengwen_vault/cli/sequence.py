"""`dengwen-vault sequence`."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dengwen_vault.cli import options
from dengwen_vault.errors import DiskError

if TYPE_CHECKING:
    from dengwen_vault.follower import Follower
    from dengwen_vault.place import Place


@click.command("sequence")
@options.folder
def command(folder: Path) -> None:
    """
    Make the log of the office in DIR grow by one record a tick, until told to stop.

    Of several sequencers on one PostgreSQL one works; the others keep their public files the same,
    and wait until it is gone. It ends by itself if another sequencer has the public folder open, if
    the disk refuses, or if database, public files and witnesses disagree about the past;
    docs/runbooks/incidents.md tells what then.
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
    from dengwen_vault.follower import Follower
    from dengwen_vault.logs import configure_logging
    from dengwen_vault.place import Place
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
    place, session = Place(vault.store), requests.Session()
    epochs = VaultEpochStore(vault.store, check_place=place.check)
    sequencer = Sequencer(epochs, publisher, key, card.policy, session)
    follower = Follower(vault.store, publisher, card.policy)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        if _wait(place, follower, stop, card.tick):
            click.echo(f"The log grows every {card.tick} seconds.")
            sequencer.run(stop, card.tick)
    finally:
        place.close()
        sequencer.close()
        publisher.close()


def _wait(place: Place, follower: Follower, stop: threading.Event, tick: int) -> bool:
    """Wait until no other sequencer is at work; return False if told to stop before."""
    is_told = False
    while not place.take():
        if not is_told:
            click.echo("Another sequencer is at work; this one waits.")
            is_told = True
        follower.look(stop, tick)
        if stop.is_set():
            return False
    return True
