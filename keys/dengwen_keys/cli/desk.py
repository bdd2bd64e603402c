"""`dengwen-keys desk`: the cases that were drawn to a reviewer."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_keys.cli.files import card_option, key_option, passphrase_option
from dengwen_keys.cli.reviewing import Outside, as_reviewer
from dengwen_keys.reviewer import DeskCase


@click.command()
@click.pass_obj
@card_option
@key_option
@passphrase_option
def command(
    given: Outside | None, card_path: Path, key_path: Path, passphrase_file: Path | None
) -> None:
    """
    List your cases: when each came in, in which language, and whether it is urgent.

    This is what the petitioner sealed to you for choosing an order; the petitions stay closed.
    Urgent ones come first, then the oldest.
    """
    with as_reviewer(given, card_path, key_path, passphrase_file) as reviewer:
        cases = reviewer.cases()
    for case in sorted(cases, key=_order):
        click.echo(_line(case))
    if not cases:
        click.echo("No cases.")


def _order(case: DeskCase) -> tuple[bool, str, bytes]:
    return not (case.left and case.left.urgent), case.served.day, case.served.case


def _line(case: DeskCase) -> str:
    head = f"{case.served.case.hex()}  {case.served.day}"
    if case.left is None:
        return f"{head}  cannot be read: {case.fault}"
    return f"{head}  {case.left.language}{'  urgent' if case.left.urgent else ''}"
