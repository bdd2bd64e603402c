"""
Everything that the log showed to anybody: every checkpoint, written down as soon as it is there.

A checkpoint is kept with its size and root whoever showed it. That no two of them contradict each
other is for the judge to say, who has all records.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path

import requests

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.errors import AuditError
from dengwen_audit.note import Note
from tests.faults.office import HOLDERS, Office
from tests.patience import PATIENCE
from tests.town_people import MIRROR, OFFICE

_PAUSE = 0.02  # seconds
_EVERY = 10  # turns after which witnesses are asked


@dataclass
class Watch:
    """
    Looks at an *office*'s public checkpoint and at its witnesses, all the time.

    Attributes:
        seen: Every checkpoint that was seen: its size, its root, and who showed it.
        faults: What a log may not do to anybody.
    """

    office: Office
    seen: dict[tuple[int, bytes], set[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    _largest: dict[Path, int] = field(default_factory=dict)
    _last: dict[Path, tuple[bytes, int]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def forget_largest(self) -> None:
        """Allow the public checkpoint to be an older one, once: its root still has to fit."""
        self._largest.clear()

    def look_into_witnesses(self) -> None:
        """Read what each witness has on its disk; the processes may be running or dead."""
        for name in HOLDERS:
            file = "mirror.sqlite" if name == MIRROR else "witness.sqlite3"
            path = self.office.data(name) / file
            with sqlite3.connect(path, timeout=PATIENCE) as database:
                rows = database.execute("SELECT size, root FROM log WHERE size > 0").fetchall()
                evidence = database.execute("SELECT count(*) FROM evidence").fetchone()
            database.close()
            for size, root in rows:
                self._keep(size, root, f"{name}'s memory")
            if evidence != (0,):
                self.faults.append(f"{name} keeps evidence of a fork")

    def _run(self) -> None:
        turn = 0
        with requests.Session() as session:
            while not self._stop.wait(_PAUSE):
                turn += 1
                self._look_at_public()
                if turn % _EVERY == 0:
                    self._ask_witnesses(session)

    def look_at(self, public: Path, who: str) -> int:
        """Look at the checkpoint in a public folder; return its size, or 0 if there is none."""
        try:
            data = (public / "log" / "checkpoint").read_bytes()
        except OSError:
            return 0
        last, size = self._last.get(public, (b"", 0))
        if data == last:  # seen and checked: fifty times a second would cost much
            return size
        try:
            cosigned = self.office.card.policy.check(Note.parse(data))
        except AuditError as error:
            self.faults.append(f"the public checkpoint does not hold: {error}")
            return 0
        self._keep(cosigned.checkpoint.size, cosigned.checkpoint.root, who)
        self._last[public] = data, cosigned.checkpoint.size
        return cosigned.checkpoint.size

    def _look_at_public(self) -> None:
        for vault in self.office.vaults:
            size, largest = self.look_at(vault / "public", vault.name), self._largest.get(vault, 0)
            if size and size < largest:
                self.faults.append(f"the public log shrank from {largest} to {size}")
            self._largest[vault] = max(size, largest)

    def _ask_witnesses(self, session: requests.Session) -> None:
        origin = hashlib.sha256(OFFICE.encode()).hexdigest()
        for name in HOLDERS:
            url = f"{self.office.ports.url(name)}/monitoring/{origin}/checkpoint"
            try:
                answer = session.get(url, timeout=0.5)
            except requests.RequestException:
                continue
            if answer.status_code == requests.codes.ok:
                checkpoint = Checkpoint.parse(Note.parse(answer.content).text)
                self._keep(checkpoint.size, checkpoint.root, name)

    def _keep(self, size: int, root: bytes, who: str) -> None:
        self.seen.setdefault((size, root), set()).add(who)
