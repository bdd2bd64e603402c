"""How answers travel: JSON whose strings are the exact texts, hashes in hexadecimal."""

from __future__ import annotations

import json
from typing import Any

from dengwen_audit.text import TextError, parse_base64, to_base64
from dengwen_vault.cases import CaseEvent, CaseFile, DeskLine
from dengwen_vault.epochs import EpochBundle
from dengwen_vault.requests import RequestState
from dengwen_vault.work import Waiting, WorkItem

Json = dict[str, Any]


def desk_json(lines: tuple[DeskLine, ...]) -> Json:
    """Return a reviewer's desk."""
    cases = [
        {
            "case": line.case.hex(),
            "manifest-hash": line.manifest_hash.hex(),
            "day": line.day.isoformat(),
        }
        for line in lines
    ]
    return {"cases": cases}


def case_json(case: CaseFile) -> Json:
    """Return a case file."""
    events = [_event_json(event) | {"receipt": _text(event.receipt)} for event in case.events]
    return {"manifest": case.manifest.decode(), "events": events}


def request_json(state: RequestState) -> Json:
    """Return what became of a request."""
    answers = [{"note": note.decode(), "sealed": to_base64(raw)} for note, raw in state.answers]
    return {
        "event": _text(state.event),
        "receipt": _text(state.receipt),
        "answers": answers,
    }


def waiting_json(waiting: Waiting) -> Json:
    """Return what waits for a holder or mirror."""
    return {
        "requests": [request.hex() for request in waiting.requests],
        "challenges": [challenge.decode() for challenge in waiting.challenges],
    }


def work_json(item: WorkItem) -> Json:
    """Return one waiting request with all that its holder needs."""
    return {
        "request": item.request.decode(),
        "receipt": item.receipt.decode(),
        "manifest": item.case.manifest.decode(),
        "events": [_event_json(event) for event in item.case.events],
        "share": to_base64(item.share),
    }


def epoch_json(bundle: EpochBundle, *, causes: bool) -> Json:
    """Return one epoch; *causes* and manifests only to whoever asked for them."""
    shape: Json = {
        "index": bundle.index,
        "record": bundle.record.decode(),
        "leaves": [leaf.decode() for leaf in bundle.leaves],
    }
    if causes:
        shape["causes"] = {key.hex(): note.decode() for key, note in bundle.causes.items()}
        shape["manifests"] = {case.hex(): note.decode() for case, note in bundle.manifests.items()}
    return shape


def parse_answer(body: bytes) -> tuple[bytes, bytes]:
    """
    Read ``{"note": text, "sealed": base64}``; return the note's bytes and the sealed ones.

    Raises:
        TextError: If it is anything else.
    """
    try:
        shape = json.loads(body)
    except (ValueError, RecursionError):
        raise TextError("answer: not JSON") from None
    if not isinstance(shape, dict) or shape.keys() != {"note", "sealed"}:
        raise TextError("answer: not an object of note and sealed")
    note, sealed = shape["note"], shape["sealed"]
    if not isinstance(note, str) or not isinstance(sealed, str):
        raise TextError("answer: note or sealed is not a text")
    try:
        return note.encode(), parse_base64(sealed, "answer: sealed")
    except UnicodeEncodeError:
        raise TextError("answer: half a character") from None


def _event_json(event: CaseEvent) -> Json:
    return {"event": event.event.decode(), "cause": _text(event.cause)}


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()
