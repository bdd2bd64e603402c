"""`dengwen-vault doctor`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from dengwen_vault.cli import options


@click.command("doctor")
@options.folder
def command(folder: Path) -> None:
    """Look at everything in DIR that an operator should look at; exit code 1 if one is a fault."""
    from dengwen_vault.doctor import FAULT, examine
    from dengwen_vault.vault import Vault

    findings = examine(Vault(folder, time.time), time.time())
    for finding in findings:
        click.echo(f"{finding.state:8} {finding.sentence}")
    if any(finding.state == FAULT for finding in findings):
        sys.exit(1)
