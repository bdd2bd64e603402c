"""`dengwen-keys gatekeeper`: the service that a gatekeeper's institution runs."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import click
import requests

from dengwen_audit.web import serve
from dengwen_keys.cli.files import (
    card_option,
    file_type,
    key_option,
    passphrase_option,
    read_keys,
    read_note,
)
from dengwen_keys.gatekeeper.service import Service, make_service

command = click.Group(
    "gatekeeper", help="Run a gatekeeper: witness, holder and its address in one."
)


@command.command()
@card_option
@key_option
@passphrase_option
@click.option(
    "--data",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The gatekeeper's own folder: what it has seen and what it answered.",
)
@click.option("--roster", "roster_path", type=file_type, help="A roster from the root keepers.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=0, show_default=True, help="The port; 0 for any free one.")
def run(  # noqa: PLR0917  # click gives them by name
    card_path: Path,
    key_path: Path,
    passphrase_file: Path | None,
    folder: Path,
    roster_path: Path | None,
    host: str,
    port: int,
) -> None:
    """
    Judge requests, and release this seat's share where the rules allow it.

    The service asks the office's desk for work, so it needs no way in. It answers petitioners and,
    if its key file has a cosigning key, cosigns the log: for these two the office and petitioners
    must be able to reach --host and --port, through a web server that speaks TLS.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    handed = read_note(roster_path) if roster_path else None
    keys = read_keys(key_path, passphrase_file)
    with requests.Session() as session:
        service = make_service(
            folder, read_note(card_path), keys, session, time.time, handed=handed
        )
        try:
            _run(service, host, port)
        finally:
            service.close()


def _run(service: Service, host: str, port: int) -> None:
    """Go round in one thread and serve in this one, until a signal ends both."""
    stop = threading.Event()

    def work() -> None:
        try:
            service.run(stop)
        finally:
            stop.set()  # a service that judges no more must not look alive

    daemon = threading.Thread(target=work, name="rounds")
    daemon.start()
    try:
        serve(service.app, host, port, _say_ready, stop=stop)
    finally:
        stop.set()
        daemon.join()


def _say_ready(port: int) -> None:
    click.echo(f"Listening on port {port}.")
