"""
A reviewer, or whoever has her key, tries to get a share that is not hers to have.

Each attempt is made twice: at the desk, which refuses what could never be answered, and past it,
with the operator's help, at the gatekeepers, who believe neither. An auditor sees what was logged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from dengwen_audit.note import sign_note
from dengwen_audit.statements.member import Revocation
from dengwen_keys.gatekeeper.refusals import (
    LifetimeTooLong,
    NotInPanel,
    NotSignedAfter,
    OldRoster,
    RequestSignature,
    Revoked,
    WrongActor,
    WrongCause,
    WrongCompartment,
    WrongEventCase,
    WrongEventType,
    WrongManifest,
    WrongPurpose,
)
from dengwen_keys.office_client import OfficeRefusalError
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.released import Asked
from tests.small_office import make_key
from tests.town import TEXT, Town
from tests.town_operator import Operator
from tests.town_people import GATEKEEPERS, OFFICE, next_roster, sign_by_roots
from tests.town_wire import Answer


def outsider(sealed: SealedPetition) -> str:
    """Return a reviewer who is not on the panel."""
    return next(
        f"reviewer-{n}" for n in range(1, 10) if f"reviewer-{n}" not in sealed.manifest.panel
    )


def refused_at_the_desk(town: Town, asked: Asked) -> str:
    """Leave a request at the desk, which refuses; return the problem's name."""
    with pytest.raises(OfficeRefusalError) as refused:
        town.desk_client(asked.request.requester).ask(asked.note.to_bytes())
    return refused.value.slug


@dataclass(frozen=True)
class Attempt:
    """
    One thing that is wrong with a request.

    Attributes:
        changes: What it says otherwise.
        desk: How the desk refuses it.
        slug: How every gatekeeper refuses it.
        breach: What an auditor says of it, if it is in the log.
    """

    changes: dict[str, Any]
    desk: str
    slug: str
    breach: str = ""


