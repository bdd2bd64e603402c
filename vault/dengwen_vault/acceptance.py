"""
Whether a sealed petition may come in, and the signed word that it has.

A petition may have travelled for weeks on paper or a stick, sealed for a roster that has ended. It
is taken for 180 days after that, as long as enough of its seats and one of its panel live on; else
the answer is to seal it again, and nothing is stored.
"""

from __future__ import annotations

import datetime

from sqlalchemy import Connection, select

from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.acceptance import Acceptance
from dengwen_audit.statements.manifest import Manifest, check_against_roster
from dengwen_audit.statements.member import HOLDERS
from dengwen_audit.statements.roster import Roster
from dengwen_keys.petition_file import SealedPetition
from dengwen_vault.errors import SealAgainError, SettingsError
from dengwen_vault.models import Roster as RosterRow
from dengwen_vault.standing import Office, Standing

GRACE = datetime.timedelta(days=180)


def check_may_come_in(
    connection: Connection,
    office: Office,
    standing: Standing,
    manifest: Manifest,
    today: datetime.date,
) -> None:
    """
    Check a manifest against its own roster, and that roster against the one in force.

    Raises:
        SealAgainError: If the roster was never in force here, or can no longer be served.
        ManifestError: If the manifest is not as its roster demands.
    """
    roster = standing.roster
    if manifest.roster != standing.roster_hash:
        roster = _past_roster(connection, office, manifest.roster)
    check_against_roster(manifest, roster)
    if today >= roster.valid_until + GRACE or not _is_served(manifest, roster, standing.roster):
        raise SealAgainError("it was sealed for a roster that can no longer be served")


def sign_acceptance(
    standing: Standing, petition: SealedPetition, today: datetime.date, key: SigningKey
) -> Note:
    """
    Return the office's signed acceptance; the same petition and day give the same bytes.

    Raises:
        SettingsError: If *key* is not the one that the roster in force names.
    """
    roster = standing.roster
    if key.verification_key != roster.intake:
        raise SettingsError("the intake key is not the one in the roster")
    acceptance = Acceptance(
        office=roster.office,
        case=petition.manifest.case,
        manifest=petition.note.hash,
        day=today,
        deadline=roster.acceptance_deadline,
    )
    return sign_note(acceptance.to_bytes(), key)


def _past_roster(connection: Connection, office: Office, hash_: bytes) -> Roster:
    first = select(RosterRow.first_epoch).where(RosterRow.hash == hash_)
    if connection.scalar(first) is None:
        raise SealAgainError("it was sealed for a roster that was never in force here")
    return office.roster(connection, hash_)


def _is_served(manifest: Manifest, sealed_for: Roster, current: Roster) -> bool:
    """Tell whether those in office today can still open what was sealed for an older roster."""
    if sealed_for is current:
        return True
    panel = any(current.is_active(id_) for id_ in manifest.panel)
    return panel and all(
        _living_seats(role, sealed_for, current) >= sealed_for.quorum(role).k for role in HOLDERS
    )


def _living_seats(role: str, sealed_for: Roster, current: Roster) -> int:
    """Count the seats whose holder still has the recipient that the shares were sealed to."""
    now = {member.seat: member for member in current.active(role)}
    return sum(
        member.seat in now and now[member.seat].recipient == member.recipient
        for member in sealed_for.seats(role)
    )
