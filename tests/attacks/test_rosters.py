"""The operator tries to put other keys in the place of those that the root keepers signed for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.member import Revocation
from dengwen_audit.statements.roster import Quorum, Roster
from dengwen_keys.gatekeeper.refusals import (
    RosterNotValid,
    RosterRolledBack,
    RosterTooEarly,
    RosterUnproven,
    RosterWithheld,
)
from dengwen_submit.door_client import DoorClient
from dengwen_submit.errors import OfficeError, StaleOfficeError
from dengwen_submit.pinning import fetch_office
from tests.small_office import make_key, make_recipient
from tests.town import TEXT, Town
from tests.town_operator import Operator
from tests.town_people import OFFICE, next_roster, sign_by_roots, with_member
from tests.town_wire import Answer, Lie

DAY = 86_400  # seconds


def serve(path: str, body: bytes) -> Lie:
    """Serve *body* in place of one public file."""
    return lambda answer: replace(answer, body=body) if answer.path == path else answer


def swapped(roster: Roster, name: str) -> Roster:
    """Return a roster in which what is sealed to *name* is sealed to the operator."""
    return replace(roster, members=with_member(roster, name, recipient=make_recipient("operator")))


def published(town: Town, roster: Roster) -> Note:
    """Let the root keepers sign a roster, and the office publish it."""
    note = sign_by_roots(roster.to_bytes())
    town.office.vault.publish_roster(note)
    return note


def with_another_gatekeeper(roster: Roster) -> Roster:
    """Return the next roster, in which seat 2 belongs to the operator's friend."""
    members = with_member(roster, "gk-2", recipient=make_recipient("friend"))
    return next_roster(roster, members=members)


@pytest.mark.parametrize("victim", ["reviewer-4", "gk-2", "trustee-5"])
def test_a_key_swapped_in_the_roster_breaks_its_signatures(town: Town, victim: str) -> None:
    """The operator edits one recipient and keeps the root keepers' lines: the client refuses."""
    honest = Note.parse(DoorClient(town.card.door, town.session).fetch("/roster"))
    edited = Note(swapped(town.roster, victim).to_bytes(), honest.signatures)

    with (
        town.office.door.lying(serve("/roster", edited.to_bytes())),
        pytest.raises(OfficeError, match="roster cannot be used"),
    ):
        town.seal()
    assert town.seal()


@pytest.mark.parametrize(
    "signers", [(), ("root-a",), (OFFICE, "intake")], ids=["nobody", "one root", "the operator"]
)
def test_a_roster_without_the_root_threshold_is_refused(
    town: Town, signers: tuple[str, ...]
) -> None:
    """Unsigned, by one root keeper of three, or by the operator's own keys: the client refuses."""
    keys = map(make_key, signers)
    text = swapped(town.roster, "gk-2").to_bytes()
    body = sign_note(text, *keys).to_bytes() if signers else text + b"\n"

    with (
        town.office.door.lying(serve("/roster", body)),
        pytest.raises(OfficeError, match="roster cannot be used"),
    ):
        town.seal()


def test_a_roster_that_the_log_does_not_name_is_refused(town: Town) -> None:
    """An older roster, properly signed, is not the one of the newest record: the client refuses."""
    old = DoorClient(town.card.door, town.session).fetch("/roster")
    published(town, next_roster(town.roster, revoked=(Revocation("reviewer-1", town.today),)))
    town.tick()
    assert town.pinned().roster.version == 2

    with (
        town.office.door.lying(serve("/roster", old)),
        pytest.raises(OfficeError, match="names another roster"),
    ):
        town.seal()


def test_an_old_roster_with_its_old_proof_is_refused_by_the_clock(town: Town) -> None:
    """The whole office as it stood eight days ago: the witnesses' times give it away."""
    door = DoorClient(town.card.door, town.session)
    old = {path: door.fetch(path) for path in ("/roster", "/latest.tlog-proof")}
    town.clock.now += 8 * DAY
    town.tick()

    def lie(answer: Answer) -> Answer:
        return replace(answer, body=old.get(answer.path, answer.body))

    with town.office.door.lying(lie), pytest.raises(StaleOfficeError, match="days old"):
        town.seal()
    assert town.seal()


def test_an_expired_roster_serves_nobody(town: Town) -> None:
    """Without new signatures of the root keepers an office runs dry within thirty days."""
    _, sealed = town.received()
    town.clock.now += 30 * DAY
    town.tick()

    with pytest.raises(OfficeError, match="not in force today"):
        town.seal()
    asked = town.request(sealed.manifest.panel[0], sealed)
    town.post(asked)
    assert not town.shares(asked)
    with pytest.raises(RosterNotValid):
        town.gatekeepers["gk-1"].serve(asked.hash)
    assert "not valid today" in " ".join(town.visit().breaches)