ATTEMPTS = {
    "for a longer life than the roster allows": Attempt(
        {"last_index": 10_000},
        "rule",
        LifetimeTooLong.slug,
        "allows itself more time than its roster does",
    ),
    "for the identity": Attempt(
        {"compartment": "identity", "purpose": "contact"},
        "rule",
        WrongCompartment.slug,
        "asks for a compartment that this kind of request does not open",
    ),
    "for a purpose that opens no petition": Attempt(
        {"purpose": "court-order"},
        "rule",
        WrongPurpose.slug,
        "the purpose does not fit the compartment",
    ),
    "of another manifest": Attempt(
        {"manifest": bytes(31) + b"\1"},
        "rule",
        WrongManifest.slug,
        "the request is for another case or manifest",
    ),
    "as if signed after a checkpoint that never was": Attempt(
        {"after_root": bytes(31) + b"\1"}, "", NotSignedAfter.slug
    ),
    "under a roster that never was": Attempt(
        {"roster": bytes(31) + b"\1"}, "rule", OldRoster.slug, "its cause does not hold"
    ),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_nothing_is_released_for_a_request(
    town: Town, operator: Operator, attempt: Attempt
) -> None:
    """Signed by a member of the panel, logged by the operator, refused by every gatekeeper."""
    _, sealed = town.received()
    town.grant()
    asked = town.request(sealed.manifest.panel[0], sealed, **attempt.changes)
    if attempt.desk:
        assert refused_at_the_desk(town, asked) == attempt.desk
    operator.log_request(asked)

    assert operator.reasons(asked) == {attempt.slug}
    assert attempt.breach in " ".join(town.audit())
    assert bool(town.audit()) == bool(attempt.breach)
    assert town.asked_and_opened(sealed).petition.body == TEXT


def test_another_recipient_takes_another_signature(town: Town, operator: Operator) -> None:
    """The operator puts her own recipient into a reviewer's request: nobody signed that."""
    _, sealed = town.received()
    town.grant()
    reviewer = sealed.manifest.panel[0]
    forged = town.request(reviewer, sealed, signer=OFFICE)
    assert refused_at_the_desk(town, forged) == "signature"
    operator.log_request(forged)

    assert operator.reasons(forged) == {RequestSignature.slug}
    assert any("its cause does not hold" in breach for breach in town.audit())


def test_the_operator_cannot_ask_in_her_own_name(town: Town, operator: Operator) -> None:
    """A member of the panel signs, but the operator adds a signature of hers: nobody counts two."""
    _, sealed = town.received()
    asked = town.request(sealed.manifest.panel[0], sealed)
    double = Asked(
        sign_note(asked.note.text, make_key(sealed.manifest.panel[0]), make_key(OFFICE)),
        asked.request,
        asked.fresh,
    )
    assert refused_at_the_desk(town, double) == "signature"
    operator.log_request(double)
    assert operator.reasons(double) == {RequestSignature.slug}


def test_a_share_goes_to_the_recipient_of_the_request_alone(town: Town) -> None:
    """Answers swapped on their way are not what was signed: the reviewer names whose they were."""
    _, sealed = town.received()
    reviewer = sealed.manifest.panel[0]
    asked = town.ask(reviewer, sealed.manifest.case)

    def swap(served: dict[str, Any]) -> dict[str, Any]:
        first, second, *rest = served["answers"]
        swapped = [first | {"sealed": second["sealed"]}, second | {"sealed": first["sealed"]}]
        return served | {"answers": [*swapped, *rest]}

    with town.office.desk.lying(
        lambda answer: answer.with_json(swap) if "/v1/requests/" in answer.path else answer
    ):
        collected = town.reviewer(reviewer).progress(asked).collected
    assert len(collected.faults) == 2
    assert set(collected.faults.values()) == {"the sealed bytes are not those that were signed for"}
    assert len(collected.shares) == 1
    assert town.open(reviewer, asked).petition.body == TEXT


def test_a_reviewer_off_the_panel_gets_nothing(town: Town, operator: Operator) -> None:
    """Only the three whom the petitioner drew can ask, whatever the operator logs."""
    _, sealed = town.received()
    town.grant()
    asked = town.request(outsider(sealed), sealed)
    assert refused_at_the_desk(town, asked) == "not-yours"
    operator.log_request(asked)

    assert operator.reasons(asked) == {NotInPanel.slug}
    assert any("not of the case's panel" in breach for breach in town.audit())
    assert town.asked_and_opened(sealed).petition.body == TEXT


def revoke(town: Town, name: str) -> None:
    """Let the root keepers revoke a reviewer; it is in force with the next tick."""
    roster = next_roster(town.roster, revoked=(Revocation(name, town.today),))
    town.office.vault.publish_roster(sign_by_roots(roster.to_bytes()))
    town.tick()


def test_a_revoked_reviewer_gets_nothing(town: Town, operator: Operator) -> None:
    """A revocation holds at once: at the desk, at each gatekeeper, and before the auditor."""
    _, sealed = town.received()
    town.grant()
    villain, honest, _ = sealed.manifest.panel
    old = town.request(villain, sealed)
    revoke(town, villain)
    asked = town.request(villain, sealed)

    assert refused_at_the_desk(town, asked) == "http-signature-key"
    operator.log_request(asked)
    assert operator.reasons(asked) == {Revoked.slug}
    operator.log_request(old)
    assert operator.reasons(old) == {OldRoster.slug}
    assert any("its cause does not hold" in breach for breach in town.audit())
    assert town.open(honest, town.ask(honest, sealed.manifest.case)).petition.body == TEXT


def test_a_request_of_another_case_opens_no_other(town: Town, operator: Operator) -> None:
    """A reviewer of one panel asks in that case's name for what lies in another one."""
    _, mine = town.received()
    _, other = town.received()
    reviewer = mine.manifest.panel[0]
    crossed = town.request(reviewer, mine, case=other.manifest.case)
    operator.log_request(crossed)
    assert operator.reasons(crossed) == {WrongManifest.slug}

    asked = town.request(reviewer, mine)
    operator.log_request(asked, case=other.manifest.case)
    assert operator.reasons(asked) == {WrongEventCase.slug}
    assert town.open(reviewer, town.ask(reviewer, mine.manifest.case)).petition.body == TEXT


def test_an_opening_is_logged_as_an_opening(town: Town, operator: Operator) -> None:
    """The operator logs a request under a milder name, or another person's: it opens nothing."""
    _, sealed = town.received()
    town.grant()
    reviewer, other, _ = sealed.manifest.panel
    masked = town.request(reviewer, sealed)
    operator.log_request(masked, kind="case.answered")
    assert operator.reasons(masked) == {WrongEventType.slug}

    blamed = town.request(reviewer, sealed)
    operator.log_request(blamed, actor=other)
    assert operator.reasons(blamed) == {WrongActor.slug}
    breaches = " ".join(town.audit())
    assert "the cause is not the note that the event names" in breaches
    assert "the event names another actor" in breaches


def test_the_receipt_of_another_request_is_none_of_this(town: Town, operator: Operator) -> None:
    """A gatekeeper is shown an unlogged request beside the receipt of a logged one."""
    _, sealed = town.received()
    reviewer = sealed.manifest.panel[0]
    unlogged = town.request(reviewer, sealed)
    with town.away(*GATEKEEPERS, reachable=True):
        honest = town.ask(reviewer, sealed.manifest.case)
    work = json.loads(town.desk_client("gk-1").work_on(honest.hash))
    work["request"] = unlogged.note.to_bytes().decode()

    def lie(answer: Answer) -> Answer:
        if answer.path == f"/v1/work/{unlogged.hash.hex()}":
            return replace(answer, status=200, body=json.dumps(work).encode())
        return answer

    with town.office.desk.lying(lie), pytest.raises(OfficeRefusalError):
        town.gatekeepers["gk-1"].serve(unlogged.hash)  # its answer is to nothing the desk knows
    assert operator.answered(unlogged) == {"gk-1": WrongCause.slug}
    town.poll()
    assert town.open(reviewer, honest).petition.body == TEXT
