"""
One office's vault: everything that the door and the desk may ask of the store, as plain methods.

A `Vault` is safe to share between threads; several processes may open the same folder. Each method
is one transaction. Notes come in parsed and go out as they came in; who may call a method has been
settled by its caller (`dengwen_vault.access` for members, the case key's signature for
petitioners), what a statement may say is checked here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.member import Member
from dengwen_audit.statements.roster import Roster

Clock = Callable[[], float]


@dataclass(frozen=True)
class CaseEvent:
    """One sequenced event: its exact text, the signed note that caused it, and its receipt."""

    event: bytes
    cause: bytes | None
    receipt: bytes | None  # None until its record is public


@dataclass(frozen=True)
class CaseFile:
    """A case as its petitioner or its panel sees it: events in order, all that are sequenced."""

    manifest: bytes
    events: tuple[CaseEvent, ...]


@dataclass(frozen=True)
class RequestState:
    """What became of a request: its event once sequenced, its receipt once public, the answers."""

    event: bytes | None
    receipt: bytes | None
    answers: tuple[tuple[bytes, bytes], ...]  # answer note, sealed bytes


@dataclass(frozen=True)
class Work:
    """What waits for one holder or mirror: requests that are in the public log, and challenges."""

    requests: tuple[NoteHash, ...]
    challenges: tuple[bytes, ...]


@dataclass(frozen=True)
class WorkItem:
    """All that one holder needs to judge one request."""

    request: bytes
    receipt: bytes
    case: CaseFile
    share: bytes


@dataclass(frozen=True)
class EpochBundle:
    """One epoch with all its leaves, as a mirror or a granted auditor gets it."""

    index: int
    record: bytes
    leaves: tuple[bytes, ...]
    causes: dict[NoteHash, bytes]
    manifests: dict[CaseId, bytes]


class Vault:
    """
    The store of one office.

    Args:
        folder: The data folder that `dengwen-vault init` made.
        clock: Gives seconds since 1970.
    """

    def __init__(self, folder: Path, clock: Clock) -> None: ...

    @property
    def card(self) -> Card:
        """The newest card."""

    @property
    def roster(self) -> Roster:
        """
        The roster in force: the one the newest record names.

        Raises:
            NotReadyError: If the log has no record yet.
        """

    # What the public door asks.

    def accept(self, sealed: bytes, *, at_once: bool = False) -> Note:
        """
        Check and store a sealed petition; return the signed acceptance, with today's day.

        The same petition again changes nothing and gets the same answer as a new one.

        Args:
            sealed: A whole ``.petition`` file.
            at_once: Let it enter the log at the next tick, not in a random epoch of the delay.

        Raises:
            AuditError, KeysError: If the file is not a well-formed, well-signed sealed petition.
            SealAgainError: If its roster is unknown, or has ended too long ago.
            SecondManifestError: If the case has another manifest.
        """

    def case_of(self, signing_key: bytes) -> CaseId | None:
        """Return the case of this public key (32 bytes), if there is one."""

    def case_events(self, case: CaseId) -> CaseFile:
        """Return the manifest and all sequenced events of *case*, with causes and receipts."""

    def post_challenge(self, case: CaseId, note: Note) -> None:
        """
        Keep a petitioner's challenge until every holder and mirror has seen it, or two days.

        Raises:
            AuditError: If it is no challenge, or not signed by the key of *case*.
            TooManyError: If the case has used up its challenges of the day.
        """

    def heads(self, case: CaseId, nonce: bytes) -> tuple[bytes, ...]:
        """Return the signed heads that came in for the challenge with this *nonce* (32 bytes)."""

    def post_case_statement(self, case: CaseId, note: Note, *, at_once: bool = False) -> NoteHash:
        """Take a statement signed by the case key; its event is sequenced like a petition."""

    # What members ask at the desk.

    def desk(self, member: Member) -> tuple[tuple[CaseId, NoteHash, str], ...]:
        """Return case, manifest hash and day of each received case whose panel *member* is on."""

    def manifest(self, member: Member, case: CaseId) -> bytes:
        """Return the manifest note of a case of the member's panel."""

    def part(self, member: Member, case: CaseId, name: str) -> bytes:
        """Return one part of a case of the member's panel; never a share."""

    def panel_events(self, member: Member, case: CaseId) -> CaseFile:
        """Return what `case_events` does, to a member of the panel."""

    def post_request(self, member: Member, note: Note) -> NoteHash:
        """Check a request and put it in line for the log; the same note again changes nothing."""

    def request_state(self, member: Member, request: NoteHash) -> RequestState:
        """Return what became of the member's own request."""

    def work(self, member: Member) -> Work:
        """Return what waits for a holder or a mirror."""

    def work_item(self, member: Member, request: NoteHash) -> WorkItem:
        """Return one waiting request with all that the holder of its seat needs."""

    def answer(self, member: Member, note: Note, sealed: bytes) -> None:
        """
        Take a holder's release or refusal, and put it in line for the log.

        Raises:
            SecondAnswerError: If the holder has answered this request otherwise.
        """

    def post_head(self, member: Member, note: Note) -> None:
        """Take a holder's or mirror's signed head for a petitioner's challenge."""

    def post_statement(self, member: Member, note: Note) -> NoteHash:
        """Take a member's statement about a case and put it in line for the log."""

    def epochs(
        self, member: Member, start: int, stop: int, *, causes: bool
    ) -> tuple[EpochBundle, ...]:
        """Return epochs *start* up to, not including, *stop*: to mirrors and granted auditors."""

    # What the office's own staff does at the command line.

    def publish_card(self, note: Note) -> None:
        """Check a card against the one before it, and put its event in line."""

    def publish_roster(self, note: Note) -> None:
        """Check a roster against the one before it, and put its event in line."""

    def post_grant(self, note: Note) -> None:
        """Take a root-signed grant, or the end of one, and put its event in line."""
