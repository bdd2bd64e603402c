"""What tests of attachments do again and again."""

from __future__ import annotations

from dengwen_keys.petition_file import SealedPetition
from dengwen_vault.settings import SETTINGS_FILE
from dengwen_vault.vault import Vault
from tests.vault.office import VaultOffice

PARTS = ("attachment/1", "attachment/2")


def read(office: VaultOffice, petition: SealedPetition, number: int) -> bytes:
    """Fetch an attachment as a member of the panel."""
    member = office.vault.roster.member(petition.manifest.panel[0])
    return office.vault.part(member, petition.manifest.case, f"attachment/{number}")


def with_settings(office: VaultOffice, *lines: str) -> Vault:
    """Return the office's vault after an operator wrote other settings."""
    path = office.folder / SETTINGS_FILE
    names = [line.partition(" ")[0] for line in lines]
    kept = [line for line in path.read_text().splitlines() if line.partition(" ")[0] not in names]
    path.write_text("\n".join([*kept, *lines, ""]))
    return Vault(office.folder, office.clock)
