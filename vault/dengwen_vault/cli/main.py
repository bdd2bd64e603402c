"""`dengwen-vault`: what the staff of an office does with its store."""

from __future__ import annotations

from dengwen_audit.command_table import CommandTable, run
from dengwen_audit.errors import AuditError
from dengwen_keys.errors import KeysError
from dengwen_vault.errors import VaultError

COMMANDS = {
    "keys": "Make the office's two keys, whose public halves card and roster name",
    "init": "Begin an office with a signed card and roster, or bring its database up to date",
    "card": "Publish the next card",
    "roster": "Publish the next roster",
    "grant": "Let an auditor read events, or end it",
    "serve": "Run the desk, where members are served",
    "sequence": "Make the log grow, one record a tick",
    "follow": "Keep the public files of a machine without a sequencer",
    "status": "Show the log's size, and of the rest only the order",
    "doctor": "Look at everything that an operator should look at",
    "backup": "Write the whole office to one file, while it runs",
    "restore": "Unpack a backup into a new folder",
}
TEXT = """
Keep an office's sealed petitions and its log.

Begin with `keys`; root keepers then sign card and roster; then `init`, `serve` and `sequence`.
"""

group = CommandTable("dengwen-vault", "dengwen_vault.cli", COMMANDS, TEXT)


def main() -> None:
    """Run the command."""
    run(group, VaultError, AuditError, KeysError)
