"""
The judge: after every round it holds what was promised against what is there.

Nothing is taken from the office's word where something else can be asked: what the door signed and
the desk took comes from the load, which no fault touches; what the log showed comes from the watch;
what gatekeepers posted comes from the tap; and the log itself is read from the mirror's disk, leaf
by leaf, and compared with the office's database and public files.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from sqlalchemy import ColumnElement, Connection, func, select

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.epoch import Record, events_root, is_empty
from dengwen_audit.event import Event, check_chain
from dengwen_audit.merkle import EMPTY_ROOT, Frontier, leaf_hash
from dengwen_audit.note import Note
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.tiles import FolderTiles, VerifiedLog
from dengwen_keys.petition_file import SealedPetition, first_bytes
from dengwen_submit.door_client import DoorClient
from dengwen_vault.attachments import all_arrived
from dengwen_vault.blobs.choice import open_blobs
from dengwen_vault.blobs.store import Blobs, check_blob
from dengwen_vault.columns import Base
from dengwen_vault.database import Store
from dengwen_vault.errors import BlobError
from dengwen_vault.models import (
    Answer,
    Attachment,
    LogHead,
    PendingEvent,
    Petition,
    Reception,
    Work,
)
from dengwen_vault.papers import read_papers
from dengwen_vault.parts import read_all_parts
from dengwen_vault.segments import Segments, open_segments
from dengwen_vault.settings import Settings
from tests.faults.house import House
from tests.faults.load import Accepted, Load
from tests.faults.watch import Watch
from tests.patience import PATIENCE
from tests.town_people import GATEKEEPERS, MIRROR

SETTLE_SECONDS = 2 * PATIENCE  # for a house that was beaten
RECEIPTS_AGAIN = 20  # receipts of earlier rounds that a round looks at once more
LINES = (Reception, PendingEvent)  # where events wait for their tick
# What no service may say, however it is killed.
_FORBIDDEN = ("has another answer of this holder", " crashed: ", "refused: ", "internal error")


@dataclass
class Judge:
    """
    Judges a *house* by what its *load* was promised and its *watch* has seen.

    Attributes:
        rounds: How often it was settled and judged.
        receipts: How many receipts were verified.
    """

    house: House
    load: Load
    watch: Watch
    rounds: int = 0
    receipts: int = 0
    _proven: int = 0
    _store: Store = field(init=False)
    _blobs: Blobs = field(init=False)
    _segments: Segments | None = field(init=False)
    _events: dict[bytes, list[Event]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the office's database, to read."""
        settings = Settings.load(self.house.office.vault)
        self._store, self._public = Store(settings.database), settings.public
        self._blobs = open_blobs(settings)
        self._segments = open_segments(settings.sealed_folder)

    def judge(self, *, finally_: bool = False) -> None:
        """Let the house come to rest, and look at everything."""
        self.settle()
        self.watch.look_into_witnesses()
        self.rounds += 1
        faults = [*self.load.faults, *self.watch.faults, *self._log(), *self._answers()]
        faults += [*self._petitions(), *self._requests(), *self._logs(), *self._attachments()]
        if not faults:
            faults += self._receipts(everything=finally_)
        assert not faults, "\n".join(faults[:20])

    def settle(self) -> None:
        """Return when everything runs, everything in line is in the log, and all is answered."""
        self.house.up()
        self.load.rest()
        self.house.wait()
        deadline = time.monotonic() + SETTLE_SECONDS
        while (waits := self._waits()) is not None:
            if time.monotonic() > deadline:
                logs = f"{self.house.log('sequencer')}\n{self.house.log(MIRROR)}"
                raise AssertionError(f"{waits}; ended: {self.house.ended[-5:]}\n{logs}")
            time.sleep(0.1)

    def _waits(self) -> str | None:
        """Tell what the house still waits for, if anything."""
        with self._reading() as connection:
            size = connection.execute(select(LogHead.size)).scalar_one()
            if any(connection.scalars(select(line.cause).limit(1)).all() for line in LINES):
                return "an event is in line"
            if connection.execute(select(Work.request).where(Work.seat > 0).limit(1)).first():
                return "a gatekeeper has not answered"
        if self._held() < size:
            return "the mirror has not caught up"
        return None if self._checkpoint().size == size else "a record is not public"

    def _let_mirror_hold(self, size: int) -> None:
        """Wait for a mirror of which the log needs no cosignature."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self._held() < size:
            assert time.monotonic() < deadline, f"no mirror of {size}:\n{self.house.log(MIRROR)}"
            time.sleep(0.05)

    @property
    def _mirror_file(self) -> Path:
        return self.house.office.data(MIRROR) / "mirror.sqlite"

    def _held(self) -> int:
        """Return how many records the mirror has on its disk."""
        with sqlite3.connect(self._mirror_file, timeout=PATIENCE) as database:
            (held,) = database.execute("SELECT coalesce(max(number) + 1, 0) FROM epoch").fetchone()
        database.close()
        return int(held)

    def _log(self) -> list[str]:
        """Compare database, public files and the mirror's disk; read all events."""
        # The log goes on meanwhile: what was seen comes first, then the mirror, which has that.
        checkpoint, seen = self._checkpoint(), list(self.watch.seen.items())
        self._let_mirror_hold(max(size for (size, _), _ in seen))
        records, leaves = self._mirror()
        public = VerifiedLog(FolderTiles(self._public / "log"), checkpoint)
        faults = []
        if list(public.records(0, checkpoint.size)) != records[: checkpoint.size]:
            faults.append("the mirror does not hold what is public")
        frontier, roots = Frontier(), {}
        for record in records:
            frontier.extend([leaf_hash(record)])
            roots[frontier.size] = frontier.root()
        for (size, root), who in seen:
            if roots.get(size) != root:
                faults.append(f"another root for size {size} was shown by {sorted(who)}")
        self._events = {}
        for record, texts in zip(records, leaves, strict=True):
            if Record.parse(record).events_root != events_root(texts):
                faults.append("an epoch's leaves do not give its record")
            for event in (Event.parse(text) for text in texts if not is_empty(text)):
                self._events.setdefault(event.case, []).append(event)
        for events in self._events.values():
            events.sort(key=lambda event: event.number)
        return faults

    def _mirror(self) -> tuple[list[bytes], list[list[bytes]]]:
        """Return what the mirror has on its disk."""
        database = sqlite3.connect(self._mirror_file, timeout=PATIENCE)
        rows = database.execute("SELECT record, leaves FROM epoch ORDER BY number").fetchall()
        incidents = database.execute("SELECT what FROM incident").fetchall()
        database.close()
        assert not incidents, f"the mirror refused: {incidents}"
        return [r for r, _ in rows], [[x.encode() for x in json.loads(text)] for _, text in rows]

    def _petitions(self) -> list[str]:
        """Look for every accepted petition: whole in the vault, and exactly once in the log."""
        faults = []
        with self._reading() as connection:
            stored = set(connection.scalars(select(Petition.case_id)))
        for accepted in self.load.accepted:
            sealed = accepted.petition.sealed
            case = sealed.manifest.case
            if case not in stored or self._manifest(case) != sealed.note.to_bytes():
                faults.append("an accepted petition is not in the vault as it was sent")
            elif self._parts(sealed.manifest) != _letter(sealed):
                faults.append("the parts of an accepted petition are not in the vault")
            events = self._events.get(case, [])
            received = [e for e in events if e.type == "petition.received"]
            if len(received) != 1 or received[0].previous != sealed.note.hash:
                faults.append(f"an accepted petition is {len(received)} times in the log")
            else:
                check_chain(events, sealed.note.hash)
        return faults

    def _manifest(self, case: bytes) -> bytes | None:
        with self._reading() as connection:
            try:
                return read_papers(connection, self._segments, case).manifest
            except BlobError:
                return None

    def _parts(self, manifest: Manifest) -> bytes | None:
        with self._reading() as connection:
            try:
                return read_all_parts(connection, self._segments, manifest)
            except BlobError:
                return None

    def _attachments(self) -> list[str]:
        """Look for every attachment that the door took, and whether each row has its blob."""
        with self._reading() as connection:
            rows = connection.execute(select(Attachment.case_id, Attachment.number))
            arrived = {(row.case_id, row.number) for row in rows}
            named = list(all_arrived(connection, self._segments))
        faults = [
            "an attachment that was taken is not known"
            for one in self.load.attached
            if (one.petition.sealed.manifest.case, one.number) not in arrived
        ]
        for part in named:
            try:
                if isinstance(part, BlobError):
                    raise part
                check_blob(self._blobs, part.sha256, part.length)
            except BlobError as error:
                faults.append(f"an attachment that was taken: {error}")
        return faults

    def _requests(self) -> list[str]:
        """Look for every request that the desk took, once in the log, and for its answers."""
        faults = []
        causes = Counter(e.cause for events in self._events.values() for e in events)
        if causes and max(causes.values()) > 1:
            faults.append("one cause has two events in the log")
        for taken in self.load.asked:
            if causes[taken.asked.hash] != 1:
                faults.append(f"a request is {causes[taken.asked.hash]} times in the log")
            events = self._events.get(taken.petition.sealed.manifest.case, [])
            answers = [e for e in events if e.type in {"share.released", "share.refused"}]
            if not answers:
                faults.append("a request has no answer")
        return faults

    def _answers(self) -> list[str]:
        """Compare what each gatekeeper posted, what it remembers and what the desk has."""
        faults = []
        posted = self.house.tap.answers()
        if any(len(bodies) > 1 for bodies in posted.values()):
            faults.append("a gatekeeper posted two different answers")
        with self._reading() as connection:
            rows = connection.execute(select(Answer.holder, Answer.request, Answer.note))
            stored = {(row.holder, row.request): row.note for row in rows}
        if not stored.keys() <= posted.keys():
            faults.append("the desk has an answer that nobody posted")
        kept = {}
        for name in GATEKEEPERS:
            path = self.house.office.data(name) / "store.sqlite3"
            database = sqlite3.connect(path, timeout=PATIENCE)
            for request, note in database.execute("SELECT request, note FROM answers"):
                kept[name, request] = Note.parse(note).hash
            database.close()
        if kept != stored:
            faults.append("a gatekeeper remembers other answers than the desk has")
        for bodies in posted.values():
            for body in bodies:
                note = Note.parse(json.loads(body)["note"].encode())
                if note.hash not in stored.values():
                    faults.append("an answer was posted that the desk does not have")
        return faults

    def _receipts(self, *, everything: bool) -> list[str]:
        """Let petitioners fetch their receipts: the new ones all, of the others some."""
        accepted = self.load.accepted
        again = accepted[: self._proven]
        if not everything:
            step = max(1, len(again) // RECEIPTS_AGAIN)
            again = again[::step]
        faults = []
        with requests.Session() as session:
            door = DoorClient(self.house.office.card.door, session, self.house.now)
            for one in (*again, *accepted[self._proven :]):
                faults += self._receipt(door, one)
        self._proven = len(accepted)
        return faults

    def _receipt(self, door: DoorClient, accepted: Accepted) -> list[str]:
        petition = accepted.petition
        served = json.loads(door.case(petition.words.signing_key()).events())["events"]
        policy = self.house.office.card.policy
        events = [check_receipt(one["receipt"].encode(), policy).event for one in served]
        self.receipts += len(events)
        if events != self._events[petition.sealed.manifest.case]:
            return ["a petitioner is shown other events than the mirror holds"]
        return []

    def _logs(self) -> list[str]:
        return [
            f"{path.stem} says: {line}"
            for path in self.house.office.folder.glob("*.log")
            for line in path.read_text("utf-8", "replace").splitlines()
            if any(word in line for word in _FORBIDDEN)
        ]

    def count(self, table: type[Base], which: ColumnElement[bool]) -> int:
        """Count rows of the office's database."""
        with self._reading() as connection:
            rows = select(func.count()).select_from(table).where(which)
            return connection.execute(rows).scalar_one()

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._store.reading()

    def _checkpoint(self) -> Checkpoint:
        try:
            data = (self._public / "log" / "checkpoint").read_bytes()
        except FileNotFoundError:
            return Checkpoint(self.house.office.card.office, 0, EMPTY_ROOT)
        return Checkpoint.parse(Note.parse(data).text)


def _letter(sealed: SealedPetition) -> bytes:
    """Return the parts of a letter, as they lie in the vault."""
    return sealed.letter()[len(first_bytes(sealed.note)) :]
