"""What an operator may see at a glance: sizes of the public log, and of the rest only the order."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from dengwen_audit.text import HASH_SIZE
from dengwen_vault.columns import Base
from dengwen_vault.models import LogHead, PendingEvent, Petition, Reception, Work
from dengwen_vault.public_log import PublicLog
from dengwen_vault.vault import Vault

MAX_COUNTED = 250  # petitions that are counted one by one


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
    Return the state of an office; what waits is counted, and what has come is estimated.

    Raises:
        AuditError: If the public checkpoint is not what a client would believe.
    """
    view = PublicLog(vault.settings.log_folder).view()
    cosigned = vault.card.policy.check(view.checkpoint) if view else None
    with vault.store.reading() as connection:
        size = connection.execute(select(LogHead.size)).scalar_one()
        petitions = bucket(estimate_petitions(connection))
        pending = bucket(_count(connection, PendingEvent) + _count(connection, Reception))
        work = bucket(_count(connection, Work))
    return Status(
        committed=size,
        public=view.size if view else 0,
        petitions=petitions,
        pending=pending,
        work=work,
        witnesses=tuple(sorted(cosigned.times)) if cosigned else (),
        checkpoint_age=int(now - cosigned.median_time) if cosigned else None,
    )


def estimate_petitions(connection: Connection) -> int:
    """
    Return how many petitions there are: exactly below `MAX_COUNTED`, then to about a tenth.

    Case ids are hashes, so they lie evenly: how far the first so many reach tells how many there
    are. A crowd that looks for small ids could make it too large; nothing depends on it.
    """
    rising = select(Petition.case_id).order_by(Petition.case_id).limit(MAX_COUNTED)
    cases = connection.scalars(rising).all()
    if len(cases) < MAX_COUNTED:
        return len(cases)
    share = 1 + int.from_bytes(cases[-1], "big")
    return MAX_COUNTED * (1 << 8 * HASH_SIZE) // share


def _count(connection: Connection, table: type[Base]) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def bucket(count: int) -> str:
    """Return the order of magnitude of *count*: an exact number over time tells single arrivals."""
    if count == 0:
        return "none"
    low = 10 ** (len(str(count)) - 1)
    return f"{low} to {10 * low - 1}"
