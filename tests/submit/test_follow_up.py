"""She sees every event of her case, and "complete" is said only when it is true."""

import datetime

import pytest

from dengwen_audit.statements.manifest import Manifest
from dengwen_submit.errors import CaseError, DoorError
from dengwen_submit.follow_up import CaseView
from dengwen_submit.heads import Finding
from tests.small_office import make_key
from tests.submit.door_office import DoorOffice
from tests.town_wire import Answer, Lie
from tests.vault.office import seal_petition

EVENTS = "/v1/case/events"


def _types(view: CaseView) -> list[str]:
    return [entry.event.type for entry in view.entries]


def _hiding(count: int) -> Lie:
    """Return a lie that leaves the newest events of a case out."""

    def lie(answer: Answer) -> Answer:
        if answer.path != EVENTS:
            return answer
        return answer.with_json(lambda file: file | {"events": file["events"][:-count]})

    return lie


def test_a_case_that_everybody_agrees_about_is_complete(office: DoorOffice, case: Manifest) -> None:
    """Received, asked for, released: each with its proof, and no holder says more."""
    assert office.follow_up().is_complete
    request = office.request(case)
    for name in ("gatekeeper-1", "gatekeeper-3"):
        office.release(request, case, name)
    office.look(case)
    view = office.follow_up()
    assert _types(view) == ["petition.received", "open.requested", *["share.released"] * 2]
    assert view.is_complete
    assert view.manifest == seal_petition("first").manifest
    assert view.unasked == tuple(f"trustee-{seat}" for seat in range(1, 6))


def test_a_hidden_newest_event_is_found(office: DoorOffice, case: Manifest) -> None:
    """One honest mirror or holder is enough."""
    request = office.request(case)
    office.release(request, case, "gatekeeper-1")
    newest = office.events(case)[-1]
    for name in ("mirror-1", "gatekeeper-1"):
        holder = office.holders[name]
        before, holder.seen = holder.seen, (newest.number, newest.hash)
        with (
            office.door.lying(_hiding(1)),
            pytest.raises(CaseError, match=f"{name} has seen newer"),
        ):
            office.follow_up()
        holder.seen = before
    office.look(case)
    assert office.follow_up().is_complete


def test_a_hidden_request_is_found_by_the_holder_that_answered_it(
    office: DoorOffice, case: Manifest
) -> None:
    """Even if it remembers no event: it remembers for which request its share left."""
    office.release(office.request(case), case, "gatekeeper-1")
    with office.door.lying(_hiding(2)), pytest.raises(CaseError, match="gatekeeper-1 released"):
        office.follow_up()


def test_another_history_is_found(office: DoorOffice, case: Manifest) -> None:
    """An event that was exchanged for another has another hash."""
    office.holders["mirror-1"].seen = (1, bytes(range(32)))
    with pytest.raises(CaseError, match="mirror-1 has seen another history"):
        office.follow_up()


def test_an_event_that_is_logged_while_she_looks_is_no_lie(
    office: DoorOffice, case: Manifest
) -> None:
    """An honest office and an honest mirror are never set against each other by time."""

    def log_something() -> None:
        office.holders["gatekeeper-1"].before_answer = lambda: None
        office.request(case)
        office.look(case)

    office.holders["gatekeeper-1"].before_answer = log_something
    view = office.follow_up()
    assert _types(view) == ["petition.received", "open.requested"]
    assert view.is_complete


def test_two_histories_in_one_look_are_found(office: DoorOffice, case: Manifest) -> None:
    """What was shown before the holders were asked must be shown after."""
    office.request(case)
    reads = [0]

    def lie(answer: Answer) -> Answer:
        reads[0] += answer.path == EVENTS
        return _hiding(1)(answer) if reads[0] == 2 else answer

    with (
        office.door.lying(lie),
        pytest.raises(CaseError, match="one history of the case, and then another"),
    ):
        office.follow_up()


