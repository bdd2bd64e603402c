"""A log and everything around it: store, public folder, four real witnesses and their wires."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import requests

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.cosignature import Cosigner
from dengwen_audit.epoch import Record
from dengwen_audit.log import LostRaceError, Sequencer
from dengwen_audit.merkle import Hash
from dengwen_audit.note import Note
from dengwen_audit.policy import Policy
from dengwen_audit.publisher import LOG_FOLDER, Publisher
from dengwen_audit.tiles import FolderTiles, walk
from dengwen_audit.witness import Witness
from dengwen_audit.witness_web import make_witness_app
from tests.patience import patient
from tests.small_log import LOG_KEY, NAMES, ORIGIN, WITNESS_KEYS
from tests.wsgi_adapter import WsgiAdapter

WITNESSES = NAMES[:4]
NOW = 1_770_000_000


def make_record(label: str) -> bytes:
    """Return a record whose hashes follow from *label*."""
    digest = hashlib.sha256(label.encode()).digest()
    return Record(Hash(digest), bytes(32)).to_bytes()


class MemoryStore:
    """
    The office's database, in a list.

    Attributes:
        rows: The records.
        fork: Changes what the next records hold.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.rows: list[bytes] = []
        self.fork = ""

    def size(self) -> int:
        """Return how many records are committed."""
        return len(self.rows)

    def commit_tick(self, expected_size: int, now: float) -> Record:
        """Commit one record."""
        if expected_size != len(self.rows):
            raise LostRaceError("another size")
        self.rows.append(make_record(f"record {expected_size}{self.fork}"))
        return Record.parse(self.rows[-1])

    def records(self, start: int, stop: int) -> list[bytes]:
        """Return some records."""
        return self.rows[start:stop]


class Crash(BaseException):
    """A process that ends here; no handler of the code under test may catch it."""


class LogHouse:
    """
    Everything that a sequencer touches, so that a test can break any of it.

    Attributes:
        wires: What leads to each witness, by name.
        seen: Each root that anyone has signed or cosigned, by size.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder, and four witnesses of which three must agree."""
        self.folder = folder
        self.store = MemoryStore()
        self.session = requests.Session()
        self.wires: dict[str, WsgiAdapter] = {}
        self.witnesses: dict[str, Witness] = {}
        self.seen: dict[int, set[bytes]] = {}
        self.now = float(NOW)
        for name in WITNESSES:
            self.add_witness(name)
        self.policy = Policy.parse(self._policy_text())
        self.publisher = Publisher(folder / "public", LOG_KEY.verification_key)
        self.sequencers: list[Sequencer] = []

    def add_witness(self, name: str) -> None:
        """Start a witness, or start it again with its memory lost."""
        self.witnesses[name] = Witness(
            self.folder / f"{name}-{len(list(self.folder.iterdir()))}.sqlite",
            Cosigner(WITNESS_KEYS[name]),
            [LOG_KEY.verification_key],
            lambda: self.now,
        )
        self.wires[name] = WsgiAdapter(make_witness_app(self.witnesses[name]))
        self.session.mount(f"https://{name}.example", self.wires[name])

    def _policy_text(self) -> str:
        lines = [f"log {LOG_KEY.verification_key.to_text()}"]
        for name in WITNESSES:
            vkey = WITNESS_KEYS[name].verification_key.to_text()
            lines.append(f"witness {name} {vkey} https://{name}.example")
        return "\n".join([*lines, f"group all-of-us 3 {' '.join(WITNESSES)}", "quorum all-of-us\n"])

    def sequencer(self, steps: Callable[[str], object] = lambda _: None) -> Sequencer:
        """Return a sequencer that was not started."""
        made = Sequencer(
            self.store,
            self.publisher,
            LOG_KEY,
            self.policy,
            self.session,
            clock=lambda: self.now,
            steps=steps,
        )
        self.sequencers.append(made)
        return patient(made)

    def started(self, steps: Callable[[str], object] = lambda _: None) -> Sequencer:
        """Return a sequencer that was started."""
        made = self.sequencer(steps)
        made.start()
        return made

    def crash(self) -> None:
        """Let go of the public folder, as the end of a process does."""
        self.publisher.close()
        self.publisher = Publisher(self.folder / "public", LOG_KEY.verification_key)

    def forget_public(self, name: str = "elsewhere") -> None:
        """Go on with an empty public folder, as on another machine."""
        self.publisher.close()
        self.publisher = Publisher(self.folder / name, LOG_KEY.verification_key)

    def public(self) -> Checkpoint:
        """Return the public checkpoint, after checking it and every file under it."""
        note = self.publisher.published()
        assert note is not None
        checkpoint = self.policy.check(note).checkpoint
        source = FolderTiles(self.folder / "public" / LOG_FOLDER)
        read = [record for _, records in walk(source, checkpoint) for record in records]
        assert read == self.store.rows[: checkpoint.size]
        return checkpoint

    def look(self) -> None:
        """Note down every root that anybody has signed so far."""
        shown = [witness.latest(ORIGIN) for witness in self.witnesses.values()]
        note = self.publisher.published()
        if note:
            shown.append(Checkpoint.parse(note.text))
        for checkpoint in shown:
            self.seen.setdefault(checkpoint.size, set()).add(checkpoint.root)

    def evidence(self) -> list[Note]:
        """Return the signed contradictions that witnesses have kept."""
        kept = [note for witness in self.witnesses.values() for note in witness.evidence()]
        return [Note.parse(note) for note in kept]

    def close(self) -> None:
        """Close all that is open."""
        for sequencer in self.sequencers:
            sequencer.close()
        for witness in self.witnesses.values():
            witness.close()
        self.publisher.close()
