"""The operator invents: events that nobody caused, cards and signatures that nobody made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dengwen_audit.epoch_feed import EpochError
from dengwen_audit.errors import SignatureError
from dengwen_audit.http_client import UnreachableError
from dengwen_audit.http_signature import MemberAuth
from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.statements.acceptance import Acceptance, check_acceptance
from dengwen_audit.statements.answer import REFUSAL, Answer
from dengwen_audit.statements.card import Card, Root
from dengwen_audit.statements.grant import Grant, GrantEnd
from dengwen_audit.statements.statement import Statement
from dengwen_keys.errors import NoMatchError
from dengwen_keys.gatekeeper.refusals import NotAccepted
from dengwen_keys.office_client import DeskClient
from dengwen_keys.opening import open_left
from dengwen_keys.released import Asked
from dengwen_keys.reviewer import NotLoggedError
from dengwen_submit.errors import CaseError, OfficeError
from dengwen_submit.office import OfficeFiles
from dengwen_submit.pinning import fetch_office
from tests.small_office import make_identity, make_key, make_recipient, make_seed
from tests.town import TEXT, Town
from tests.town_operator import Operator
from tests.town_people import (
    AUDITOR,
    DESK,
    GATEKEEPERS,
    OFFICE,
    next_roster,
    sign_by_roots,
    with_member,
)
from tests.town_reviewer import read_shares
from tests.town_wire import Answer as Told
from tests.town_wire import on


def test_a_withdrawal_that_she_did_not_sign_is_nobodys(town: Town, operator: Operator) -> None:
    """The operator withdraws the petition in her name: her client and the auditor see who did."""
    words, sealed = town.received()
    town.grant()
    assert town.follow_up(words).is_complete
    text = Statement(OFFICE, sealed.manifest.case, "case.withdrawn").to_bytes()
    operator.log("case.withdrawn", sealed.manifest.case, "petitioner", forged(text))

    with pytest.raises(CaseError, match="does not hold"):
        town.follow_up(words)
    (breach,) = town.audit()
    assert "its cause does not hold" in breach


FILES = ("/card", "/roster", "/latest.tlog-proof")


def forged(text: bytes) -> Note:
    """Return a text signed by the only key that the operator has, under any name she likes."""
    return sign_note(text, make_key(OFFICE))


def test_a_refusal_that_no_gatekeeper_made_is_seen(town: Town, operator: Operator) -> None:
    """An opening is to look like a refusal: the gatekeeper's own signature is missing."""
    words, sealed = town.received()
    town.grant()
    asked = town.ask(sealed.manifest.panel[0], sealed.manifest.case)
    operator.run("DELETE FROM pending_event WHERE case_id = :case", case=sealed.manifest.case)
    refusal = Answer(
        REFUSAL, OFFICE, sealed.manifest.case, "petition", asked.hash, "gk-1", 1, bytes(31) + b"\1"
    )
    operator.log("share.refused", sealed.manifest.case, "gk-1", forged(refusal.to_bytes()))

    with pytest.raises(CaseError, match="does not hold"):
        town.follow_up(words)
    assert any("its cause does not hold" in breach for breach in town.audit())


def test_an_answer_that_no_reviewer_gave_is_seen(town: Town, operator: Operator) -> None:
    """The operator closes a case with two signatures that are not of its panel."""
    words, sealed = town.received()
    town.grant()
    outsiders = sorted({f"reviewer-{n}" for n in range(1, 10)} - {*sealed.manifest.panel})[:2]
    text = Statement(OFFICE, sealed.manifest.case, "case.closed").to_bytes()
    note = sign_note(text, *map(make_key, outsiders))
    operator.log("case.closed", sealed.manifest.case, outsiders[0], note)

    with pytest.raises(CaseError, match="not of the case's panel"):
        town.follow_up(words)
    assert any("not of the case's panel" in breach for breach in town.audit())


def test_an_acceptance_takes_the_intake_key(town: Town) -> None:
    """Whoever stands before the door answers with an acceptance of her own: it is none."""
    _, sealed = town.seal()
    roster = town.roster
    accepted = Acceptance(OFFICE, sealed.manifest.case, sealed.note.hash, town.today, 7200)
    for key in ("operator", OFFICE, "root-a"):
        with pytest.raises(SignatureError):
            check_acceptance(sign_note(accepted.to_bytes(), make_key(key)), roster)
    assert check_acceptance(town.send(sealed.to_bytes()), roster) == accepted


def test_a_reception_with_another_acceptance_opens_nothing(town: Town, operator: Operator) -> None:
    """The operator logs a case as received by another's acceptance: no gatekeeper serves it."""
    _, first = town.submit()
    _, second = town.submit()
    acceptance = town.acceptances[second.manifest.case]
    operator.run("DELETE FROM reception WHERE case_id = :case", case=second.manifest.case)
    operator.run(
        "UPDATE reception SET cause = :hash WHERE case_id = :case",
        hash=acceptance.hash,
        case=first.manifest.case,
    )
    papers = operator.papers(first.manifest.case)
    operator.swap_papers(first.manifest.case, replace(papers, acceptance=acceptance.to_bytes()))
    town.tick()
    town.grant()
    asked = town.request(first.manifest.panel[0], first)
    operator.log_request(asked)

    assert operator.reasons(asked) == {NotAccepted.slug}
    assert any("the acceptance is for another petition" in breach for breach in town.audit())


