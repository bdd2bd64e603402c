"""`dengwen-submit`: the petitioner's own tools, and the door that an office opens."""

from __future__ import annotations

import io
import sys

from dengwen_audit.command_table import CommandTable, run
from dengwen_audit.errors import AuditError
from dengwen_keys.errors import KeysError
from dengwen_submit.errors import SubmitError
from dengwen_vault.errors import VaultError

COMMANDS = {
    "card": "Fetch an office's card, roster and latest proof, and pin them",
    "seal": "Seal a petition to a file, without a network",
    "send": "Send a sealed petition; twice is one petition",
    "status": "Show everything that happened to a case, with its proofs",
    "receipt": "Check a receipt offline",
    "withdraw": "Withdraw a petition: nothing of it is opened after",
    "serve": "Run the public door of an office",
}
TEXT = """
Petition an office so that nobody can open it alone.

Begin with `card`, then `seal`, then `send`; later `status`.
"""

group = CommandTable("dengwen-submit", "dengwen_submit.cli", COMMANDS, TEXT)


def main() -> None:
    """Run the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names in a script it cannot show
    run(group, SubmitError, AuditError, KeysError, VaultError, OSError)
