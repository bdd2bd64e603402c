"""
A town: one whole office with everybody around it, in one process.

Every component is the one that runs in service: vault, sequencer, door, desk, gatekeepers, mirror,
and the clients of petitioners, reviewers and auditors. Only sockets and the clock are given. Who
attacks it takes what the story gives her: a wire to lie on, the database, the public folder, keys.
"""

from __future__ import annotations

import datetime
import functools
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.memory import Memory
from dengwen_audit.monitor import Report
from dengwen_audit.note import Note
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.statements.roster import Roster
from dengwen_keys.contents import IdentityPart
from dengwen_keys.office_client import DeskClient
from dengwen_keys.opening import OpenedPetition
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.released import Asked
from dengwen_keys.reviewer import Reviewer
from dengwen_keys.sealing import Attachment, Draft, seal
from dengwen_keys.words import Words
from dengwen_submit.door_client import DoorClient
from dengwen_submit.follow_up import CaseView, follow_up
from dengwen_submit.heads import HeadRound
from dengwen_submit.office import Office, OfficeFiles, check_office
from dengwen_vault.setup import SQLITE_URL
from tests import town_people as people
from tests.small_office import make_key
from tests.town_auditor import Auditor, make_grant
from tests.town_clock import Clock
from tests.town_office import OfficeHouse
from tests.town_reviewer import make_request, read_reasons, read_shares, sign_request
from tests.town_services import GatekeeperHouse, MirrorHouse, make_member_keys
from tests.town_wire import Network

TEXT = "The dam above the village leaks.\n\nNobody at the water board listens.\n"
ANONYMOUS = IdentityPart()
NAMED = IdentityPart(name="李秀英", contact="+86 10 5550 1234", address="北京市朝阳区")
_PATIENCE = 30.0  # seconds that a petitioner waits for heads


