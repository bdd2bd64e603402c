"""`dengwen-audit receipt`: what a receipt proves, and what it does not."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_audit.cli.options import file_type, read_trust, spell_time, trust_options
from dengwen_audit.receipt import CheckedReceipt, check_receipt
from dengwen_audit.text import ZERO_HASH


@click.command("receipt")
@click.argument("receipt", type=file_type)
@trust_options
def command(receipt: Path, card_path: Path | None, policy_path: Path | None) -> None:
    """
    Check the file RECEIPT with nothing but a card or a policy; no network is asked.

    Anybody may be shown a receipt: it proves one event, and opens nothing.
    """
    trust = read_trust(card_path, policy_path, None)
    for line in explain(check_receipt(receipt.read_bytes(), trust.policy)):
        click.echo(line)


def explain(checked: CheckedReceipt) -> list[str]:
    """Say in plain words what a checked receipt proves, and what it does not."""
    event, cosigned = checked.event, checked.cosigned
    what = "an event of the office" if event.case == ZERO_HASH else f"a case, {event.case.hex()}"
    lines = [
        f"Proven: {event.type}, by {event.actor}, dated {event.day}.",
        f"  It is number {event.number} of {what}.",
        f"  It is in record {checked.index} of the log {cosigned.checkpoint.origin}.",
        f"  The signed note behind it has the SHA-256 {event.cause.hex()}.",
        f"  The roster in force was {checked.record.roster.hex()}.",
    ]
    lines += [
        f"  {name} vouched for it at {spell_time(seconds)}."
        for name, seconds in sorted(cosigned.times.items())
    ]
    return [
        *lines,
        "Not proven: that nothing came after it, and that whoever signed told the truth.",
    ]
