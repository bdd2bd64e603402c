"""
The load on an office: petitioners send until they have an answer, reviewers ask to open.

Everybody behaves as the project's clients do: what got no answer is sent again, the same bytes.
What the office said yes to is written down here, in a process that no fault touches.
"""

from __future__ import annotations

import contextlib
import io
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import requests

from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_keys.contents import IdentityPart
from dengwen_keys.errors import KeysError
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.released import Asked
from dengwen_keys.reviewer import Reviewer
from dengwen_keys.sealing import Attachment, Draft, seal
from dengwen_keys.words import Words
from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import DoorError
from tests.faults.office import Office
from tests.patience import PATIENCE
from tests.town_services import make_member_keys

PETITIONERS = 2
REVIEWERS = 3
_WITH_FILES = 4  # one petition in so many has files
_AGAIN = 10  # one petition in so many is sent once more although it was accepted
_FINAL = {"not-accepted", "other-bytes", "no-attachment"}


@dataclass(frozen=True)
class Sent:
    """A petition that somebody sealed: her words, her text, and what she sends, files included."""

    words: Words
    text: str
    sealed: SealedPetition


@dataclass(frozen=True)
class Accepted:
    """A petition for which the door has signed."""

    petition: Sent
    acceptance: Note


@dataclass(frozen=True)
class Acknowledged:
    """A request that the desk took, and the petition that it is for."""

    petition: Sent
    asked: Asked


@dataclass(frozen=True)
class Attached:
    """An attachment of which the door has said that it has it."""

    petition: Sent
    number: int


