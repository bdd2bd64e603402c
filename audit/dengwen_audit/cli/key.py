"""`dengwen-audit key`: the key file of a witness, a mirror or an auditor."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_audit.auditkey import AuditKey, read_key, write_key
from dengwen_audit.cli.options import key_option

AUDITOR = "auditor"
role_option = click.option(
    "--role",
    type=click.Choice(["mirror", AUDITOR, "witness"]),
    default="mirror",
    show_default=True,
    help="What the key is for; it decides what is printed.",
)


@click.group("key")
def command() -> None:
    """Make the key file of a witness, a mirror or an auditor, and show what others need of it."""


@command.command("create")
@click.argument("id_", metavar="ID")
@click.option(
    "--cosigner",
    help="Name of the cosigning key, such as its host's; 'ID/witness' if not given.",
)
@role_option
@key_option
def create(id_: str, cosigner: str | None, role: str, key_path: Path) -> None:
    """
    Make the keys of the member ID, and write them to a new key file that only you can read.

    The file is not sealed with a passphrase, since a service must start again by itself after a
    power cut: give it an account of its own. What is printed goes to whoever writes the office
    file, by a way on which nobody can change it.
    """
    key = AuditKey.make(id_, cosigner or f"{id_}/witness")
    write_key(key_path, key)
    click.echo(_public_lines(key, role))


@command.command("show")
@role_option
@key_option
def show(role: str, key_path: Path) -> None:
    """Print what belongs into the office file."""
    click.echo(_public_lines(read_key(key_path), role))


def _public_lines(key: AuditKey, role: str) -> str:
    lines = []
    if role != "witness":
        vkey = key.signing_key.verification_key.to_text()
        lines += ["[[member]]", f'role = "{role}"', 'institution = "<your institution>"']
        lines += ['jurisdiction = "<CODE>"', f'key = "{vkey}"']
    if role != AUDITOR:
        vkey = key.cosigner.key.verification_key.to_text()
        lines += ['address = "https://<your host>"', ""] if lines else []
        lines += ["[[witness]]", f'member = "{key.id}"', f'key = "{vkey}"']
        lines += ['url = "https://<your host>"']
    return "\n".join(lines)
