"""
One piece of work as the desk serves it, and how it is read.

::

    {"request": NOTE, "receipt": TEXT or null, "manifest": NOTE,
     "events": [{"event": TEXT, "cause": NOTE}, …], "share": BASE64}

What cannot be read names its own refusal. Receipt and manifest are verified here in themselves,
signatures and all; how the pieces fit each other is for the checks.

Source: docs/formats/gatekeeper-checks.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from dengwen_audit.errors import FormatError, PolicyError, ProofError, SignatureError
from dengwen_audit.event import Event
from dengwen_audit.note import Note, NoteHash
from dengwen_audit.policy import Policy
from dengwen_audit.receipt import CheckedReceipt, check_receipt
from dengwen_audit.statements.manifest import (
    MAX_MANIFEST_BYTES,
    CaseIdError,
    Manifest,
    check_manifest,
)
from dengwen_audit.statements.request import MAX_REQUEST_BYTES, Request
from dengwen_audit.text import parse_base64
from dengwen_keys.age.recipients import Recipient
from dengwen_keys.gatekeeper.matter import Evidence
from dengwen_keys.gatekeeper.refusals import (
    BadEvents,
    BadManifest,
    BadReceipt,
    LogSignature,
    ManifestKeys,
    ManifestSignature,
    NoQuorum,
    NotInLog,
    NotInLogYet,
    Unanswerable,
)

MAX_SIGNATURE_BYTES = 16 << 10  # of the lines below a note's text


@dataclass(frozen=True)
class Work:
    """The pieces as bytes, nothing checked."""

    request: bytes
    receipt: bytes | None
    manifest: bytes
    events: tuple[tuple[bytes, bytes], ...]
    share: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> Work:
        """
        Read what the desk sent.

        Raises:
            Unanswerable: If it is not of the form it should have.
        """
        try:
            body = json.loads(data)
            return cls(
                request=body["request"].encode(),
                receipt=None if body["receipt"] is None else body["receipt"].encode(),
                manifest=body["manifest"].encode(),
                events=tuple(_parse_event(served) for served in body["events"]),
                share=parse_base64(body["share"], "work: share"),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FormatError):
            raise Unanswerable("the desk served no work in the form it should have") from None


def _parse_event(served: dict[str, str | None]) -> tuple[bytes, bytes]:
    """Return an event and its cause; of an erased event the cause is gone."""
    return str(served["event"]).encode(), (served["cause"] or "").encode()


def read_request(work: Work, expected: NoteHash) -> tuple[Note, Request]:
    """
    Read the request, which must be the one that was listed.

    Raises:
        Unanswerable: If it is another, or no request: there is nobody to seal a reason to.
    """
    try:
        note = Note.parse(work.request, MAX_REQUEST_BYTES + MAX_SIGNATURE_BYTES)
        request = Request.parse(note.text)
        Recipient.parse(request.recipient)
    except FormatError:
        raise Unanswerable("the desk served no request") from None
    if note.hash != expected:
        raise Unanswerable("the desk served another request than it listed")
    return note, request


def read_evidence(work: Work, policy: Policy) -> Evidence:
    """
    Read and verify the pieces that stand beside the request.

    Args:
        policy: That of the pinned card.

    Raises:
        NotYet: If the request is not in the log yet, or too few witnesses vouch for it.
        Refused: If a piece is malformed or wrongly signed; the class says which.
    """
    receipt = _read_receipt(work.receipt, policy)
    manifest_hash, manifest = _read_manifest(work.manifest)
    try:
        events = tuple(Event.parse(event) for event, _ in work.events)
        first_cause = Note.parse(work.events[0][1])
    except (FormatError, IndexError):
        raise BadEvents("the events of the case are not as they should be spelt") from None
    return Evidence(receipt, manifest_hash, manifest, events, first_cause, work.share)


def _read_receipt(data: bytes | None, policy: Policy) -> CheckedReceipt:
    if data is None:
        raise NotInLogYet("the request is not in the log yet")
    try:
        return check_receipt(data, policy)
    except FormatError:
        raise BadReceipt("the receipt is not as it should be spelt") from None
    except SignatureError:
        raise LogSignature("the receipt's checkpoint is not signed by the log") from None
    except PolicyError:
        raise NoQuorum("too few witnesses vouch for the receipt's checkpoint") from None
    except ProofError:
        raise NotInLog("the receipt does not lead to its checkpoint") from None


def _read_manifest(data: bytes) -> tuple[NoteHash, Manifest]:
    try:
        note = Note.parse(data, MAX_MANIFEST_BYTES + MAX_SIGNATURE_BYTES)
        return note.hash, check_manifest(note)
    except FormatError:
        raise BadManifest("the manifest is not as it should be spelt") from None
    except CaseIdError:
        raise ManifestKeys("the case id is not that of the manifest's keys") from None
    except SignatureError:
        raise ManifestSignature("the manifest is not signed by its case key") from None
