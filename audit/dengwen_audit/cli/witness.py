"""`dengwen-audit witness`: the service that cosigns a log which only grows."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import click

from dengwen_audit.auditkey import read_key
from dengwen_audit.cli.options import (
    address_options,
    data_option,
    file_type,
    key_option,
    read_note,
    read_policy,
    say_ready,
)
from dengwen_audit.note import VerificationKey
from dengwen_audit.statements.card import check_card

WITNESS_FILE = "witness.sqlite"

command = click.Group("witness", help="Run a witness: it cosigns a log that only grows.")


@command.command()
@click.option("--card", "cards", type=file_type, multiple=True, help="An office's card; repeat it.")
@click.option("--policy", "policies", type=file_type, multiple=True, help="Or a log's policy.")
@key_option
@data_option
@address_options
def run(
    *,
    cards: tuple[Path, ...],
    policies: tuple[Path, ...],
    key_path: Path,
    folder: Path,
    host: str,
    port: int,
) -> None:
    """
    Witness the logs that cards and policies name.

    It must be reachable by the logs, through a web server that speaks TLS. It keeps the newest
    checkpoint of each log in --data: that memory is what makes a witness, so back it up never and
    delete it never; if it is lost, make a new key and tell the root keepers.
    """
    from dengwen_audit.web import serve
    from dengwen_audit.witness import Witness
    from dengwen_audit.witness_web import make_witness_app

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logs = [*map(_log_of_card, cards), *(read_policy(path).log_key for path in policies)]
    if not logs:
        raise click.UsageError("give a --card or a --policy")
    folder.mkdir(parents=True, exist_ok=True)
    witness = Witness(folder / WITNESS_FILE, read_key(key_path).cosigner, logs, time.time)
    try:
        serve(make_witness_app(witness), host, port, say_ready)
    finally:
        witness.close()


def _log_of_card(path: Path) -> VerificationKey:
    return check_card(read_note(path), None).policy.log_key
