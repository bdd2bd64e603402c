"""
What an auditor with a grant has in hand: events in the order of the log, and the notes behind them.

Plain values; `rules` judges them. A case is put together here from its events, its manifest, and
those causes that are what their events say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dengwen_audit.errors import AuditError
from dengwen_audit.event import Event
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.answer import Answer
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.manifest import Manifest, check_against_roster, check_manifest
from dengwen_audit.statements.request import Request
from dengwen_audit.statements.roster import Roster
from dengwen_audit.text import ZERO_HASH


@dataclass(frozen=True)
class Logged:
    """
    An event and where it stands.

    Attributes:
        index: Which record of the log.
        roster: The hash of the roster that the record names.
    """

    event: Event
    index: int
    roster: bytes


@dataclass(frozen=True)
class Dossier:
    """
    Everything that is judged.

    Attributes:
        cards: The office's cards, the oldest first.
        roster: Gives a checked roster by its hash; raises `AuditError`.
        events: In the order of the log; those of one record in any order.
        causes: The signed notes behind the events, by hash.
        manifests: The manifest of each case, by case id.
        start: The first record that was read. Of a case that began before it, the beginning is
            not judged.
    """

    cards: Sequence[Card]
    roster: Callable[[bytes], Roster]
    events: Sequence[Logged]
    causes: Mapping[NoteHash, Note]
    manifests: Mapping[bytes, Note]
    start: int = 0

    def cases(self) -> Iterator[Case]:
        """Yield each case, and the office's own chain, by the order of their first events."""
        by_case: dict[bytes, list[Logged]] = {}
        for logged in self.events:
            by_case.setdefault(logged.event.case, []).append(logged)
        for id_, events in by_case.items():
            events.sort(key=lambda logged: (logged.index, logged.event.number))
            yield Case(self, id_, tuple(events))

    def roster_or_none(self, hash_: bytes) -> Roster | None:
        """Return a roster, or None if it is not to be had; `monitor` reports that."""
        with contextlib.suppress(AuditError):
            return self.roster(hash_)
        return None


@dataclass(frozen=True)
class Case:
    """The events of one case in the order of the log; with the zero hash, those of the office."""

    dossier: Dossier
    id: bytes
    events: tuple[Logged, ...]

    @property
    def is_office(self) -> bool:
        """Whether this is the office's own chain."""
        return self.id == ZERO_HASH

    @property
    def is_whole(self) -> bool:
        """Whether the beginning must be here: the log was read from its own."""
        return self.dossier.start == 0 or self.events[0].event.number == 1

    def of_type(self, *types: str) -> Iterator[Logged]:
        """Yield the events of these *types*."""
        return (logged for logged in self.events if logged.event.type in types)

    def cause(self, logged: Logged) -> Note | None:
        """Return the note that an event names, if it was served."""
        return self.dossier.causes.get(NoteHash(logged.event.cause))

    @cached_property
    def manifest(self) -> Manifest | None:
        """The manifest, if it was served and is that of this case; `rules` says if it is not."""
        with contextlib.suppress(AuditError):
            return self.check_manifest()
        return None

    def check_manifest(self) -> Manifest:
        """
        Return the manifest of this case.

        Raises:
            AuditError: If it was not served, is of another case, or breaks its roster's rules.
        """
        note = self.dossier.manifests.get(self.id)
        if note is None:
            raise AuditError("its manifest is not served")
        manifest = check_manifest(note)
        if manifest.case != self.id:
            raise AuditError("its manifest is that of another case")
        check_against_roster(manifest, self.dossier.roster(manifest.roster))
        return manifest

    @cached_property
    def requests(self) -> Mapping[bytes, tuple[Logged, Request]]:
        """The requests of the case, by hash."""
        found: dict[bytes, tuple[Logged, Request]] = {}
        for logged in self.of_type("open.requested", "disclosure.requested"):
            note = self.cause(logged)
            with contextlib.suppress(AuditError):
                if note is not None:
                    found.setdefault(note.hash, (logged, Request.parse(note.text)))
        return found

    def answers(self, *types: str) -> Iterator[tuple[Logged, Answer]]:
        """Yield the holders' answers among the events of these *types*."""
        for logged in self.of_type(*types):
            note = self.cause(logged)
            with contextlib.suppress(AuditError):
                if note is not None:
                    yield logged, Answer.parse(note.text)
