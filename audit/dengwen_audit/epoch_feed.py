"""
Reads whole epochs from an office's desk, and believes only what rebuilds their records.

::

    GET {desk}/v1/epochs?from=N&to=M            signed as a member: a mirror, or a granted auditor
    {"epochs": [{"index": N, "record": text, "leaves": [text, …]}, …]}      up to M, or fewer

With ``causes=1`` each epoch also has ``causes`` (the signed note behind each event, by its hash in
hexadecimal) and ``manifests`` (of each case it speaks of). Whether a record is in the log is not
judged here: the caller compares it with a checkpoint.

Source: docs/formats/witness-and-mirror.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from dengwen_audit.epoch import Record, events_root, is_empty
from dengwen_audit.errors import ProofError
from dengwen_audit.event import Event
from dengwen_audit.http_client import HttpClient, UnreachableError
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.text import HASH_SIZE, TextError, parse_hex

MAX_EPOCHS = 256  # asked for at a time
MAX_ANSWER_BYTES = 256 << 20


class EpochError(ProofError):
    """The desk's leaves do not give the record that stands beside them."""


@dataclass(frozen=True)
class FedEpoch:
    """
    One epoch, of which the leaves give the record.

    Attributes:
        index: Which record of the log.
        leaves: Events and empties, as texts in the order of the tree.
        events: The events among them, in that order.
        causes: The notes behind the events, by hash, if they were asked for.
        manifests: The manifest of each case, by case id, if they were asked for.
    """

    index: int
    record: Record
    leaves: tuple[bytes, ...]
    events: tuple[Event, ...]
    causes: Mapping[NoteHash, Note]
    manifests: Mapping[bytes, Note]


class EpochFeed:
    """The epochs of the office whose desk stands at *url*."""

    def __init__(self, http: HttpClient, url: str, *, causes: bool = False) -> None:
        """Ask nothing yet; *http* must sign as a member who may read epochs."""
        self._http = http
        self._url = url
        self._causes = causes

    def read(self, start: int, stop: int) -> Iterator[FedEpoch]:
        """
        Yield the epochs from *start* to before *stop*, each checked by itself.

        Raises:
            UnreachableError: If the desk does not answer, or does not have them all.
            TextError: If the answer is malformed.
            EpochError: If leaves do not give their record.
        """
        while start < stop:
            epochs = self._ask(start, min(stop, start + MAX_EPOCHS))
            if not epochs:
                raise UnreachableError(f"the desk does not give the epoch {start}")
            for epoch in epochs:
                if start == stop:
                    raise TextError("epochs: more than were asked for")
                yield parse_epoch(epoch, start)
                start += 1

    def _ask(self, start: int, stop: int) -> list[Any]:
        causes = "&causes=1" if self._causes else ""
        url = f"{self._url}/v1/epochs?from={start}&to={stop}{causes}"
        answer = self._http.get(url, MAX_ANSWER_BYTES)
        if answer.status != HTTPStatus.OK:
            raise UnreachableError(f"the desk answers {answer.status} for epochs")
        try:
            epochs = json.loads(answer.body)["epochs"]
        except (ValueError, RecursionError, LookupError, TypeError):
            raise TextError("epochs: not JSON with a list of epochs") from None
        if not isinstance(epochs, list):
            raise TextError("epochs: not JSON with a list of epochs")
        return epochs


def parse_epoch(shape: object, index: int) -> FedEpoch:
    """
    Read one epoch from its JSON, which must be number *index*.

    Raises:
        TextError: If it is malformed, or another one.
        EpochError: If its leaves do not give its record, or one is neither event nor empty.
    """
    if not isinstance(shape, dict) or shape.get("index") != index:
        raise TextError(f"epochs: expected number {index}")
    record = Record.parse(_to_bytes(shape.get("record")))
    texts = shape.get("leaves")
    if not isinstance(texts, list):
        raise TextError("epochs: leaves: not a list")
    leaves = tuple(map(_to_bytes, texts))
    if events_root(leaves) != record.events_root:
        raise EpochError(f"the leaves of epoch {index} do not give its record")
    try:
        events = tuple(Event.parse(leaf) for leaf in leaves if not is_empty(leaf))
    except TextError as error:  # the record vouches for it, so this is no slip on the way
        raise EpochError(f"epoch {index} holds a leaf that is no event: {error}") from error
    return FedEpoch(
        index, record, leaves, events, _causes(shape.get("causes")), _notes(shape.get("manifests"))
    )


def _causes(shape: object) -> dict[NoteHash, Note]:
    """Read the causes; each must have the hash that it stands under."""
    causes = {NoteHash(key): note for key, note in _notes(shape).items()}
    if any(key != note.hash for key, note in causes.items()):
        raise TextError("epochs: a cause under another hash")
    return causes


def _notes(shape: object) -> dict[bytes, Note]:
    """Read an object of notes by hashes; an absent one is empty."""
    if shape is None:
        return {}
    if not isinstance(shape, dict):
        raise TextError("epochs: not an object of notes")
    return {
        parse_hex(key, HASH_SIZE, "epochs"): Note.parse(_to_bytes(note))
        for key, note in shape.items()
    }


def _to_bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise TextError("epochs: not a text")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise TextError("epochs: half a character") from None
