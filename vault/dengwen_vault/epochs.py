"""Whole epochs, for those who check that everybody is shown the same: mirrors and auditors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from dengwen_audit.epoch import empty_leaf, padded_count
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.text import ZERO_HASH
from dengwen_vault.models import Cause, Epoch, Event
from dengwen_vault.papers import Papers, papers_of_each
from dengwen_vault.segments import Segments

MAX_EPOCHS = 256  # to an answer
MAX_LEAVES = 4**8  # to an answer, unless its first epoch alone has more
CHUNK = 500  # keys in one question


@dataclass(frozen=True)
class EpochBundle:
    """
    One epoch with all its leaves.

    Attributes:
        causes: The signed notes that its events name, by hash.
        manifests: Of each case that it speaks of.
    """

    index: int
    record: bytes
    leaves: tuple[bytes, ...]
    causes: dict[NoteHash, bytes]
    manifests: dict[CaseId, bytes]


@dataclass(frozen=True)
class _Leaf:
    text: bytes
    position: int
    cause: bytes
    actor: str
    case: bytes
    number: int


def epoch_bundles(
    connection: Connection, segments: Segments | None, start: int, stop: int, *, causes: bool
) -> tuple[EpochBundle, ...]:
    """
    Return epochs from *start* to before *stop*: fewer if they are many or large, at least one.

    Args:
        causes: Add the signed causes and the manifests.
    """
    last = min(stop, start + MAX_EPOCHS)
    rows = select(Epoch.number, Epoch.record, Epoch.seed).where(Epoch.number >= start)
    bundles: list[EpochBundle] = []
    leaves = 0
    for row in connection.execute(rows.where(Epoch.number < last).order_by(Epoch.number)).all():
        events = _events(connection, row.number)
        leaves += padded_count(len(events))
        if bundles and leaves > MAX_LEAVES:
            break
        cases = _cases(connection, segments, events) if causes else {}
        bundles.append(
            EpochBundle(
                index=row.number,
                record=row.record,
                leaves=tuple(_leaves(events, row.seed)),
                causes=_causes(connection, events, cases) if causes else {},
                manifests={case: found.manifest for case, found in cases.items()},
            )
        )
    return tuple(bundles)


def _events(connection: Connection, epoch: int) -> list[_Leaf]:
    columns = (Event.text, Event.position, Event.cause, Event.actor, Event.case_id, Event.number)
    rows = connection.execute(select(*columns).where(Event.epoch == epoch))
    return [_Leaf(*row) for row in rows]


def _leaves(events: Sequence[_Leaf], seed: bytes) -> list[bytes]:
    """Return the leaves as the tick had them: empties everywhere but where an event stands."""
    leaves = [empty_leaf(seed, index) for index in range(padded_count(len(events)))]
    for event in events:
        leaves[event.position] = event.text
    return leaves


def _causes(
    connection: Connection, events: Sequence[_Leaf], cases: Mapping[CaseId, Papers]
) -> dict[NoteHash, bytes]:
    """Return the causes by hash; if two members signed the same words, with both signatures."""
    actors = {(event.cause, event.actor) for event in events}
    notes: dict[NoteHash, Note] = {}
    for chunk in _chunks({event.cause for event in events}):
        rows = select(Cause.hash, Cause.actor, Cause.note).where(Cause.hash.in_(chunk))
        for row in connection.execute(rows):
            if (row.hash, row.actor) in actors:
                hash_, note = NoteHash(row.hash), Note.parse(row.note)
                notes[hash_] = _join(notes.get(hash_), note)
    words = {
        NoteHash(event.cause): cases[CaseId(event.case)].acceptance
        for event in events
        if event.number == 1 and event.case in cases
    }
    return words | {hash_: note.to_bytes() for hash_, note in notes.items()}


def _join(known: Note | None, note: Note) -> Note:
    if known is None:
        return note
    return known.signed_by(*(line for line in note.signatures if line not in known.signatures))


def _cases(
    connection: Connection, segments: Segments | None, events: Iterable[_Leaf]
) -> dict[CaseId, Papers]:
    """Return the papers of each case that an epoch speaks of."""
    cases: dict[CaseId, Papers] = {}
    for chunk in _chunks({event.case for event in events} - {ZERO_HASH}):
        cases.update(papers_of_each(connection, segments, chunk))
    return cases


def _chunks(keys: Iterable[bytes]) -> Iterable[list[bytes]]:
    ordered = sorted(keys)
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))
