"""`dengwen-submit receipt`: check a receipt offline."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from dengwen_audit.receipt import check_receipt
from dengwen_submit.cli.options import answer_in, language_option, office_option
from dengwen_submit.office import read_card
from dengwen_submit.sentences import sentence


@click.command("receipt")
@click.argument("receipt", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@office_option
@language_option
def command(*, receipt: Path, office_folder: Path, language: str) -> None:
    """
    Check RECEIPT with nothing but the office's card; needs no network, now or in ten years.

    Anybody may be shown a receipt: it proves one event and opens nothing.
    """
    checked = check_receipt(receipt.read_bytes(), read_card(office_folder).policy)
    event, cosigned = checked.event, checked.cosigned
    day = datetime.datetime.fromtimestamp(cosigned.median_time, datetime.UTC).date()
    click.echo(f"Proven: {sentence(event, answer_in(language))}")
    click.echo(f"  event {event.number} of its case ({event.type}), on {event.day}")
    click.echo(f"  record {checked.index} of the log {cosigned.checkpoint.origin}")
    click.echo(f"  vouched for by {', '.join(sorted(cosigned.times))} on {day}")
