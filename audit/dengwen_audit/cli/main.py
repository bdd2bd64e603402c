"""
`dengwen-audit`: for whoever wants to know what happened, and in what order.

Exit code 0: everything holds. 1: something does not. 2: it could not be told, since a file or a
service could not be reached, or the command was misspelt.
"""

from __future__ import annotations

import sys

import click

from dengwen_audit.auditkey import KeyFileError
from dengwen_audit.command_table import CommandTable, run
from dengwen_audit.errors import AuditError
from dengwen_audit.http_client import UnreachableError
from dengwen_audit.tiles import TileError

COMMANDS = {
    "verify": "Verify a log from its public files, all of it",
    "prove": "Write the proof that a record is in the log",
    "receipt": "Check a receipt offline, and say what it proves",
    "events": "With a grant: check every rule of every case",
    "key": "Make the key file of a witness, a mirror or an auditor",
    "witness": "Run a witness: it cosigns a log that only grows",
    "mirror": "Run a mirror: a witness that holds every event",
}
TEXT = """
Check what an office did.

Exit code 0 means that everything holds, 1 that something does not, and 2 that it could not be told.
"""
UNTOLD = 2  # exit code

group = CommandTable("dengwen-audit", "dengwen_audit.cli", COMMANDS, TEXT)


def main() -> None:
    """Run the command."""
    try:
        run(group)
    except (UnreachableError, TileError, KeyFileError) as error:
        click.echo(f"Could not be told: {error}.", err=True)
        sys.exit(UNTOLD)
    except AuditError as error:
        click.echo(f"Does not hold: {error}.", err=True)
        sys.exit(1)
