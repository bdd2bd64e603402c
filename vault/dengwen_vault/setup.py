"""
How an office begins: its keys first, then card and roster by the root keepers, then the store.

The order is forced: the card names the log's key and the roster the intake key, and both are signed
by people of other institutions, who take their time. Each step may be repeated; nothing that is
there is overwritten.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from dengwen_audit.note import SEED_SIZE, Note, SigningKey, VerificationKey
from dengwen_audit.statements.card import check_card
from dengwen_audit.statements.fields import check_office
from dengwen_audit.statements.roster_rules import check_past_roster
from dengwen_vault.errors import SettingsError
from dengwen_vault.schema import migrate
from dengwen_vault.settings import (
    SETTINGS_FILE,
    SYNCHRONOUS,
    Settings,
    read_key,
    write_key,
    write_settings,
)
from dengwen_vault.vault import Clock, Vault

INTAKE_NAME = "intake"
SQLITE_URL = "sqlite:///vault.sqlite3"


def make_keys(folder: Path, office: str) -> tuple[VerificationKey, VerificationKey]:
    """
    Make the office's two keys in a new data folder; return the log's and the intake's public half.

    Args:
        office: The log's origin, such as ``dengwen.example/log``.

    Raises:
        TextError: If this cannot be an office.
        SettingsError: If a key is there already.
    """
    check_office(office, "office")
    settings = Settings(folder, SQLITE_URL, folder / "public")
    log_key = SigningKey(office, secrets.token_bytes(SEED_SIZE))
    intake_key = SigningKey(INTAKE_NAME, secrets.token_bytes(SEED_SIZE))
    return (
        write_key(settings.log_key_file, log_key),
        write_key(settings.intake_key_file, intake_key),
    )


def init(  # noqa: PLR0913  # what makes an office: two documents, two settings
    folder: Path,
    card: Note,
    roster: Note,
    clock: Clock,
    *,
    database: str = SQLITE_URL,
    replication: str = SYNCHRONOUS,
) -> None:
    """
    Begin an office, or bring its database to the newest revision.

    Raises:
        AuditError: If card or roster may not be trusted.
        SettingsError: If they do not name this folder's keys.
    """
    if not (folder / SETTINGS_FILE).exists():
        _check_keys(folder, card, roster)
        write_settings(folder, database, replication)
    vault = Vault(folder, clock)
    migrate(vault.store, vault.places)
    vault.publish_card(card)
    vault.publish_roster(roster)
    vault.close()


def _check_keys(folder: Path, card: Note, roster: Note) -> None:
    """Check that the root keepers signed for the keys in this folder."""
    settings = Settings(folder, SQLITE_URL, folder / "public")
    checked = check_card(card, None)
    if checked.policy.log_key != read_key(settings.log_key_file).verification_key:
        raise SettingsError("the card names another log key than the one in the data folder")
    intake = check_past_roster(roster, checked).intake
    if intake != read_key(settings.intake_key_file).verification_key:
        raise SettingsError("the roster names another intake key than the one in the data folder")
