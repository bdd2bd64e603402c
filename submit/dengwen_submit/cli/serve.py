"""`dengwen-submit serve`: run an office's public door."""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path

import click


@click.command("serve")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, help="0 takes any free port.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="One for each core that the door may use.",
)
def command(folder: Path, host: str, port: int, processes: int) -> None:
    """
    Serve the door of the office in FOLDER, the one that `dengwen-vault init` made.

    Nothing about visitors is written anywhere: no address, no path, no time.
    """
    # A petitioner's machine has no web server installed; only this command needs one.
    from dengwen_submit.crew import run_crew
    from dengwen_submit.door_server import Opening, serve_door, serve_listener
    from dengwen_submit.web import create_door
    from dengwen_vault.durability import check_durable
    from dengwen_vault.logs import configure_logging
    from dengwen_vault.schema import check_schema
    from dengwen_vault.vault import Vault

    def open_door() -> Opening:
        vault = Vault(folder, time.time)
        check_schema(vault.store)
        check_durable(vault.store, vault.settings.replication)
        return Opening(create_door(vault, time.time), vault)

    def tell(bound: int) -> None:
        click.echo(f"The door is open on port {bound}.")

    configure_logging()
    if processes == 1:
        serve_door(open_door(), host, port, tell)
        return
    open_door().vault.close()  # what is wrong is told once, and before the port is taken

    def serve(listener: socket.socket, stop: threading.Event) -> None:
        serve_listener(open_door(), listener, stop)

    sys.exit(run_crew(processes, (host, port), serve, tell))
