"""The operator edits, drops, reorders, doubles: in the database, the tiles, the mirror's feed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dengwen_audit.log import RestoredStoreError
from dengwen_audit.note import sign_note
from dengwen_audit.statements.statement import Statement
from dengwen_audit.witness_client import IncidentError
from dengwen_keys.gatekeeper.refusals import CaseForked
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.words import Words
from dengwen_submit.errors import CaseError
from tests.small_office import make_key
from tests.town import TEXT, Town
from tests.town_operator import Operator
from tests.town_people import OFFICE
from tests.town_wire import Lie

Feed = list[dict[str, Any]]


def opened_case(town: Town) -> tuple[Words, SealedPetition]:
    """Return words and petition of a case that one reviewer has opened; five events are logged."""
    words, sealed = town.received()
    town.asked_and_opened(sealed)
    town.tick()
    return words, sealed


def test_an_event_edited_in_the_database_has_no_proof(town: Town, operator: Operator) -> None:
    """The reception is dated a day back: its hashes lead nowhere."""
    words, sealed = opened_case(town)
    operator.run(
        "UPDATE event SET text = CAST(replace(CAST(text AS TEXT), '2025-01-10', '2025-01-09')"
        " AS BLOB) WHERE number = 1 AND case_id = :case",
        case=sealed.manifest.case,
    )
    with pytest.raises(CaseError, match="does not hold"):
        town.follow_up(words)


def test_a_cause_swapped_in_the_database_is_not_the_one_logged(
    town: Town, operator: Operator
) -> None:
    """The operator puts another reviewer's words behind an event: its hash is of another note."""
    words, sealed = opened_case(town)
    other = town.request(sealed.manifest.panel[1], sealed)
    operator.run(
        "UPDATE cause SET note = :note WHERE actor = :actor",
        note=other.note.to_bytes(),
        actor=sealed.manifest.panel[0],
    )
    with pytest.raises(CaseError, match="not the note that the event names"):
        town.follow_up(words)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_event_dropped_from_the_database_leaves_a_gap(
    town: Town, operator: Operator, number: int
) -> None:
    """Whichever event of the middle is gone, the chain is broken."""
    words, sealed = opened_case(town)
    operator.run(
        "DELETE FROM event WHERE case_id = :case AND number = :number",
        case=sealed.manifest.case,
        number=number,
    )
    with pytest.raises(CaseError, match="chain"):
        town.follow_up(words)


def test_events_reordered_in_the_database_break_the_chain(town: Town, operator: Operator) -> None:
    """The request is shown after a release: numbers and hashes do not follow each other."""
    words, sealed = opened_case(town)
    for old, new in ((2, 100), (3, 2), (100, 3)):
        operator.run(
            "UPDATE event SET number = :new WHERE case_id = :case AND number = :old",
            case=sealed.manifest.case,
            old=old,
            new=new,
        )
    with pytest.raises(CaseError, match="chain"):
        town.follow_up(words)


@pytest.mark.parametrize("age", [1, 3], ids=["the newest", "an older one"])
def test_a_record_edited_in_the_database_stops_the_sequencer(
    town: Town, operator: Operator, age: int
) -> None:
    """The database holds another record than the public log: nothing is signed on top of it."""
    town.tick(3)
    number = town.checkpoint().size - age
    operator.run("UPDATE epoch SET record = zeroblob(length(record)) WHERE number = :n", n=number)
    before = town.checkpoint()
    if age == 1:
        with pytest.raises(RestoredStoreError):
            town.tick()
    with pytest.raises(RestoredStoreError):
        town.office.restart_sequencer()
    assert town.checkpoint() == before


