"""A case file is believed text by text: each thing that could be false in it is refused."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from dengwen_audit.errors import AuditError
from dengwen_audit.event import Event
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.manifest import Manifest
from dengwen_submit.case_file import Entry, read_case
from dengwen_submit.errors import CaseError
from dengwen_submit.rosters import roster_source
from tests.small_office import make_key, make_seed
from tests.submit.door_office import DoorOffice
from tests.vault.office import seal_petition, words_of

Served = dict[str, Any]


def _read(office: DoorOffice, served: Served | bytes, name: str = "first") -> tuple[Entry, ...]:
    answer = served if isinstance(served, bytes) else json.dumps(served).encode()
    pinned = office.pinned()
    rosters = roster_source(pinned, office.door_client().fetch)
    return read_case(answer, words_of(name), pinned, rosters)[1]


@pytest.fixture(scope="module")
def served(standing_office: DoorOffice, standing_case: Manifest) -> bytes:
    """Give the case file of a case with a request and a release; a second case is there, too."""
    office = standing_office
    request = office.request(standing_case)
    office.release(request, standing_case, "gatekeeper-2")
    office.accept("other")
    return office.case_client().events()


def test_a_good_case_file_gives_its_events(standing_office: DoorOffice, served: bytes) -> None:
    """Each event with its cause and its receipt; the release names the request it answers."""
    entries = _read(standing_office, served)
    assert [entry.event.type for entry in entries] == [
        "petition.received",
        "open.requested",
        "share.released",
    ]
    assert all(entry.receipt for entry in entries)
    assert [entry.released_request for entry in entries] == [None, None, entries[1].event.cause]


def _row(number: int, **changes: str | None) -> Callable[[Served, Served], None]:
    def change(served: Served, _: Served) -> None:
        served["events"][number].update(changes)

    return change


def _swap(name: str) -> Callable[[Served, Served], None]:
    def change(served: Served, _: Served) -> None:
        first, second = served["events"][:2]
        first[name], second[name] = second[name], first[name]

    return change


def _drop(number: int) -> Callable[[Served, Served], None]:
    return lambda served, _: served["events"].pop(number)


def _take(name: str) -> Callable[[Served, Served], None]:
    return lambda served, other: served.update({name: other[name]})


def _double(served: Served, _: Served) -> None:
    served["events"].append(served["events"][-1])


def _turn(served: Served, _: Served) -> None:
    served["events"].reverse()


def _bend_event(number: int, **changes: object) -> Callable[[Served, Served], None]:
    def change(served: Served, _: Served) -> None:
        row = served["events"][number]
        event = dataclasses.replace(Event.parse(row["event"].encode()), **changes)  # type: ignore[arg-type]
        row["event"] = event.to_bytes().decode()

    return change


def _without_proofs(bend: Callable[[Served, Served], None]) -> Callable[[Served, Served], None]:
    """Return a change that takes the receipts away, so that the other checks stand alone."""

    def change(served: Served, other: Served) -> None:
        bend(served, other)
        for row in served["events"]:
            row["receipt"] = None

    return change


def _sign_cause_by(number: int, name: str) -> Callable[[Served, Served], None]:
    def change(served: Served, _: Served) -> None:
        row = served["events"][number]
        text = Note.parse(row["cause"].encode()).text
        row["cause"] = sign_note(text, make_key(name)).to_bytes().decode()

    return change


# What the office tells, and the class of the refusal.
LIES: dict[str, tuple[Callable[[Served, Served], None], type[Exception]]] = {
    "the manifest of another case": (_take("manifest"), CaseError),
    "the events of another case": (_take("events"), CaseError),
    "the first event is missing": (_drop(0), AuditError),
    "an event between is missing": (_drop(1), AuditError),
    "an event stands twice": (_double, AuditError),
    "the events are turned round": (_turn, AuditError),
    "two causes are exchanged": (_swap("cause"), AuditError),
    "two receipts are exchanged": (_swap("receipt"), CaseError),
    "a receipt of another event": (_bend_event(0, salt=make_seed("salt")), CaseError),
    "another actor": (
        _without_proofs(_bend_event(2, actor="gatekeeper-1")),
        AuditError,
    ),
    "another type of the same cause": (
        _without_proofs(_bend_event(2, type="share.refused")),
        AuditError,
    ),
    "a cause by somebody else": (_sign_cause_by(2, "gatekeeper-1"), AuditError),
    "an acceptance that the intake key did not sign": (_sign_cause_by(0, "root-a"), AuditError),
    "an event of an unknown type": (
        lambda served, _: served["events"][0].update(
            event=served["events"][0]["event"].replace("petition.received", "petition.lost")
        ),
        AuditError,
    ),
    "a receipt that is damaged": (_row(1, receipt="c2sp.org/tlog-proof@v1\n"), AuditError),
    "a cause that is none": (_row(1, cause="hello\n"), AuditError),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_case_file_with_a_lie_in_it_is_refused(
    standing_office: DoorOffice, served: bytes, lie: str
) -> None:
    """Each single thing that the office could bend is found, and by the check that is for it."""
    bend, refusal = LIES[lie]
    other = json.loads(standing_office.case_client("other").events())
    told = json.loads(served)
    bend(told, other)
    with pytest.raises(refusal):
        _read(standing_office, told)


def test_the_first_event_is_the_reception(standing_office: DoorOffice, served: bytes) -> None:
    """A case cannot begin in the middle, not even with a chain that was made for it."""
    told = json.loads(served)
    row = told["events"][1]
    event = Event.parse(row["event"].encode())
    first = dataclasses.replace(event, number=1, previous=seal_petition("first").note.hash)
    told["events"] = [row | {"event": first.to_bytes().decode(), "receipt": None}]
    with pytest.raises(CaseError, match="does not begin with its reception"):
        _read(standing_office, told)


def test_words_of_another_case_do_not_fit(standing_office: DoorOffice, served: bytes) -> None:
    """What is shown is her case, or nothing."""
    with pytest.raises(CaseError, match="another case"):
        _read(standing_office, served, "other")


def _without(*path: str | int) -> Callable[[Any], object]:
    def change(told: Any) -> object:  # noqa: ANN401  # JSON
        inner = told
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        return told

    return change


def _with(value: object, *path: str | int) -> Callable[[Any], object]:
    def change(told: Any) -> object:  # noqa: ANN401  # JSON
        inner = told
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        return told

    return change


NOT_A_CASE_FILE: dict[str, Callable[[Any], object]] = {
    "a list": lambda told: [told],
    "null": lambda _: None,
    "no manifest": _without("manifest"),
    "no events": _without("events"),
    "no receipt": _without("events", 0, "receipt"),
    "a cause that is null": _with(None, "events", 0, "cause"),
    "an event that is a number": _with(7, "events", 0, "event"),
    "a receipt that is a list": _with([], "events", 0, "receipt"),
    "events that are a number": _with(7, "events"),
    "an event that is a text": _with("event", "events", 0),
    "half a character": _with("\ud800", "events", 0, "cause"),
    "half a character in the manifest": _with("\ud800", "manifest"),
}


@pytest.mark.parametrize("case", NOT_A_CASE_FILE)
def test_an_answer_of_another_shape_is_refused(
    standing_office: DoorOffice, served: bytes, case: str
) -> None:
    """Whatever JSON comes is refused in one sentence."""
    told = NOT_A_CASE_FILE[case](json.loads(served))
    with pytest.raises(CaseError, match="not a case file"):
        _read(standing_office, json.dumps(told).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"<html>"])
def test_an_answer_that_is_no_json_is_refused(standing_office: DoorOffice, body: bytes) -> None:
    """Also one that is nested so deep that a parser gives up."""
    with pytest.raises(CaseError, match="not a case file"):
        _read(standing_office, body)


def test_a_case_without_events_is_a_case(standing_office: DoorOffice, served: bytes) -> None:
    """Between the acceptance and the log there is a manifest and nothing else."""
    assert _read(standing_office, json.loads(served) | {"events": []}) == ()
