"""
The way in for sealed petitions: every check, the signed acceptance, and one commit for many.

Whoever comes in, alone or in a crowd, comes in here. What is in force is read once for a group; it
can change at a tick, and a group lasts for a fraction of one, just as each single petition does.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note, SigningKey
from dengwen_keys.errors import KeysError
from dengwen_keys.petition_file import SealedPetition
from dengwen_vault.acceptance import check_may_come_in, sign_acceptance
from dengwen_vault.attachments import check_allowance
from dengwen_vault.database import Store
from dengwen_vault.deposit import Deposit, deposit_all
from dengwen_vault.errors import SecondManifestError, VaultError
from dengwen_vault.grouping import Group
from dengwen_vault.line import draw_epoch
from dengwen_vault.papers import fill_slot
from dengwen_vault.segments import Segments
from dengwen_vault.standing import Office, Standing, utc_day

Refusal = AuditError | KeysError | VaultError


@dataclass(frozen=True, repr=False)
class Arrival:
    """
    What somebody sent.

    Attributes:
        sealed: The letter: the file without its attachments, not looked at yet.
        at_once: Let it enter the log at the next tick, not in a random epoch of the delay.
    """

    sealed: bytes
    at_once: bool = False


class Admission:
    """
    Checks what arrives, stores what may come in, and signs for it.

    Args:
        segments: Where parts and papers lie; none if they lie in their rows.
        intake_key: Gives the key that signs acceptances, when the first is to be signed.
        allowance: Bytes that the attachments of a case may have together.
    """

    def __init__(  # noqa: PLR0913  # what a petition is held against, and where it goes
        self,
        store: Store,
        segments: Segments | None,
        office: Office,
        clock: Callable[[], float],
        *,
        intake_key: Callable[[], SigningKey],
        allowance: int,
    ) -> None:
        self._store = store
        self._segments = segments
        self._office = office
        self._clock = clock
        self._intake_key = intake_key
        self._allowance = allowance
        self._alone = Group(self._write)

    def accept(self, arrival: Arrival) -> Note:
        """Check and store one; who comes meanwhile shares its commit. See `Vault.accept`."""
        petition, today = SealedPetition.parse_letter(arrival.sealed), self._today()
        with self._store.reading() as connection:
            standing = self._office.standing(connection)
            what = self._examine(connection, standing, arrival, petition, today)
        self._alone.commit(what, order=what.manifest.case)
        return what.acceptance

    def accept_all(self, arrivals: Sequence[Arrival]) -> list[Note | Refusal]:
        """Check all and store those that may come in, in one commit. See `Vault.accept_all`."""
        answers: list[Note | Refusal | Deposit] = []
        today = self._today()
        with self._store.reading() as connection:
            standing = self._office.standing(connection)
            for arrival in arrivals:
                try:
                    petition = SealedPetition.parse_letter(arrival.sealed)
                    answers.append(self._examine(connection, standing, arrival, petition, today))
                except (AuditError, KeysError, VaultError) as refusal:
                    answers.append(refusal)
        outcome = iter(self._store_all([what for what in answers if isinstance(what, Deposit)]))
        return [next(outcome) if isinstance(what, Deposit) else what for what in answers]

    def _store_all(self, deposits: Sequence[Deposit]) -> list[Note | Refusal]:
        if not deposits:
            return []
        order = sorted(range(len(deposits)), key=lambda place: deposits[place].manifest.case)
        refusals = self._write([deposits[place] for place in order])
        refused = dict(zip(order, refusals, strict=True))
        return [refused[place] or what.acceptance for place, what in enumerate(deposits)]

    def _write(self, deposits: Sequence[Deposit]) -> list[SecondManifestError | None]:
        """
        Bring *deposits*, by rising case id, to the disk; tell of each what refuses it.

        The slots are durable before the rows are that name them. A slot that no row names
        is given back, but not after an error: what is committed then is not known.
        """
        laid = self._lay_down(deposits)
        with self._store.writing() as connection:
            outcomes = deposit_all(connection, laid)
        if self._segments is not None:
            of_known = [what for what, came in zip(laid, outcomes, strict=True) if not came.is_new]
            self._segments.free([what.slot for what in of_known if what.slot])
        return [outcome.refusal for outcome in outcomes]

    def _lay_down(self, deposits: Sequence[Deposit]) -> Sequence[Deposit]:
        """Lay parts and papers of *deposits* into slots, where there are segments."""
        if self._segments is None:
            return deposits
        slots = self._segments.put([fill_slot(what.parts, what.papers) for what in deposits])
        return [replace(what, slot=slot) for what, slot in zip(deposits, slots, strict=True)]

    def _examine(
        self,
        connection: Connection,
        standing: Standing,
        arrival: Arrival,
        petition: SealedPetition,
        today: datetime.date,
    ) -> Deposit:
        """Check a petition against its roster and the one in force, and sign for it."""
        check_may_come_in(connection, self._office, standing, petition.manifest, today)
        check_allowance(petition.manifest, self._allowance)
        acceptance = sign_acceptance(standing, petition, today, self._intake_key())
        delay = 0 if arrival.at_once else standing.roster.petitioner_delay
        not_before = draw_epoch(standing.size, delay, standing.card.tick)
        return Deposit(petition, acceptance, today, not_before)

    def _today(self) -> datetime.date:
        return utc_day(self._clock())