def test_a_seat_may_not_change_hands_before_seven_days(town: Town, operator: Operator) -> None:
    """
    The root keepers sign away a gatekeeper's seat, and the operator puts it in force at once.

    Every other gatekeeper stops, a petitioner who fetches the office is told not to seal to it, and
    an auditor sees it in the public files.
    """
    _, sealed = town.received()
    memory = town.visit().remember(None)
    published(town, with_another_gatekeeper(town.roster))
    town.tick()
    operator.run("UPDATE roster SET in_force_from = :today WHERE version = 2", today=town.today)
    town.tick()
    assert town.roster.version == 2
    with pytest.raises(OfficeError, match="before its seven days"):
        fetch_office(town.door_client(), None, town.clock())
    asked = town.request(sealed.manifest.panel[0], sealed)
    town.post(asked)

    assert not town.shares(asked)
    for name in ("gk-1", "gk-3"):
        with pytest.raises(RosterTooEarly):
            town.gatekeepers[name].serve(asked.hash)
    (breach,) = town.visit(memory).breaches
    assert "changes who holds shares, and took force before 2025-01-17" in breach


def test_a_seat_may_change_hands_after_seven_days(town: Town) -> None:
    """The same change, shown to everybody for seven days, is in force, and the rest goes on."""
    _, sealed = town.received()
    memory = town.visit().remember(None)
    published(town, with_another_gatekeeper(town.roster))
    town.tick()
    memory = town.visit(memory).remember(memory)
    assert town.roster.version == 1
    town.clock.now += 8 * DAY
    town.tick()
    assert town.roster.version == 2

    reviewer = sealed.manifest.panel[0]
    with town.away("gk-2"):
        assert town.open(reviewer, town.ask(reviewer, sealed.manifest.case)).petition.body == TEXT
    assert town.visit(memory).is_clean
    _, office = fetch_office(town.door_client(), None, town.clock())
    assert office.roster.version == 2


def test_a_revocation_cannot_be_taken_back(town: Town, operator: Operator) -> None:
    """The operator lets the log name the roster from before a revocation: gatekeepers stop."""
    _, sealed = town.received()
    villain, honest, _ = sealed.manifest.panel
    published(town, next_roster(town.roster, revoked=(Revocation(villain, town.today),)))
    town.tick()
    assert town.open(honest, town.ask(honest, sealed.manifest.case)).petition.body == TEXT
    memory = town.visit().remember(None)

    operator.run("UPDATE roster SET in_force_from = NULL WHERE version = 2")
    operator.run("UPDATE roster SET version = 1000 - version")
    town.tick()
    asked = town.request(villain, sealed)
    operator.log_request(asked)
    assert town.roster.version == 1
    assert not operator.answered(asked)
    for house in town.gatekeepers.values():
        with pytest.raises(RosterRolledBack):
            house.serve(asked.hash)
    assert any("roster 1 comes after roster 2" in line for line in town.visit(memory).breaches)


def test_a_roster_that_the_office_sits_on_stops_the_holders_who_have_it(town: Town) -> None:
    """Root keepers hand a revocation to a gatekeeper too: it is obeyed at once, then missed."""
    _, sealed = town.received()
    villain, honest, _ = sealed.manifest.panel
    revoking = next_roster(town.roster, revoked=(Revocation(villain, town.today),))
    town.hand_over("gk-1", sign_by_roots(revoking.to_bytes()))
    asked = town.ask(villain, sealed.manifest.case)

    assert town.reasons(asked) == {"gk-1": "revoked"}
    town.clock.now += DAY + 1
    town.tick()
    asked = town.ask(honest, sealed.manifest.case)
    assert set(town.shares(asked)) == {2, 3}
    with pytest.raises(RosterWithheld):
        town.gatekeepers["gk-1"].serve(asked.hash)


def test_a_gatekeeper_is_not_given_another_roster_than_the_log_names(
    town: Town, operator: Operator
) -> None:
    """The operator answers a gatekeeper with an edited roster under the true one's name."""
    published(town, next_roster(town.roster))
    town.tick()
    _, sealed = town.received()
    edited = Note(swapped(town.roster, "reviewer-1").to_bytes(), ())
    path = f"/rosters/{town.roster.hash.hex()}"
    asked = town.request(sealed.manifest.panel[0], sealed)

    with town.office.door.lying(serve(path, edited.to_bytes() + b"\n")):
        town.post(asked)
        with pytest.raises(RosterUnproven):
            town.gatekeepers["gk-1"].serve(asked.hash)
    assert not town.shares(asked)
    town.poll()
    assert set(town.shares(asked)) == {1, 2, 3}


def test_nobody_of_the_town_can_shorten_the_rules(town: Town) -> None:
    """A roster that makes one lock of two is refused even with every root keeper's signature."""
    text = replace(town.roster, gatekeepers=Quorum(1, 3)).to_bytes()
    note = sign_by_roots(text, ("root-a", "root-b", "root-c"))

    with (
        town.office.door.lying(serve("/roster", note.to_bytes())),
        pytest.raises(OfficeError, match="one gatekeeper alone could release"),
    ):
        town.seal()
