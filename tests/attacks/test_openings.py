"""Requests kept back, played again, made too often or too late; openings hidden afterwards."""

from __future__ import annotations

import pytest

from dengwen_keys.gatekeeper.refusals import (
    CaseWithdrawn,
    LoggedTooLate,
    NonceUsed,
    Tomorrow,
)
from dengwen_keys.office_client import OfficeRefusalError
from dengwen_keys.opening import TooFewSharesError
from dengwen_keys.released import Asked
from dengwen_submit.heads import Finding
from dengwen_submit.withdrawal import sign_withdrawal
from tests.town import TEXT, Town
from tests.town_operator import Operator
from tests.town_people import GATEKEEPERS, OFFICE, next_roster, sign_by_roots


def refused_at_the_desk(town: Town, asked: Asked) -> str:
    """Leave a request at the desk, which refuses; return the problem's name."""
    with pytest.raises(OfficeRefusalError) as refused:
        town.desk_client(asked.request.requester).ask(asked.note.to_bytes())
    return refused.value.slug


def test_a_request_kept_back_is_stale(town: Town, operator: Operator) -> None:
    """The operator sits on a signed request until the reviewer has left: it came too late."""
    _, sealed = town.received()
    town.grant()
    asked = town.request(sealed.manifest.panel[0], sealed, last_index=town.checkpoint().size + 3)
    town.tick(4)
    assert refused_at_the_desk(town, asked) == "rule"
    operator.log_request(asked)

    assert operator.reasons(asked) == {LoggedTooLate.slug}
    assert any("logged after the last record that it allows" in line for line in town.audit())


def test_a_request_played_again_changes_nothing(town: Town, operator: Operator) -> None:
    """The same note again is no new event; listed again, it gets the same bytes and no others."""
    words, sealed = town.received()
    reviewer = sealed.manifest.panel[0]
    asked = town.ask(reviewer, sealed.manifest.case)
    town.tick()
    town.post(asked)
    first = operator.answers_posted()
    operator.lay_before_gatekeepers(asked, reviewer, sealed.manifest.case)
    town.poll()

    assert operator.answers_posted()[len(first) :] != []
    assert set(operator.answers_posted()) == set(first)
    town.tick()
    view = town.follow_up(words)
    assert [entry.event.type for entry in view.entries].count("open.requested") == 1
    assert [entry.event.type for entry in view.entries].count("share.released") == 3


def test_a_nonce_is_good_once(town: Town, operator: Operator) -> None:
    """Two requests with one nonce, each properly signed: the second one gets nothing."""
    _, sealed = town.received()
    reviewer = sealed.manifest.panel[0]
    first = town.request(reviewer, sealed)
    town.post(first)
    second = town.request(reviewer, sealed, nonce=first.request.nonce)
    town.post(second)

    assert set(town.shares(first)) == {1, 2, 3}
    assert operator.reasons(second) == {NonceUsed.slug}


def test_a_stolen_key_does_not_open_everything_in_one_night(town: Town) -> None:
    """The roster's openings a day are counted by each gatekeeper, and tomorrow is another day."""
    roster = next_roster(town.roster, openings_per_day=2)
    town.office.vault.publish_roster(sign_by_roots(roster.to_bytes()))
    town.tick()
    _, sealed = town.received()
    reviewer = sealed.manifest.panel[0]
    asked = [town.ask(reviewer, sealed.manifest.case) for _ in range(3)]

    assert [len(town.shares(one)) for one in asked] == [3, 3, 0]
    with pytest.raises(Tomorrow):
        town.gatekeepers["gk-1"].serve(asked[2].hash)
    town.clock.now += 86_400
    town.tick()
    town.poll()
    assert len(town.shares(asked[2])) == 3


def test_a_withdrawn_petition_is_opened_no_more(town: Town, operator: Operator) -> None:
    """After her withdrawal nobody gets a share, and an auditor sees that somebody still asked."""
    words, sealed = town.received()
    town.grant()
    town.door_client().case(words.signing_key()).state(
        sign_withdrawal(OFFICE, words).to_bytes(), at_once=True
    )
    town.tick()
    asked = town.request(sealed.manifest.panel[0], sealed)
    operator.log_request(asked)

    assert operator.reasons(asked) == {CaseWithdrawn.slug}
    assert any("after case.withdrawn" in breach for breach in town.audit())


def test_one_gatekeeper_of_three_opens_nothing(town: Town) -> None:
    """A reviewer and one gatekeeper, with everything in order, are one lock of two."""
    _, sealed = town.received()
    reviewer = sealed.manifest.panel[0]
    with town.away("gk-2", "gk-3", reachable=True):
        asked = town.ask(reviewer, sealed.manifest.case)
    with pytest.raises(TooFewSharesError):
        town.open(reviewer, asked)
    town.poll()
    assert town.open(reviewer, asked).petition.body == TEXT


def test_a_release_kept_out_of_the_log_is_told_by_the_gatekeepers(
    town: Town, operator: Operator
) -> None:
    """The operator drops the releases, as if nobody had answered: those who did say so."""
    words, sealed = town.received()
    town.asked_and_opened(sealed)
    operator.run("DELETE FROM pending_event WHERE case_id = :case", case=sealed.manifest.case)
    town.tick()
    view = town.follow_up(words)

    assert not view.is_complete
    findings = {statement.holder: statement.finding for statement in view.statements}
    assert {findings[name] for name in GATEKEEPERS} == {Finding.NOT_LOGGED_YET}
