"""
One office's vault: everything that the door and the desk may ask of the store, as plain methods.

A `Vault` is safe to share between threads; several processes may open the same folder. Each method
is one transaction. Notes come in parsed and go out as they came in; who may call a method has been
settled by its caller (`dengwen_vault.access` for members, the case key's signature for
petitioners), what a statement may say is checked here.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from dengwen_audit.note import Note, NoteHash, SigningKey
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.member import Member
from dengwen_audit.statements.roster import Roster
from dengwen_vault import attachments, cases, challenges, epochs, grants, publication, statements
from dengwen_vault import requests as opening_requests
from dengwen_vault import work as holders_work
from dengwen_vault.access import SignedRequest, UsedNonces, check_member
from dengwen_vault.admission import Admission, Arrival, Refusal
from dengwen_vault.attachments import Due
from dengwen_vault.blobs.choice import open_blobs
from dengwen_vault.blobs.store import Blobs, fetch
from dengwen_vault.cases import CaseFile, DeskLine
from dengwen_vault.database import Store, insert_new
from dengwen_vault.epochs import EpochBundle
from dengwen_vault.models import Attachment
from dengwen_vault.papers import read_papers
from dengwen_vault.parts import attachment_number, panel_part
from dengwen_vault.public_log import PublicLog
from dengwen_vault.requests import RequestState
from dengwen_vault.schema import Places
from dengwen_vault.segments import open_segments
from dengwen_vault.settings import Settings, read_key
from dengwen_vault.standing import Office, Standing, utc_day
from dengwen_vault.work import Waiting, WorkItem

__all__ = ["CaseFile", "Clock", "Vault"]

Clock = Callable[[], float]


class Vault:
    """
    The store of one office.

    Args:
        folder: The data folder that `dengwen-vault init` made.
        clock: Gives seconds since 1970.

    Attributes:
        segments: Where sealed parts and papers lie on SQLite; on PostgreSQL they are in their rows.
        nonces: Remembers the nonces of signed requests, for door and desk together.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Read the settings; the database is opened by the first question."""
        self.settings = Settings.load(folder)
        self.store = Store(self.settings.database, self.settings.replication)
        self.segments = open_segments(self.settings.sealed_folder)
        self.nonces = UsedNonces(self.store)
        self._clock = clock
        self._office = Office()
        self._log = PublicLog(self.settings.log_folder)
        self._admission = Admission(
            self.store,
            self.segments,
            self._office,
            clock,
            intake_key=lambda: self._intake_key,
            allowance=self.settings.allowance,
        )

    @property
    def public_folder(self) -> Path:
        """The folder of public files."""
        return self.settings.public

    @property
    def card(self) -> Card:
        """The newest card."""
        with self.store.reading() as connection:
            return self._office.card(connection)

    @property
    def roster(self) -> Roster:
        """
        The roster in force: the one the newest record names.

        Raises:
            NotReadyError: If the log has no record yet.
        """
        return self.standing().roster

    @cached_property
    def blobs(self) -> Blobs:
        """Where attachments lie."""
        return open_blobs(self.settings)

    @property
    def places(self) -> Places:
        """What lies outside the database."""
        return Places(self.blobs, self.segments)

    @cached_property
    def _intake_key(self) -> SigningKey:
        return read_key(self.settings.intake_key_file)

    @cached_property
    def ticket_key(self) -> bytes:
        """The key of the door's tickets: every process of the office has the same."""
        return hmac.digest(self._intake_key.seed, b"dengwen ticket key 1", "sha256")

    def standing(self) -> Standing:
        """Return what is in force now; see `dengwen_vault.standing`."""
        with self.store.reading() as connection:
            return self._office.standing(connection)

    def close(self) -> None:
        """Close every connection, and let go of the segments."""
        self.store.close()
        if self.segments is not None:
            self.segments.close()

    # What the public door asks.

    def accept(self, sealed: bytes, *, at_once: bool = False) -> Note:
        """
        Check and store a sealed petition's letter; return the signed acceptance, with today's day.

        The same petition again changes nothing and gets the same answer as a new one.

        Args:
            sealed: A ``.petition`` file without its attachments.
            at_once: Let it enter the log at the next tick, not in a random epoch of the delay.

        Raises:
            AuditError, KeysError: If the file is not a well-formed, well-signed sealed petition.
            SealAgainError: If its roster is unknown, or has ended too long ago.
            AllowanceError: If it announces more attachments than the office takes.
            SecondManifestError: If the case has another manifest.
        """
        return self._admission.accept(Arrival(sealed, at_once))

    def accept_all(self, arrivals: Sequence[Arrival]) -> list[Note | Refusal]:
        """
        Do as `accept` for many at once, in one transaction; tell of each what came of it.

        The answers are in the order of *arrivals*, and true when this returns: all is on disk.
        """
        return self._admission.accept_all(arrivals)

    def due_attachment(self, acceptance: str, number: int) -> Due:
        """
        Return the attachment that may be sent on the word of an *acceptance*, a note in base64.

        Raises:
            NotAcceptedError: If it is not this office's word on a case that is here.
            NoAttachmentError: If the manifest names no attachment of this *number*.
        """
        with self.store.reading() as connection:
            return attachments.due_attachment(
                connection, self.segments, self._office, acceptance, number
            )

    def put_attachment(self, due: Due, data: bytes) -> None:
        """
        Store an attachment; when this returns, it is here for good. Twice is once.

        Raises:
            OtherBytesError: If it is not what the manifest names.
            UnavailableError: If it cannot be stored now; send it again.
        """
        attachments.check_bytes(due, data)
        self.blobs.put(data)
        with self.store.writing() as connection:
            insert_new(connection, Attachment, {"case_id": due.case, "number": due.number})

    def arrived(self, case: CaseId) -> tuple[int, ...]:
        """Return the numbers of the attachments of *case* that have come."""
        with self.store.confirming() as connection:
            return attachments.arrived(connection, case)

    def case_of(self, signing_key: bytes) -> CaseId | None:
        """Return the case of this public key (32 bytes), if there is one."""
        with self.store.reading() as connection:
            return cases.case_of(connection, signing_key)

    def case_events(self, case: CaseId) -> CaseFile:
        """Return the manifest and all sequenced events of *case*, with causes and receipts."""
        with self.store.reading() as connection:
            return cases.case_file(connection, self.segments, case, self._log.view())

    def post_challenge(self, case: CaseId, note: Note) -> None:
        """
        Keep a petitioner's challenge until the end of the next day.

        Raises:
            AuditError: If it is no challenge, or not signed by the key of *case*.
            TooManyError: If the case has used up its challenges of the day.
        """
        with self.store.writing() as connection:
            standing, today = self._office.standing(connection), utc_day(self._clock())
            challenges.post_challenge(connection, standing, case, note, today)

    def heads(self, case: CaseId, nonce: bytes) -> tuple[bytes, ...]:
        """Return the signed heads that came in for the challenge with this *nonce* (32 bytes)."""
        with self.store.reading() as connection:
            return challenges.heads(connection, case, nonce)

    def post_case_statement(self, case: CaseId, note: Note, *, at_once: bool = False) -> NoteHash:
        """Take a statement signed by the case key; its event is sequenced like a petition."""
        with self.store.writing() as connection:
            standing = self._office.standing(connection)
            return statements.post_case_statement(
                connection, self.segments, standing, case, note, at_once=at_once
            )

    # What members ask at the desk.

    def check_member(self, asked: SignedRequest, now: float) -> Member:
        """
        Check that an active member signed this request to the desk, lately and for the first time.

        Raises:
            HttpSignatureError: The class says what is wrong.
        """
        return check_member(asked, self.standing(), self.nonces, now)

    def desk(self, member: Member, after: bytes = b"") -> tuple[DeskLine, ...]:
        """Return the received cases whose panel *member* is on, at most 1000 *after* a case id."""
        with self.store.reading() as connection:
            return cases.desk_lines(connection, member.id, after)

    def manifest(self, member: Member, case: CaseId) -> bytes:
        """Return the manifest note of a case of the member's panel."""
        with self.store.reading() as connection:
            cases.check_on_panel(connection, member.id, case)
            return read_papers(connection, self.segments, case).manifest

    def part(self, member: Member, case: CaseId, name: str) -> bytes:
        """
        Return one part of a case of the member's panel; never a share.

        Raises:
            NotHereYetError: If it is an attachment that has not come.
            BlobError: If what was stored of it is gone or changed.
        """
        number = attachment_number(name)
        with self.store.reading() as connection:
            cases.check_on_panel(connection, member.id, case)
            if number is None:
                return panel_part(connection, self.segments, case, name)
            part = attachments.arrived_part(connection, self.segments, case, number)
        return fetch(self.blobs, part.sha256, part.length)

    def panel_events(self, member: Member, case: CaseId) -> CaseFile:
        """Return what `case_events` does, to a member of the panel."""
        with self.store.reading() as connection:
            cases.check_on_panel(connection, member.id, case)
            return cases.case_file(connection, self.segments, case, self._log.view())

    def post_request(self, member: Member, note: Note) -> NoteHash:
        """Check a request and put it in line for the log; the same note again changes nothing."""
        with self.store.writing() as connection:
            standing, today = self._office.standing(connection), utc_day(self._clock())
            return opening_requests.post_request(connection, standing, member, note, today)

    def request_state(self, member: Member, request: bytes) -> RequestState:
        """Return what became of the member's own request."""
        with self.store.reading() as connection:
            view = self._log.view()
            return opening_requests.request_state(connection, member, request, view)

    def work(self, member: Member) -> Waiting:
        """Return what waits for a holder or a mirror."""
        with self.store.reading() as connection:
            today, size = utc_day(self._clock()), self._log.size()
            return Waiting(
                requests=holders_work.waiting_requests(connection, member, size, today),
                challenges=challenges.waiting_challenges(connection, member),
            )

    def work_item(self, member: Member, request: bytes) -> WorkItem:
        """Return one waiting request with all that the holder of its seat needs."""
        with self.store.reading() as connection:
            view = self._log.view()
            return holders_work.work_item(connection, self.segments, member, request, view)

    def answer(self, member: Member, note: Note, sealed: bytes) -> None:
        """
        Take a holder's release or refusal, and put it in line for the log.

        Raises:
            SecondAnswerError: If the holder has answered this request otherwise.
        """
        with self.store.writing() as connection:
            standing, today = self._office.standing(connection), utc_day(self._clock())
            holders_work.post_answer(connection, standing, member, note, sealed, today=today)

    def post_head(self, member: Member, note: Note) -> None:
        """Take a holder's or mirror's signed head for a petitioner's challenge."""
        with self.store.writing() as connection:
            challenges.post_head(connection, self._office.standing(connection), member, note)

    def post_statement(self, member: Member, note: Note) -> NoteHash:
        """Take a member's statement about a case and put it in line for the log."""
        with self.store.writing() as connection:
            standing = self._office.standing(connection)
            return statements.post_statement(connection, standing, member, note)

    def epochs(
        self, member: Member, start: int, stop: int, *, causes: bool
    ) -> tuple[EpochBundle, ...]:
        """
        Return epochs *start* to before *stop*, fewer if they are many, to those who may read them.

        A mirror gets committed epochs before they are public: it cosigns only what it holds. What
        a failover may take back it must not see, or it would hold what is then no epoch.
        """
        with self.store.confirming() as connection:
            grants.check_reader(connection, member, start, utc_day(self._clock()))
            return epochs.epoch_bundles(connection, self.segments, start, stop, causes=causes)

    # What the office's own staff does at the command line.

    def publish_card(self, note: Note) -> None:
        """Check a card against the one before it, put its event in line, and show it."""
        with self.store.writing() as connection:
            publication.publish_card(connection, note)
            newest = publication.newest_card(connection)
        publication.write_card(self.public_folder, note, newest)

    def publish_roster(self, note: Note) -> None:
        """Check a roster against the one before it, put its event in line, and show it."""
        with self.store.writing() as connection:
            card, today = self._office.card(connection), utc_day(self._clock())
            publication.publish_roster(connection, card, note, today)
        publication.write_roster(self.public_folder, note)

    def post_grant(self, note: Note) -> None:
        """Take a root-signed grant, or the end of one, and put its event in line."""
        with self.store.writing() as connection:
            grants.post_grant(connection, self._office.card(connection), note)