def test_a_case_file_that_does_not_hold_is_a_contradiction(
    office: DoorOffice, case: Manifest
) -> None:
    """The refusal says that the office is at fault, and what did not hold."""
    office.request(case)

    def lie(answer: Answer) -> Answer:
        if answer.path != EVENTS:
            return answer
        return answer.with_json(lambda file: file | {"events": file["events"][1:]})

    with (
        office.door.lying(lie),
        pytest.raises(CaseError, match="what the office serves of this case does not hold: chain"),
    ):
        office.follow_up()


def test_a_silent_holder_keeps_it_from_complete(office: DoorOffice, case: Manifest) -> None:
    """The view says who is missing, and nothing worse."""
    with office.silent("gatekeeper-2"):
        view = office.follow_up()
    assert not view.is_complete
    assert [s.holder for s in view.statements if s.finding == Finding.SILENT] == ["gatekeeper-2"]


def test_holders_behind_their_walls_answer_by_their_polls(
    office: DoorOffice, case: Manifest
) -> None:
    """No address has to be reachable for her to know that this is all."""
    office.while_waiting.append(office.poll)
    with office.silent():
        assert office.follow_up().is_complete


def test_a_mirror_that_is_behind_keeps_it_from_complete(office: DoorOffice, case: Manifest) -> None:
    """What it has not seen it cannot vouch for."""
    office.request(case)
    view = office.follow_up()
    assert not view.is_complete
    (mirror,) = [said for said in view.statements if said.holder == "mirror-1"]
    assert (mirror.finding, mirror.count, mirror.total) == (Finding.BEHIND, 1, 2)


def test_a_share_whose_event_waits_keeps_it_from_complete(
    office: DoorOffice, case: Manifest
) -> None:
    """It left; with the next tick it is shown."""
    office.release(office.request(case), case, "gatekeeper-1", tick=False)
    office.look(case)
    view = office.follow_up()
    assert not view.is_complete
    assert {s.finding for s in view.statements if not s.agrees} == {Finding.NOT_LOGGED_YET}
    office.tick()
    office.look(case)
    assert office.follow_up().is_complete


def test_an_event_without_its_proof_keeps_it_from_complete(
    office: DoorOffice, case: Manifest
) -> None:
    """Committed is not published: a receipt has to come."""
    office.request(case, tick=False)
    office.epoch_store.commit_tick(office.epoch_store.size(), office.now)
    office.look(case)
    view = office.follow_up()
    assert [entry.receipt is None for entry in view.entries] == [False, True]
    assert all(statement.agrees for statement in view.statements)
    assert not view.is_complete


def test_a_case_that_is_not_in_the_log_yet_is_not_complete(office: DoorOffice) -> None:
    """An acceptance is a promise; the log has to keep it."""
    office.vault.accept(seal_petition("first").to_bytes(), at_once=True)
    view = office.follow_up()
    assert view.entries == ()
    assert not view.is_complete


def test_an_old_office_keeps_it_from_complete(office: DoorOffice, case: Manifest) -> None:
    """A roster that may have been replaced does not name all who should be asked."""
    pinned = office.pinned()
    office.now += datetime.timedelta(days=8).total_seconds()
    view = office.follow_up(office=pinned)
    assert all(statement.agrees for statement in view.statements)
    assert not view.is_fresh
    assert not view.is_complete


def test_an_old_event_is_judged_by_the_roster_of_its_day(
    office: DoorOffice, case: Manifest
) -> None:
    """An intake key that was replaced twice since has signed the acceptance, and rightly."""
    for name in ("intake-2", "intake-3"):
        office.publish_next_roster(intake=make_key(name).verification_key)
    assert office.pinned().roster.version == 3
    assert office.follow_up().is_complete


def test_words_without_a_case_are_refused_before_anybody_is_asked(
    office: DoorOffice, case: Manifest
) -> None:
    """No holder learns of a case that is none."""
    with pytest.raises(DoorError, match="no petition of these words"):
        office.follow_up("nobody")
    assert all(holder.asked == [] for holder in office.holders.values())


def test_no_view_is_given_of_another_case(office: DoorOffice, case: Manifest) -> None:
    """Each petitioner's words show her own case."""
    office.look(office.accept("other"))
    assert office.follow_up("other").manifest == seal_petition("other").manifest
