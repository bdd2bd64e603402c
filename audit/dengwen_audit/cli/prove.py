"""`dengwen-audit prove`: a proof that anybody can check offline."""

from __future__ import annotations

from pathlib import Path

import click

from dengwen_audit.cli.options import open_session, read_trust, trust_options
from dengwen_audit.proof import LogProof
from dengwen_audit.tiles import VerifiedLog, read_checkpoint
from dengwen_audit.trust import open_office


@click.command("prove")
@click.argument("target")
@click.argument("index", type=click.IntRange(min=0))
@trust_options
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the proof here, as INDEX.tlog-proof for example; or to the screen.",
)
def command(
    target: str,
    index: int,
    card_path: Path | None,
    policy_path: Path | None,
    output: Path | None,
) -> None:
    """
    Prove that the record INDEX, counted from 0, is in the log at TARGET.

    The proof carries the record as its extra, and the checkpoint with its cosignatures, so that any
    tool that knows C2SP tlog-proof can check it.
    """
    with open_session() as session:
        office = open_office(target, session)
        trust = read_trust(card_path, policy_path, office)
        note = read_checkpoint(office.log)
        log = VerifiedLog(office.log, trust.policy.check(note).checkpoint)
        if index >= log.checkpoint.size:
            raise click.BadParameter(
                f"the log has {log.checkpoint.size} records", param_hint="INDEX"
            )
        record = log.record(index)
        path = log.prove_inclusion(index, record)
    proof = LogProof(record, index, tuple(path), note).to_bytes()
    if output:
        output.write_bytes(proof)
    else:
        click.echo(proof.decode(), nl=False)