class Town:
    """
    An office whose card and roster are in the log, and everybody around it.

    Args:
        folder: An empty folder.
        database_url: An empty database; by default SQLite in the office's folder.

    Attributes:
        card: The card that everybody has pinned.
        office: What the operator runs.
        network: All wires.
        session: That of petitioners, reviewers and strangers.
        gatekeepers: By name.
        acceptances: What the door signed, by case.
    """

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        """Build the town, and let the log begin."""
        self.folder = folder
        self.clock = Clock(people.NOON)
        self.card = people.make_card()
        self.network = Network()
        self.session = self.network.session()
        self.acceptances: dict[CaseId, Note] = {}
        self.office = OfficeHouse(folder / "office", self.card, self.network, self.clock)
        card = people.sign_by_roots(self.card.to_bytes())
        roster = people.sign_by_roots(people.make_roster().to_bytes())
        self.office.begin(card, roster, database_url or SQLITE_URL)
        self._card_note = card
        self.gatekeepers = {name: self._gatekeeper(name) for name in people.GATEKEEPERS}
        self.mirror = MirrorHouse(folder, self.card, self.network, self.clock)
        self.reviewer = functools.cache(self._reviewer)
        self.office.open()
        self.tick()

    def _gatekeeper(self, name: str, handed: Note | None = None) -> GatekeeperHouse:
        return GatekeeperHouse(name, self.folder, self._card_note, self.network, self.clock, handed)

    def hand_over(self, name: str, roster: Note) -> None:
        """Let the root keepers hand a roster to a gatekeeper, who starts again with it."""
        self.gatekeepers[name].close()
        self.gatekeepers[name] = self._gatekeeper(name, roster)

    def tick(self, count: int = 1) -> None:
        """Let *count* ticks pass; each must give a public record."""
        for _ in range(count):
            self.clock.now += self.card.tick
            assert self.office.sequencer.tick(), "no quorum"

    def poll(self) -> None:
        """Let every gatekeeper and the mirror do what waits, once."""
        for house in self.houses:
            if not house.is_away:
                house.poll()

    @contextmanager
    def away(self, *names: str, reachable: bool = False, polling: bool = False) -> Iterator[None]:
        """Let some of the *houses* be out of reach for a while, and not poll, or one of both."""
        absent = [house for house in self.houses if house.name in names]
        for house in absent:
            house.wire.down, house.is_away = not reachable, not polling
        yield
        for house in absent:
            house.wire.down = house.is_away = False

    @property
    def houses(self) -> tuple[GatekeeperHouse | MirrorHouse, ...]:
        """Everybody who holds something for petitioners, and answers them."""
        return (*self.gatekeepers.values(), self.mirror)

    @property
    def roster(self) -> Roster:
        """The roster in force."""
        return self.office.vault.roster

    @property
    def today(self) -> datetime.date:
        """The day in UTC."""
        return datetime.datetime.fromtimestamp(self.clock(), datetime.UTC).date()

    @property
    def public(self) -> Path:
        """The public folder."""
        return self.office.vault.public_folder

    def checkpoint(self) -> Checkpoint:
        """Return the public checkpoint."""
        return Checkpoint.parse(Note.parse((self.public / "log/checkpoint").read_bytes()).text)

    # The petitioner.

    def door_client(self) -> DoorClient:
        """Return the door as a petitioner's tools see it."""
        return DoorClient(self.card.door, self.session, self.clock)

    def pinned(self) -> Office:
        """Return the office as a petitioner's tools fetch and check it."""
        door = self.door_client()
        paths = ("/card", "/roster", "/latest.tlog-proof")
        return check_office(OfficeFiles(*map(door.fetch, paths)), self.clock())

    def seal(
        self,
        text: str = TEXT,
        *,
        identity: IdentityPart = ANONYMOUS,
        language: str = "en",
        exclusions: Sequence[str] = (),
        attachments: Sequence[Attachment] = (),
        words: Words | None = None,
    ) -> tuple[Words, SealedPetition]:
        """Seal a petition to the pinned office."""
        words = words or Words.generate()
        draft = Draft(
            body=text,
            identity=identity,
            language=language,
            exclusions=tuple(exclusions),
            attachments=tuple(attachments),
        )
        return words, seal(draft, words, self.pinned().roster)

    def send(self, letter: bytes, *, at_once: bool = True) -> Note:
        """Send the letter of a sealed petition to the door; return the acceptance, checked."""
        answer = self.door_client().submit(
            io.BytesIO(letter), len(letter), at_once=at_once, progress=lambda _: None
        )
        note = Note.parse(answer)
        accepted = check_acceptance(note, self.pinned().roster)
        self.acceptances[accepted.case] = note
        return note

    def attach(self, sealed: SealedPetition, number: int, data: bytes | None = None) -> None:
        """Send an attachment of a petition that is accepted, or *data* in its place."""
        data = sealed.parts[f"attachment/{number}"] if data is None else data
        acceptance = self.acceptances[sealed.manifest.case].to_bytes()
        self.door_client().attach(number, io.BytesIO(data), len(data), acceptance, lambda _: None)

    def submit(
        self, text: str = TEXT, *, at_once: bool = True, **draft: object
    ) -> tuple[Words, SealedPetition]:
        """Seal a petition and send it with its files; what *draft* may hold stands at `seal`."""
        words, sealed = self.seal(text, **draft)  # type: ignore[arg-type]
        self.send(sealed.letter(), at_once=at_once)
        for number in range(1, len(sealed.manifest.attachments) + 1):
            self.attach(sealed, number)
        return words, sealed

    def received(self, text: str = TEXT, **draft: object) -> tuple[Words, SealedPetition]:
        """Submit a petition and let its reception enter the log."""
        words, sealed = self.submit(text, **draft)  # type: ignore[arg-type]
        self.tick()
        return words, sealed

    def follow_up(self, words: Words) -> CaseView:
        """Look at a case as its petitioner does; while she waits for heads, the holders poll."""
        asking = HeadRound(self.session, self.clock, _PATIENCE, self._wait)
        return follow_up(self.door_client(), self.pinned(), words, asking)

    def _wait(self) -> None:
        self.clock.now += 10
        self.poll()

    # The auditor.

    def visit(self, memory: Memory | None = None) -> Report:
        """Look at the public files as anybody may."""
        return Auditor(self.card, self.session, self.clock).visit(memory)

    def grant(self) -> None:
        """Let the root keepers give the auditor leave to read all events."""
        self.office.vault.post_grant(make_grant(self.roster.valid_until))
        self.tick()

    def audit(self) -> list[str]:
        """Look at every event as the auditor with a grant does; return what broke a rule."""
        return Auditor(self.card, self.session, self.clock).audit()

    # The reviewer.

    def _reviewer(self, name: str) -> Reviewer:
        """Return the client of a reviewer; a reviewer has one, which remembers manifests."""
        return Reviewer(self.card, make_member_keys(name), self.session, self.clock)

    def ask(self, reviewer: str, case: CaseId) -> Asked:
        """Ask to open a petition; the request enters the log, and the holders see it."""
        asked = self.reviewer(reviewer).ask(case)
        self.reviewer(reviewer).send(asked)
        self.tick()
        self.poll()
        return asked

    def open(self, reviewer: str, asked: Asked) -> OpenedPetition:
        """Open a petition with the shares that came for a request."""
        client = self.reviewer(reviewer)
        return client.open(asked, client.progress(asked))

    def asked_and_opened(self, sealed: SealedPetition, seat: int = 0) -> OpenedPetition:
        """Let a member of the panel ask for a petition that is received, and open it."""
        reviewer = sealed.manifest.panel[seat]
        return self.open(reviewer, self.ask(reviewer, sealed.manifest.case))

    # Who goes around the clients.

    def desk_client(self, member: str) -> DeskClient:
        """Return the desk as a member's client sees it."""
        return DeskClient(self.card.desk, self.session, make_key(member), self.clock)

    def request(
        self, requester: str, sealed: SealedPetition, signer: str = "", **changes: object
    ) -> Asked:
        """Sign a request by hand, with *changes*; nothing is sent."""
        request, fresh = make_request(
            sealed.manifest, requester, self.checkpoint(), self.roster.hash, **changes
        )
        return sign_request(request, fresh, make_key(signer or requester))

    def post(self, asked: Asked) -> None:
        """Leave a request at the desk; it enters the log, and the holders see it."""
        self.desk_client(asked.request.requester).ask(asked.note.to_bytes())
        self.tick()
        self.poll()

    def shares(self, asked: Asked) -> dict[int, bytes]:
        """Return the shares that came for a request, by seat."""
        state = self.desk_client(asked.request.requester).request(asked.hash)
        return read_shares(asked.fresh, state)

    def reasons(self, asked: Asked) -> dict[str, str]:
        """Return why holders refused a request, by holder."""
        state = self.desk_client(asked.request.requester).request(asked.hash)
        return read_reasons(asked.fresh, state)

    # The end.

    def close(self) -> None:
        """Close every file."""
        self.office.close()
        for house in self.houses:
            house.close()
        self.session.close()

    def __enter__(self) -> Self:
        """Live here for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every file."""
        self.close()
