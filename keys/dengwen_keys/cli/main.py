"""`dengwen-keys`: for root keepers and members, each on a machine of their own."""

from __future__ import annotations

from dengwen_audit.command_table import CommandTable, run
from dengwen_audit.errors import AuditError
from dengwen_keys.errors import KeysError

COMMANDS = {
    "office": "Begin an office: a folder with a file to fill in",
    "member": "Make a member's keys, and show what others need of them",
    "root": "Make a root keeper's key, and show what others need of it",
    "card": "Draft, sign and check an office card",
    "roster": "Draft, sign and check a roster",
    "grant": "Draft, sign and check an auditor's leave to read events",
    "coalition": "Count who would have to collude",
    "inspect": "Say what a file is, and whether it verifies",
    "desk": "As a reviewer: list your cases",
    "request": "As a reviewer: ask for the opening of a case",
    "open": "As a reviewer: open what the gatekeepers released",
    "gatekeeper": "Run a gatekeeper: witness, holder and its address in one",
}
TEXT = """
Keep the keys of an office.

Everything up to `inspect` works without a network. A key file is sealed under a passphrase, which
is asked for, or read from a file; it is never an argument.
"""

group = CommandTable("dengwen-keys", "dengwen_keys.cli", COMMANDS, TEXT)


def main() -> None:
    """Run the command."""
    run(group, KeysError, AuditError)
