"""`dengwen-vault serve`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dengwen_vault.cli import options


@click.command("serve")
@options.folder
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8081, show_default=True, help="0 takes any free port.")
def command(folder: Path, host: str, port: int) -> None:
    """Serve the desk of the office in DIR, behind a proxy that speaks TLS."""
    from dengwen_audit.web import serve
    from dengwen_vault.durability import check_durable
    from dengwen_vault.logs import configure_logging
    from dengwen_vault.schema import check_schema
    from dengwen_vault.vault import Vault
    from dengwen_vault.web import create_desk

    configure_logging()
    vault = Vault(folder, time.time)
    check_schema(vault.store)
    check_durable(vault.store, vault.settings.replication)
    desk = create_desk(vault, time.time)
    serve(desk, host, port, lambda bound: click.echo(f"The desk is open on port {bound}."))
