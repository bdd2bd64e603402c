"""`dengwen-submit receipt`: check a receipt offline."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from dengwen_audit.note import Note
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.card import check_card
from dengwen_submit.cli.options import office_option
from dengwen_submit.office import CARD
from dengwen_submit.sentences import sentence


@click.command("receipt")
@click.argument("receipt", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@office_option
@click.option("--language", default="en", show_default=True)
def command(*, receipt: Path, office_folder: Path, language: str) -> None:
    """
    Check RECEIPT with nothing but the office's card; needs no network, now or in ten years.

    Anybody may be shown a receipt: it proves one event and opens nothing.
    """
    card = check_card(Note.parse((office_folder / CARD).read_bytes()), None)
    checked = check_receipt(receipt.read_bytes(), card.policy)
    event, cosigned = checked.event, checked.cosigned
    day = datetime.datetime.fromtimestamp(cosigned.median_time, datetime.UTC).date()
    click.echo(f"Proven: {sentence(event, language)}")
    click.echo(f"  event {event.number} of its case, on {event.day}")
    click.echo(f"  record {checked.index} of the log {cosigned.checkpoint.origin}")
    click.echo(f"  vouched for by {', '.join(sorted(cosigned.times))} on {day}")
