"""What an operator may see at a glance: sizes of the public log, and of the rest only the order."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from dengwen_vault.models import Base, LogHead, PendingEvent, Petition, Work
from dengwen_vault.public_log import PublicLog
from dengwen_vault.vault import Vault


@dataclass(frozen=True)
class Status:
    """
    The state of an office.

    Attributes:
        committed: Records in the database; *public* ones are under the witnesses' checkpoint.
        petitions, pending, work: Sizes by their order of magnitude, such as ``100 to 999``.
        witnesses: Those whose cosignature the checkpoint bears.
        checkpoint_age: Seconds, by the witnesses' clocks; None before the first checkpoint.
    """

    committed: int
    public: int
    petitions: str
    pending: str
    work: str
    witnesses: tuple[str, ...]
    checkpoint_age: int | None


def look(vault: Vault, now: float) -> Status:
    """
    Return the state of an office; counts rows, so its cost grows with the office.

    Raises:
        AuditError: If the public checkpoint is not what a client would believe.
    """
    view = PublicLog(vault.settings.log_folder).view()
    cosigned = vault.card.policy.check(view.checkpoint) if view else None
    with vault.store.reading() as connection:
        size = connection.execute(select(LogHead.size)).scalar_one()
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in _COUNTED
        ]
    petitions, pending, work = map(bucket, counts)
    return Status(
        committed=size,
        public=view.size if view else 0,
        petitions=petitions,
        pending=pending,
        work=work,
        witnesses=tuple(sorted(cosigned.times)) if cosigned else (),
        checkpoint_age=int(now - cosigned.median_time) if cosigned else None,
    )


_COUNTED: tuple[type[Base], ...] = (Petition, PendingEvent, Work)


def bucket(count: int) -> str:
    """Return the order of magnitude of *count*: an exact number over time tells single arrivals."""
    if count == 0:
        return "none"
    low = 10 ** (len(str(count)) - 1)
    return f"{low} to {10 * low - 1}"
