"""`dengwen-audit verify`: everything that can be checked from a log's public files."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from dengwen_audit.cli.options import open_session, read_trust, spell_time, trust_options
from dengwen_audit.memory import Memory, read_memory, write_memory
from dengwen_audit.monitor import Monitor, Report
from dengwen_audit.tile_writer import write_durably
from dengwen_audit.trust import open_office


@click.command("verify")
@click.argument("target")
@trust_options
@click.option(
    "--state",
    "state_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Remember this visit here; without it no fork can be noticed.",
)
def command(
    target: str, card_path: Path | None, policy_path: Path | None, state_path: Path | None
) -> None:
    """
    Verify the log at TARGET, the address of an office's public files or a folder with a copy.

    Every tile and the root are derived again from the records, signatures and witnesses are
    checked, and so are pace, freshness and the chain of rosters. With --state each visit is
    compared with the last, and a log that was set back or forked is found.
    """
    with open_session() as session:
        office = open_office(target, session)
        trust = read_trust(card_path, policy_path, office)
        memory = read_memory(state_path, trust.policy.log_key.name) if state_path else None
        report = Monitor(office, trust, memory, time.time()).visit()
    _say(report)
    if state_path:
        _remember(state_path, memory, report)
    sys.exit(0 if report.is_clean else 1)


def _say(report: Report) -> None:
    if report.cosigned:
        checkpoint, times = report.cosigned.checkpoint, report.cosigned.times
        click.echo(f"{checkpoint.origin}: {checkpoint.size:,} records")
        click.echo(f"  root {checkpoint.root.hex()}")
        for name, seconds in sorted(times.items()):
            click.echo(f"  cosigned by {name} at {spell_time(seconds)}")
    for notice in report.notices:
        click.echo(f"Note: {notice}.")
    for breach in report.breaches:
        click.echo(f"BREACH: {breach}.")
    click.echo("Sound." if report.is_clean else f"NOT SOUND: {len(report.breaches)} breaches.")


def _remember(path: Path, before: Memory | None, report: Report) -> None:
    """Write the memory; of a visit that found a breach, keep the checkpoint beside it."""
    after = report.remember(before)
    if after is not None and after is not before:
        write_memory(path, after)
    elif report.note is not None:
        evidence = path.with_name(path.name + ".breach")
        write_durably(evidence, report.note.to_bytes())
        click.echo(f"The checkpoint is kept in {evidence}.")
