"""People at their own machines: folders with key files, and commands typed as they would be."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from pathlib import Path

from click.testing import CliRunner

from dengwen_audit.errors import AuditError
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.roster import Roster
from dengwen_keys.cli.main import group
from dengwen_keys.errors import KeysError
from dengwen_keys.keyfile import Cost, MemberKeys, seal_keyfile
from tests.small_office import make_card, make_roster, make_seed, sign_by_roots

PASSPHRASE = "a drum before the palace"
CHEAP = Cost(memory_kib=8 * 1024, passes=1, lanes=1)


@dataclass(frozen=True)
class Transcript:
    """What a command printed, how it ended, and by which refusal."""

    output: str
    exit_code: int
    refusal: Exception | None

    def __contains__(self, words: str) -> bool:
        """Tell whether the command printed these words."""
        return words in self.output


def type_command(*words: object, keyboard: str = "") -> Transcript:
    """Run ``dengwen-keys`` with these words; *keyboard* is what is typed when it asks."""
    result = CliRunner().invoke(group, [str(word) for word in words], input=keyboard)
    refusal = result.exception if isinstance(result.exception, KeysError | AuditError) else None
    if result.exception is not None and not isinstance(
        result.exception, KeysError | AuditError | SystemExit
    ):
        raise result.exception
    return Transcript(result.output, result.exit_code, refusal)


def write_key(folder: Path, name: str) -> Path:
    """Write the key file of somebody of the small office, under `PASSPHRASE`."""
    path = folder / f"{name}.key"
    keys = MemberKeys(name, make_seed(name), make_seed(f"{name} sealing"), None)
    path.write_bytes(seal_keyfile(keys, PASSPHRASE, CHEAP))
    return path


def write_passphrase(folder: Path) -> Path:
    """Write the passphrase into a file, as a service would read it."""
    path = folder / "passphrase"
    path.write_text(f"{PASSPHRASE}\nnot this line\n", encoding="utf-8")
    return path


def write_signed(folder: Path, name: str, text: bytes) -> Path:
    """Write a note that the root threshold of the small office signed."""
    path = folder / name
    path.write_bytes(sign_by_roots(text).to_bytes())
    return path


def current_roster() -> Roster:
    """Return the roster of the small office, for thirty days from today."""
    today = datetime.datetime.now(datetime.UTC).date()
    until = today + datetime.timedelta(days=30)
    return replace(make_roster(), valid_from=today, valid_until=until)


def to_toml(card: Card, roster: Roster) -> str:
    """Write down an office as a person would, so that exactly this card and roster follow."""
    log, *witnesses = (line.split(" ") for line in card.policy_lines[:-2])
    blocks = [
        _table(
            "[card]",
            office=card.office,
            name=card.name,
            operator=card.operator,
            door=card.door,
            desk=card.desk,
            tick=card.tick,
            root_threshold=card.root_threshold,
            log=log[1],
            log_url=log[2],
            witness_quorum=card.policy.groups[0].threshold,
        ),
        _table(
            "[roster]",
            days=30,
            panel=roster.panel_size,
            gatekeepers=roster.gatekeepers.k,
            trustees=roster.trustees.k,
            petitioner_delay=roster.petitioner_delay,
            acceptance_deadline=roster.acceptance_deadline,
            request_lifetime=roster.request_lifetime,
            openings_per_day=roster.openings_per_day,
            answer_deadline=roster.answer_deadline_days,
            disclosure_wait=roster.disclosure_wait,
            intake=roster.intake.to_text(),
        ),
    ]
    blocks += [
        _table("[[root]]", key=root.key.to_text(), institution=root.institution)
        for root in card.roots
    ]
    blocks += [_table("[[witness]]", member=w[1], key=w[2], url=w[3]) for w in witnesses]
    blocks += [
        _table("[[jurisdiction]]", code=j.code, above=j.parent, name=j.name)
        for j in roster.jurisdictions
    ]
    blocks += [
        _table("[[institution]]", id=i.id, jurisdiction=i.jurisdiction, name=i.name)
        for i in roster.institutions
    ]
    blocks += [
        _table(
            "[[member]]",
            role=m.role,
            seat=m.seat or None,
            institution=m.institution,
            jurisdiction=m.jurisdiction,
            key=m.key.to_text(),
            recipient=m.recipient,
            address=m.address,
            escrow=m.escrow.hex() if m.escrow else None,
        )
        for m in roster.members
    ]
    blocks += [_table("[[revoked]]", member=r.member, day=r.day) for r in roster.revoked]
    return "\n".join(blocks)


def _table(head: str, /, **words: str | int | datetime.date | None) -> str:
    lines = [
        f"{word.replace('_', '-')} = " + (f'"{value}"' if isinstance(value, str) else str(value))
        for word, value in words.items()
        if value is not None
    ]
    return "\n".join([head, *lines]) + "\n"


def small_office_toml() -> str:
    """Return the small office, written down."""
    return to_toml(make_card(), make_roster())
