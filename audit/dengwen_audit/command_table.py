"""
A command group made from a table: each command's module is imported only when it is used.

So a petitioner's `seal` loads no web server, and the help text needs no imports at all. All four
commands of the project are built on it, and all refuse in the same way: one sentence, exit code 1.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping

import click


class CommandTable(click.Group):
    """
    A command group whose commands live in modules of their own.

    Args:
        package: The package that holds the modules; each has the command as ``command``.
        table: What each command does, by name; a hyphen in a name is an underscore in its module.
    """

    def __init__(self, name: str, package: str, table: Mapping[str, str], text: str) -> None:
        super().__init__(name, help=text)
        self._package = package
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the table's order."""
        del ctx  # the table is the same in every context
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command."""
        del ctx  # as above
        if cmd_name not in self._table:
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table into the help text."""
        del ctx  # as above
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))


def run(group: click.Group, *refusals: type[Exception]) -> None:
    """Run *group*; an error of one of the *refusals* is one sentence and exit code 1."""
    try:
        group(prog_name=group.name)
    except refusals as error:
        click.echo(f"Not done: {error}.", err=True)
        for hint in getattr(error, "suggestions", ()):
            click.echo(f"  Did you mean: {hint}", err=True)
        sys.exit(1)
