"""`dengwen-keys member`: the keys of a reviewer, gatekeeper, trustee or body."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from dengwen_audit.note import COSIGNATURE_V1, SEED_SIZE, SigningKey, VerificationKey
from dengwen_audit.statements.member import GATEKEEPER, HOLDERS, SEALED_TO
from dengwen_audit.text import TextError, check_token
from dengwen_keys.age.identities import Identity
from dengwen_keys.cli.files import key_option, passphrase_option, read_keys, write_keys
from dengwen_keys.keyfile import MemberKeys

cosigner_option = click.option(
    "--cosigner",
    help="Name of a gatekeeper's cosigning key, such as its host's; 'ID/witness' if not given.",
)


@click.group("member")
def command() -> None:
    """Make a member's keys, and show what others need of them."""


@command.command("create")
@click.argument("id_", metavar="ID")
@click.option("--role", type=click.Choice(SEALED_TO), required=True, help="What the member does.")
@cosigner_option
@key_option
@passphrase_option
def create(
    id_: str, role: str, cosigner: str | None, key_path: Path, passphrase_file: Path | None
) -> None:
    """
    Make the keys of the member ID, and write them to a new key file.

    What is printed goes to whoever writes the office file, by a way on which nobody can change it:
    best by hand, or compared by telephone. A gatekeeper also gets the key with which it witnesses
    the log. Mirrors and auditors make their keys with `dengwen-audit`.
    """
    check_token(id_, "ID")
    keys = MemberKeys(
        id_,
        signing_seed=secrets.token_bytes(SEED_SIZE),
        sealing_seed=secrets.token_bytes(SEED_SIZE),
        cosigning_seed=secrets.token_bytes(SEED_SIZE) if role == GATEKEEPER else None,
    )
    lines = _public_lines(keys, role, cosigner)
    write_keys(key_path, keys, passphrase_file)
    click.echo(lines)


@command.command("show")
@cosigner_option
@key_option
@passphrase_option
def show(cosigner: str | None, key_path: Path, passphrase_file: Path | None) -> None:
    """Print what belongs into the office file."""
    keys = read_keys(key_path, passphrase_file)
    role = "<your role>" if keys.cosigning_seed is None else GATEKEEPER
    click.echo(_public_lines(keys, role, cosigner))


def _public_lines(keys: MemberKeys, role: str, cosigner: str | None) -> str:
    key = SigningKey(keys.id, keys.signing_seed).verification_key
    lines = ["[[member]]", f'role = "{role}"']
    lines += ["seat = 0  # your seat, from 1"] if role in HOLDERS else []
    lines += ['institution = "<your institution>"', 'jurisdiction = "<CODE>"']
    lines += [f'key = "{key.to_text()}"']
    if keys.sealing_seed is not None:
        recipient = Identity.from_seed(keys.sealing_seed).recipient.to_text()
        lines += [f'recipient = "{recipient}"']
    if keys.cosigning_seed is not None:
        name = cosigner or f"{keys.id}/witness"
        lines += ['address = "https://<your host>"', ""]
        lines += _witness_lines(keys.id, SigningKey(name, keys.cosigning_seed, COSIGNATURE_V1))
    return "\n".join(lines)


def _witness_lines(id_: str, key: SigningKey) -> list[str]:
    text = key.verification_key.to_text()
    VerificationKey.parse(text)  # refuses a name that no key can bear
    if key.name == id_:
        raise TextError("the cosigning key needs another name than the member")
    return ["[[witness]]", f'member = "{id_}"', f'key = "{text}"', 'url = "https://<your host>"']