@dataclass
class Load:
    """
    Petitioners and reviewers of an *office*.

    Attributes:
        accepted: What the door has signed for.
        attached: Which attachments it has taken.
        asked: What the desk took.
        opened: How many petitions were opened, each to the text that was sealed.
        refusals: How often the office said that it cannot, by status.
        faults: What no office may do to anybody.
        clock: What reviewers' devices show; it may be changed at any time.
    """

    office: Office
    seed: int
    accepted: list[Accepted] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)
    asked: list[Acknowledged] = field(default_factory=list)
    opened: int = 0
    unanswered: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    pause_seconds: float = 0.1
    clock: Callable[[], float] = time.time
    petitioners: int = PETITIONERS
    _going: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _busy: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Get ready; nothing is sent before `go`."""
        jobs = [self._petition] * self.petitioners + [self._review] * REVIEWERS
        chances = [random.Random(f"{self.seed} {number}") for number in range(len(jobs))]
        self._threads = [
            threading.Thread(target=job, args=(chance,), daemon=True)
            for job, chance in zip(jobs, chances, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def go(self) -> None:
        """Begin, or go on."""
        self._going.set()

    @property
    def state(self) -> str:
        """What somebody wants to know who waited for something in vain."""
        return (
            f"{len(self.accepted)} accepted, {len(self.attached)} attached, {len(self.asked)} asked"
            f", {self.opened} opened, {self.unanswered} unanswered, {self._busy} busy, "
            f"refused: {self.refusals}, faults: {self.faults}"
        )

    def rest(self) -> None:
        """Begin nothing new, and return when what was begun is done."""
        self._going.clear()
        deadline = time.monotonic() + 2 * PATIENCE
        while self._busy:
            assert time.monotonic() < deadline, f"not done: {self.state}"
            time.sleep(0.05)

    def close(self) -> None:
        """End it."""
        self._stop.set()
        self._going.set()
        for thread in self._threads:
            thread.join()

    @contextlib.contextmanager
    def _turn(self, seconds: float) -> Iterator[bool]:
        self._stop.wait(seconds)
        self._going.wait()
        with self._lock:
            self._busy += 1
        try:
            yield not self._stop.is_set() and self._going.is_set()
        except Exception as error:  # noqa: BLE001  # a thread's end would go unnoticed
            self.faults.append(f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._busy -= 1

    def _petition(self, chance: random.Random) -> None:
        with requests.Session() as session:
            door = DoorClient(self.office.card.door, session)
            while not self._stop.is_set():
                with self._turn(chance.uniform(0, 2 * self.pause_seconds)) as goes:
                    if goes:
                        self._petition_once(door, chance)

    def _petition_once(self, door: DoorClient, chance: random.Random) -> None:
        """Seal one petition and send it until the door signs; now and then send it once more."""
        sent = self.seal(chance)
        data, at_once = sent.sealed.letter(), chance.random() < 0.7
        acceptance = self._send(door, data, at_once=at_once)
        if acceptance is None:
            return
        check_acceptance(acceptance, self.office.roster)
        self.accepted.append(Accepted(sent, acceptance))
        for number in range(1, len(sent.sealed.manifest.attachments) + 1):
            self._attach(door, sent, number, acceptance)
        if chance.randrange(_AGAIN) == 0:
            again = self._send(door, data, at_once=at_once)
            if again is not None and _but_day(again) != _but_day(acceptance):
                self.faults.append("a petition that was sent again got another acceptance")

    def seal(self, chance: random.Random) -> Sent:
        """Seal a petition that is like no other."""
        text = f"Petition {chance.getrandbits(64)}.\n\nThe dam leaks.\n"
        words = Words.generate()
        files = [
            f"File {n} of it.\n".encode() for n in (1, 2) if chance.randrange(_WITH_FILES) == 0
        ]
        attachments = tuple(Attachment.of_bytes("a.txt", "text/plain", data) for data in files)
        draft = Draft(body=text, identity=IdentityPart(), language="en", attachments=attachments)
        return Sent(words, text, seal(draft, words, self.office.roster))

    def _send(self, door: DoorClient, data: bytes, *, at_once: bool) -> Note | None:
        while not self._stop.is_set():
            try:
                answer = door.submit(
                    io.BytesIO(data), len(data), at_once=at_once, progress=lambda _: None
                )
                return Note.parse(answer)
            except DoorError as error:
                self._refused(error)
            time.sleep(0.1)
        return None

    def _attach(self, door: DoorClient, sent: Sent, number: int, acceptance: Note) -> None:
        """Send one attachment until the door has it, as `dengwen-submit send` does."""
        data = sent.sealed.parts[f"attachment/{number}"]
        while not self._stop.is_set():
            try:
                door.attach(
                    number, io.BytesIO(data), len(data), acceptance.to_bytes(), lambda _: None
                )
            except DoorError as error:
                self._refused(error)
                if error.problem in _FINAL:
                    self.faults.append(f"an attachment was refused: {error.problem}")
                    return
            else:
                self.attached.append(Attached(sent, number))
                return
            time.sleep(0.1)

    def _refused(self, error: DoorError) -> None:
        with self._lock:
            self.refusals[error.problem] = self.refusals.get(error.problem, 0) + 1

    def _review(self, chance: random.Random) -> None:
        with requests.Session() as session:
            reviewers: dict[str, Reviewer] = {}
            while not self._stop.is_set():
                with self._turn(chance.uniform(0, 2 * self.pause_seconds)) as goes:
                    if goes and self.accepted:
                        petition = chance.choice(self.accepted[-20:]).petition
                        name = chance.choice(petition.sealed.manifest.panel)
                        keys = make_member_keys(name)
                        reviewer = reviewers.setdefault(
                            name, Reviewer(self.office.card, keys, session, self._now)
                        )
                        self._open(reviewer, petition)

    def _now(self) -> float:
        return self.clock()

    def _open(self, reviewer: Reviewer, petition: Sent) -> None:
        """Ask to open a petition, and open it; whatever gets no answer is asked again."""
        case, asked, deadline = petition.sealed.manifest.case, None, time.monotonic() + PATIENCE
        is_acknowledged = False
        while time.monotonic() < deadline and not self._stop.is_set():
            try:
                asked = asked or reviewer.ask(case)
                if not is_acknowledged:
                    reviewer.send(asked)
                    is_acknowledged = True
                    self.asked.append(Acknowledged(petition, asked))
                progress = reviewer.progress(asked)
                if progress.collected.reasons:
                    self.faults.append(f"refused to open: {progress.collected.reasons}")
                    return
                if progress.is_enough:
                    opened = reviewer.open(asked, progress)
                    if opened.petition.body != petition.text:
                        self.faults.append("another text was opened than was sealed")
                    self.opened += 1
                    return
            except (KeysError, AuditError):  # not in the log yet, or nobody there
                pass
            time.sleep(0.2)
        self.unanswered += not self._stop.is_set()


def _but_day(acceptance: Note) -> list[bytes]:
    lines = acceptance.text.splitlines()
    return [line for line in lines if not line.startswith(b"day ")]