@pytest.mark.parametrize("pattern", ["tile/0/*/*", "tile/entries/*/*", "checkpoint"])
def test_a_byte_edited_in_the_public_files_is_seen_by_an_auditor(town: Town, pattern: str) -> None:
    """Tiles, bundles, checkpoint: every one is derived anew by whoever visits."""
    town.tick(2)
    path = max((town.public / "log").glob(pattern))
    good = path.read_bytes()
    assert town.visit().is_clean
    for place in (0, len(good) // 2, len(good) - 2):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert town.visit().breaches, place
    path.write_bytes(good)
    assert town.visit().is_clean


def test_a_file_missing_from_the_public_log_is_seen_by_an_auditor(town: Town) -> None:
    """A bundle is gone: the log is not whole, and that is a breach, not an excuse."""
    path = max((town.public / "log").glob("tile/entries/*/*"))
    good = path.read_bytes()
    path.unlink()
    assert any("missing" in breach for breach in town.visit().breaches)
    path.write_bytes(good)
    assert town.visit().is_clean


def feed(change: Callable[[Feed], Feed]) -> Lie:
    """Serve the mirror other epochs."""

    def alter(served: dict[str, Any]) -> dict[str, Any]:
        return {"epochs": change(served["epochs"])}

    return lambda answer: answer.with_json(alter) if answer.path == "/v1/epochs" else answer


def another_leaf(epochs: Feed) -> Feed:
    """Put an empty leaf in the place of the event."""
    (epoch,) = epochs
    empty = next(leaf for leaf in epoch["leaves"] if leaf.startswith("dengwen/empty"))
    leaves = [empty if leaf.startswith("dengwen/event") else leaf for leaf in epoch["leaves"]]
    return [epoch | {"leaves": leaves}]


def reversed_leaves(epochs: Feed) -> Feed:
    """Turn the order of the leaves around."""
    (epoch,) = epochs
    return [epoch | {"leaves": epoch["leaves"][::-1]}]


def edited_leaf(epochs: Feed) -> Feed:
    """Date the event a day back."""
    (epoch,) = epochs
    leaves = [leaf.replace("day 2025-01-10", "day 2025-01-09") for leaf in epoch["leaves"]]
    return [epoch | {"leaves": leaves}]


@pytest.mark.parametrize("change", [another_leaf, reversed_leaves, edited_leaf])
def test_a_feed_that_does_not_give_the_record_is_an_incident(
    town: Town, change: Callable[[Feed], Feed]
) -> None:
    """The mirror rebuilds each epoch: another leaf, another order, another day stop the log."""
    town.submit()
    town.clock.now += town.card.tick
    before = town.checkpoint()
    with town.office.desk.lying(feed(change)), pytest.raises(IncidentError, match="mirror-1"):
        town.office.sequencer.tick()

    ((_, _, what),) = town.mirror.store.incidents()
    assert "do not give its record" in what
    assert town.checkpoint() == before
    town.office.restart_sequencer()
    town.tick()


def test_a_feed_of_another_history_is_an_incident(town: Town) -> None:
    """Each epoch fits its record, but the records are not those of the checkpoint."""
    town.tick()

    def older(epochs: Feed) -> Feed:
        return [epoch | {"leaves": kept["leaves"], "record": kept["record"]} for epoch in epochs]

    kept: dict[str, Any] = {}

    def keep(epochs: Feed) -> Feed:
        kept.update(epochs[0])
        return epochs

    with town.office.desk.lying(feed(keep)):
        town.tick()
    with town.office.desk.lying(feed(older)), pytest.raises(IncidentError, match="mirror-1"):
        town.tick()
    ((_, _, what),) = town.mirror.store.incidents()
    assert "not those of the checkpoint" in what


def test_a_second_event_with_one_number_stops_the_log(town: Town, operator: Operator) -> None:
    """
    After gatekeepers have seen an opening, the operator writes another event 2 into the case.

    Each person would be shown a chain without gaps; the mirror holds both, and does not cosign.
    """
    words, sealed = town.received()
    reviewer, other, _ = sealed.manifest.panel
    town.ask(reviewer, sealed.manifest.case)
    case = sealed.manifest.case
    operator.run("DELETE FROM event WHERE case_id = :case AND number > 1", case=case)
    operator.run("DELETE FROM pending_event WHERE case_id = :case", case=case)
    answered = Statement(OFFICE, case, "case.answered").to_bytes()
    with pytest.raises(IncidentError, match="mirror-1"):
        operator.log("case.answered", case, other, sign_note(answered, make_key(other)))

    ((_, _, what),) = town.mirror.store.incidents()
    assert "hold two events 2 of one case" in what
    with pytest.raises(CaseError, match="another history"):
        town.follow_up(words)


def test_a_second_event_is_refused_by_gatekeepers_even_without_a_mirror(
    town: Town, operator: Operator
) -> None:
    """The mirror colludes: a gatekeeper that saw the first event 2 does not serve a fork."""
    _, sealed = town.received()
    _, other, _ = sealed.manifest.panel
    case = sealed.manifest.case
    assert town.asked_and_opened(sealed).petition.body == TEXT
    town.mirror.collude()
    operator.run("DELETE FROM event WHERE case_id = :case AND number > 1", case=case)
    operator.run("DELETE FROM pending_event WHERE case_id = :case", case=case)
    asked = town.request(other, sealed)
    operator.log_request(asked)

    assert operator.reasons(asked) == {CaseForked.slug}
