"""`dengwen-keys coalition`: count who would have to collude."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_audit.statements.roster import Roster
from dengwen_keys.cli.files import file_type, read_card, read_roster
from dengwen_keys.coalition import (
    FORK_LOG,
    OPEN_IDENTITY,
    OPEN_PETITION,
    REPLACE_SEATS,
    Coalitions,
    find_coalitions,
)

MAX_SHOWN = 12

SENTENCES = {
    OPEN_PETITION: "To open a petition that nobody asked for in the log",
    OPEN_IDENTITY: "To open an identity that nobody asked for in the log",
    REPLACE_SEATS: "To name other holders, for future petitions and visibly",
    FORK_LOG: "To show two people two different logs",
}


@click.command("coalition")
@click.argument("card_file", type=file_type)
@click.argument("roster_file", type=file_type)
def command(card_file: Path, roster_file: Path) -> None:
    """
    Print the smallest sets of institutions that could do what nobody may.

    It counts who holds which keys, not who would use them so.
    """
    card = read_card(card_file)
    roster = read_roster(roster_file, card)
    for found in find_coalitions(card, roster):
        click.echo(_to_text(found, roster))


def _to_text(found: Coalitions, roster: Roster) -> str:
    names = {institution.id: institution.name for institution in roster.institutions}
    least = "" if found.sets else "at least "
    lines = [f"{SENTENCES[found.deed]}, it takes {least}{found.size} institutions:"]
    for members in found.sets[:MAX_SHOWN]:
        named = [names.get(member, member) for member in members]
        lines.append(f"  {' + '.join(named)}")
    hidden = len(found.sets) - MAX_SHOWN
    if found.more:
        lines.append("  and others")
    elif hidden > 0:
        lines.append(f"  and {hidden} others")
    return "\n".join(lines)
