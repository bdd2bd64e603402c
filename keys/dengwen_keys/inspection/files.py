"""
What a file is, in plain words, and whether it verifies: for people who were handed one.

Everything that this project writes is recognised by how it begins, never by its name. Some files
verify by themselves (a card by its own root keys, a sealed petition by its case key); most need the
card, or the card and the roster, of the office they belong to. Nothing is opened here.

Source: docs/formats/, where each format has its page.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping

from dengwen_audit import epoch, event, proof, receipt
from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.epoch import Record
from dengwen_audit.event import Event
from dengwen_audit.note import Note
from dengwen_audit.proof import LogProof
from dengwen_audit.receipt import Receipt, check_latest, check_receipt
from dengwen_audit.statements import manifest
from dengwen_audit.statements.card import Card
from dengwen_audit.text import TextError, TextReader
from dengwen_keys import keyfile, petition_file
from dengwen_keys.age import header
from dengwen_keys.drafts import parse_draft
from dengwen_keys.errors import FormatError
from dengwen_keys.inspection.finding import Finding, Trust, by_card, unjudged
from dengwen_keys.inspection.statements import STATEMENTS
from dengwen_keys.petition_file import SealedPetition

MAX_FILE_BYTES = petition_file.MAX_FILE_BYTES


class UnknownFileError(FormatError):
    """The file begins like nothing that this project writes."""


def inspect_file(data: bytes, trust: Trust) -> Finding:
    """
    Say what *data* is, and judge it by what is trusted.

    Raises:
        UnknownFileError: If it is nothing that this project writes.
        KeysError, AuditError: If it begins like something, and is malformed.
    """
    for beginning, find in _BEGINNINGS.items():
        if data.startswith(beginning):
            return find(data, trust)
    kind, _, _ = data[:64].partition(b"\n")
    find_statement = STATEMENTS.get(kind.decode("ascii", "replace"))
    if find_statement is not None:
        return find_statement(parse_draft(data), trust)
    return _find_checkpoint(data, trust)


def _find_petition(data: bytes, trust: Trust) -> Finding:
    """Judge the parts by the manifest, and the manifest as such."""
    sealed = SealedPetition.parse(data)
    found = STATEMENTS[manifest.KIND](sealed.note, trust)
    facts = (*found.facts, f"{len(data)} bytes, every part as the manifest says")
    return Finding("Sealed petition", facts, found.verdict, found.is_good)


def _find_age(data: bytes, trust: Trust) -> Finding:
    del trust  # an age file names nobody
    recipients = len(header.read_header(io.BytesIO(data)).stanzas)
    facts = (f"sealed to {recipients} recipients",)
    return unjudged("Age file", facts, "Only somebody to whom it is sealed can tell what it holds.")


def _find_keyfile(data: bytes, trust: Trust) -> Finding:
    del trust  # only the passphrase tells
    member = TextReader(data, keyfile.KIND, keyfile.MAX_BYTES).take_token("member")
    facts = (f"of {member}, it says",)
    return unjudged("Key file: keep it to yourself", facts, "Only its passphrase opens it.")


def _find_proof(data: bytes, trust: Trust) -> Finding:
    it = LogProof.parse(data)
    if (it.extra or b"").startswith(receipt.KIND.encode()):
        return _find_receipt(data, trust)
    roster = Record.parse(it.extra or b"").roster
    size = Checkpoint.parse(it.checkpoint.text).size
    facts = (f"of {size} records, the last of which names", f"the roster {roster.hex()}")

    def check(by: Card) -> None:
        check_latest(data, by.policy, trust.now, math.inf)

    return by_card("Latest proof of a log", facts, trust, check)


def _find_receipt(data: bytes, trust: Trust) -> Finding:
    it = Receipt.parse(data)
    facts = (*_about(it.event), f"in record {it.proof.index} of the log")
    return by_card("Receipt", facts, trust, lambda by: check_receipt(data, by.policy))


def _find_event(data: bytes, trust: Trust) -> Finding:
    del trust  # an event alone proves nothing
    return unjudged("Event", _about(Event.parse(data)), "That it happened, only a receipt shows.")


def _find_record(data: bytes, trust: Trust) -> Finding:
    del trust  # as above
    facts = (f"names the roster {Record.parse(data).roster.hex()}",)
    return unjudged("Record of an epoch", facts, "That it was logged, only a proof shows.")


def _find_checkpoint(data: bytes, trust: Trust) -> Finding:
    try:
        note = Note.parse(data)
        it = Checkpoint.parse(note.text)
    except TextError:
        raise UnknownFileError("this is nothing that the office writes") from None
    facts = (f"of {it.origin}, {it.size} records",)
    return by_card("Checkpoint of a log", facts, trust, lambda by: by.policy.check(note))


def _about(it: Event) -> tuple[str, ...]:
    place = "the office" if it.case == bytes(len(it.case)) else f"case {it.case.hex()}"
    return (f"{it.type} by {it.actor} on {it.day}", f"event {it.number} of {place}")


_BEGINNINGS: Mapping[bytes, Callable[[bytes, Trust], Finding]] = {
    petition_file.KIND: _find_petition,
    header.VERSION_LINE: _find_age,
    keyfile.KIND.encode(): _find_keyfile,
    proof.KIND.encode(): _find_proof,
    event.KIND.encode(): _find_event,
    epoch.KIND.encode(): _find_record,
}