def test_a_manifest_that_the_log_does_not_name_is_not_opened(
    town: Town, operator: Operator
) -> None:
    """The desk shows a reviewer a case that is not in the log, or another case under its id."""
    _, sealed = town.received()
    _, other = town.received()
    reviewer = sealed.manifest.panel[0]

    def lie(answer: Told) -> Told:
        is_asked = answer.path == f"/v1/cases/{sealed.manifest.case.hex()}/manifest"
        return replace(answer, body=other.note.to_bytes()) if is_asked else answer

    with town.office.desk.lying(lie), pytest.raises(NotLoggedError):
        town.reviewer(reviewer).ask(sealed.manifest.case)
    assert town.asked_and_opened(sealed).petition.body == TEXT


def test_a_grant_takes_the_root_threshold(town: Town) -> None:
    """The operator gives her friend, an auditor, leave to read events: it is not hers to give."""
    text = Grant(OFFICE, AUDITOR, "court-of-audit", 0, town.roster.valid_until).to_bytes()
    for keys in ((OFFICE, "intake"), ("root-a",)):
        with pytest.raises(SignatureError):
            town.office.vault.post_grant(sign_note(text, *map(make_key, keys)))
    town.grant()
    assert not town.audit()


@pytest.mark.parametrize("member", ["reviewer-1", "gk-1", "trustee-1", AUDITOR])
def test_events_are_for_mirrors_and_granted_auditors(town: Town, member: str) -> None:
    """Whoever else asks the desk for epochs gets what a stranger gets."""
    town.received()
    auth = MemberAuth(member, make_key(member), town.clock)
    answer = town.session.get(f"{DESK}/v1/epochs?from=0&to=2&causes=1", auth=auth)
    assert answer.status_code == 404
    assert b"dengwen/event" not in answer.content


def test_an_ended_grant_gives_nothing(town: Town) -> None:
    """The root keepers end a grant: from then on the auditor reads no more."""
    town.grant()
    assert not town.audit()
    grant = Grant(OFFICE, AUDITOR, "court-of-audit", 0, town.roster.valid_until)
    end = GrantEnd(OFFICE, grant.hash)
    town.office.vault.post_grant(sign_by_roots(end.to_bytes()))
    town.tick()
    with pytest.raises(UnreachableError):
        town.audit()


def test_an_auditor_is_shown_what_everybody_is_bound_to(town: Town) -> None:
    """The desk gives the auditor epochs without the opening: they are not those of the log."""
    _, sealed = town.received()
    town.grant()
    assert town.asked_and_opened(sealed).petition.body == TEXT
    town.tick()

    def hide(epoch: dict[str, Any], quiet: dict[str, Any]) -> dict[str, Any]:
        is_opening = any("open.requested" in leaf for leaf in epoch["leaves"])
        return quiet | {"index": epoch["index"]} if is_opening else epoch

    def lie(served: dict[str, Any]) -> dict[str, Any]:
        epochs = served["epochs"]
        return {"epochs": [hide(epoch, epochs[0]) for epoch in epochs]}

    with (
        town.office.desk.lying(on("/v1/epochs", lie)),
        pytest.raises(EpochError, match="not the one in the public log"),
    ):
        town.audit()
    assert not town.audit()


def test_a_card_of_the_operators_own_does_not_follow(town: Town) -> None:
    """A later card with other root keys, signed by them alone, is not one that follows hers."""
    held = OfficeFiles(*(town.door_client().fetch(path) for path in FILES))
    roots = ("root-a", "usurper-1", "usurper-2")
    usurped: Card = replace(
        town.card,
        number=2,
        previous=town.card.hash,
        roots=tuple(
            Root(make_key(name).verification_key, root.institution)
            for name, root in zip(roots, town.card.roots, strict=True)
        ),
    )
    note = sign_note(usurped.to_bytes(), *map(make_key, roots))

    def lie(answer: Told) -> Told:
        if answer.path in {"/card", "/cards/2"}:
            return replace(answer, status=200, body=note.to_bytes())
        return answer

    with town.office.door.lying(lie), pytest.raises(OfficeError):
        fetch_office(town.door_client(), held, town.clock())
    _, office = fetch_office(town.door_client(), held, town.clock())
    assert office.card == town.card


def test_a_reviewers_key_signed_away_opens_nothing_sealed_before(town: Town) -> None:
    """
    The root keepers put the operator's keys into a reviewer's line, for everybody to see.

    She can then ask in that name, and it is logged; what was sealed before stays shut, since the
    petitioner's half was sealed to the key that the reviewer had.
    """
    words, sealed = town.received()
    victim = sealed.manifest.panel[0]
    usurper = SigningKey(victim, make_seed("operator"))
    keys = {"key": usurper.verification_key, "recipient": make_recipient("operator")}
    members = with_member(town.roster, victim, **keys)
    swapped = next_roster(town.roster, members=members)
    town.office.vault.publish_roster(sign_by_roots(swapped.to_bytes()))
    town.tick()
    honest = town.request(victim, sealed)
    asked = Asked(sign_note(honest.note.text, usurper), honest.request, honest.fresh)
    desk = DeskClient(town.card.desk, town.session, usurper, town.clock)
    desk.ask(asked.note.to_bytes())
    town.tick()
    town.poll()
    town.tick()

    assert set(read_shares(asked.fresh, desk.request(asked.hash))) == {1, 2, 3}
    with pytest.raises(NoMatchError):
        open_left(sealed.note, sealed.parts["left"], make_identity("operator"), victim)
    view = town.follow_up(words)
    assert [entry.event.actor for entry in view.entries[1:2]] == [victim]
    assert view.is_complete
    assert set(GATEKEEPERS) < {statement.holder for statement in view.statements}
