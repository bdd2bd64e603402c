"""What the desk serves is read strictly: whatever is malformed or wrongly signed has a name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from dengwen_audit.epoch import Epoch
from dengwen_audit.note import Note, NoteHash, sign_note
from dengwen_keys.gatekeeper import refusals as no
from dengwen_keys.gatekeeper.matter import Evidence
from dengwen_keys.gatekeeper.work import Work, read_evidence, read_request
from tests.keys.gatekeeper_fixture import SmallLog, seal_petition
from tests.keys.gatekeeper_story import Told, tell
from tests.small_office import make_case_key, make_key, make_recipient, make_seed

Served = dict[str, object]


def _served(told: Told) -> Served:
    body: Served = json.loads(told.office.work(told.petition, told.request, told.event))
    return body


def _read(told: Told, body: Served) -> Evidence:
    return read_evidence(Work.parse(json.dumps(body).encode()), told.office.card.policy)


def _log(told: Told) -> SmallLog:
    return told.office.log


def _in_another_epoch(told: Told) -> str:
    """Prove the event with the path of an epoch that does not hold it."""
    log = _log(told)
    forged = SmallLog(list(log.epochs), log.time)
    leaves = [leaf for leaf in log.epochs[2].leaves if leaf != told.event.to_bytes()]
    forged.epochs[2] = replace(
        Epoch.build([told.event.to_bytes()], make_seed("forged"), told.office.roster.hash),
    )
    assert len(leaves) == 3
    return forged.receipt(told.event, log.note()).decode()


def _with_wrong_log_key(told: Told) -> str:
    note = _log(told).note()
    forged = sign_note(note.text, make_key("dengwen.example/log"))
    wrong = replace(forged.signatures[0], blob=forged.signatures[0].blob[:-1] + b"\0")
    return _log(told).receipt(told.event, Note(note.text, (wrong, *note.signatures[1:]))).decode()


def _signed_by_stranger(told: Told) -> str:
    text = told.petition.sealed.note.text
    return sign_note(text, make_case_key("another case")).to_bytes().decode()


def _with_other_keys(told: Told) -> str:
    """Sign a manifest whose case id is another's, with the key that it names."""
    other = seal_petition("second").manifest.case
    return told.petition.signed(case=other).sealed.note.to_bytes().decode()


def _two_signatures(told: Told) -> str:
    note = told.petition.sealed.note
    return note.signed_by(make_key("stranger").sign(note.text)).to_bytes().decode()


BROKEN: dict[str, tuple[type[no.NotHandedOver], str, Callable[[Told], object]]] = {
    "the request is not in the log yet": (no.NotInLogYet, "receipt", lambda _: None),
    "the receipt is none": (no.BadReceipt, "receipt", lambda _: "c2sp.org/tlog-proof@v1\n"),
    "the receipt is the latest proof": (
        no.BadReceipt,
        "receipt",
        lambda told: _log(told).latest().decode(),
    ),
    "two of three witnesses vouch for the receipt": (
        no.NoQuorum,
        "receipt",
        lambda told: (
            _log(told)
            .receipt(told.event, _log(told).note(witnesses=("gatekeeper-1", "mirror-1")))
            .decode()
        ),
    ),
    "the log did not sign the receipt's checkpoint": (
        no.LogSignature,
        "receipt",
        lambda told: (
            _log(told)
            .receipt(told.event, Note(_log(told).note().text, _log(told).note().signatures[1:]))
            .decode()
        ),
    ),
    "the log's signature is wrong": (no.LogSignature, "receipt", _with_wrong_log_key),
    "the event is not in the epoch": (no.NotInLog, "receipt", _in_another_epoch),
    "the manifest is none": (no.BadManifest, "manifest", lambda _: "dengwen/manifest/v1\n"),
    "the manifest is signed by another key": (
        no.ManifestSignature,
        "manifest",
        _signed_by_stranger,
    ),
    "the manifest carries a second signature": (no.ManifestSignature, "manifest", _two_signatures),
    "the case id is not that of the manifest's keys": (
        no.ManifestKeys,
        "manifest",
        _with_other_keys,
    ),
    "there are no events": (no.BadEvents, "events", lambda _: []),
    "an event is none": (
        no.BadEvents,
        "events",
        lambda told: [{"event": "dengwen/event/v1\n", "cause": told.request.to_bytes().decode()}],
    ),
    "the first cause is none": (
        no.BadEvents,
        "events",
        lambda told: [{"event": told.event.to_bytes().decode(), "cause": "nothing"}],
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_broken_evidence_has_its_own_refusal(
    broken: tuple[type[no.NotHandedOver], str, Callable[[Told], object]],
) -> None:
    """One piece is not what it should be; the others are."""
    refusal, piece, bend = broken
    told = tell()
    with pytest.raises(refusal) as caught:
        _read(told, {**_served(told), piece: bend(told)})
    assert type(caught.value) is refusal


def test_honest_evidence_is_read() -> None:
    """What the desk serves honestly is what the office has."""
    told = tell()
    assert _read(told, _served(told)) == told.matter.evidence


def test_the_request_must_be_the_one_that_was_listed() -> None:
    """The desk cannot have one request judged under the hash of another."""
    told = tell()
    work = Work.parse(json.dumps(_served(told)).encode())
    assert read_request(work, told.request.hash) == (told.request, told.matter.request)
    with pytest.raises(no.Unanswerable):
        read_request(work, NoteHash(make_seed("another")))


@pytest.mark.parametrize(
    "request_text",
    ["", "dengwen/request/v1\n", "no note at all\n\n— a b\n"],
    ids=["nothing", "a bare type line", "another note"],
)
def test_what_is_no_request_cannot_be_answered(request_text: str) -> None:
    """Nobody is named to whom a reason could be sealed."""
    told = tell()
    body = {**_served(told), "request": request_text}
    with pytest.raises(no.Unanswerable):
        read_request(Work.parse(json.dumps(body).encode()), told.request.hash)


def test_a_recipient_that_is_no_key_cannot_be_answered() -> None:
    """A recipient of the right shape whose checksum is wrong is found before anything is sealed."""
    recipient = make_recipient("fresh reviewer-1")
    wrong = recipient[:-1] + ("q" if recipient[-1] != "q" else "p")
    told = tell(request={"recipient": wrong})
    work = Work.parse(json.dumps(_served(told)).encode())
    with pytest.raises(no.Unanswerable):
        read_request(work, told.request.hash)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b'{"request": 1}', b"[" * 100_000, b"\xff"],
    ids=["nothing", "a list", "null", "a number", "depth", "not UTF-8"],
)
def test_what_is_no_work_is_refused(data: bytes) -> None:
    """Whatever the desk sends, the holder stays up."""
    with pytest.raises(no.Unanswerable):
        Work.parse(data)


@pytest.mark.parametrize("piece", ["request", "receipt", "manifest", "events", "share"])
def test_work_lacks_no_piece(piece: str) -> None:
    """Without any one piece there is nothing to judge."""
    body = _served(tell())
    del body[piece]
    with pytest.raises(no.Unanswerable):
        Work.parse(json.dumps(body).encode())
