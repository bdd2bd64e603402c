"""`dengwen-submit serve`: run an office's public door."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click


@click.command("serve")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, help="0 takes any free port.")
@click.option(
    "--processes",
    type=click.IntRange(0, 64),
    default=os.cpu_count() or 1,
    show_default="one for each core",
    help="Check and store petitions, beside the one that holds the connections; 0: it does itself.",
)
def command(folder: Path, host: str, port: int, processes: int) -> None:
    """
    Serve the door of the office in FOLDER, the one that `dengwen-vault init` made.

    Nothing about visitors is written anywhere: no address, no path, no time.
    """
    # A petitioner's machine has no web server installed; only this command needs one.
    from dengwen_submit.door_server import Opening, serve_door
    from dengwen_submit.web import create_door
    from dengwen_submit.workers import Worker, worker_command
    from dengwen_vault.durability import check_durable
    from dengwen_vault.logs import configure_logging
    from dengwen_vault.schema import check_schema
    from dengwen_vault.vault import Vault

    configure_logging()
    vault = Vault(folder, time.time)
    check_schema(vault.store)
    check_durable(vault.store, vault.settings.replication)
    workers = [Worker(worker_command(folder)) for _ in range(processes)]
    opening = Opening(create_door(vault, time.time), vault, workers=workers)
    serve_door(opening, host, port, lambda bound: click.echo(f"The door is open on port {bound}."))
