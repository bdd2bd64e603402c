"""
The desk bends the evidence that it lays before a gatekeeper, for a request that is in order.

Everything about the request is honest and logged; one piece of what is served beside it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dengwen_audit.note import Note, SigningKey, sign_note
from dengwen_audit.proof import LogProof
from dengwen_audit.receipt import Receipt
from dengwen_keys.gatekeeper.refusals import (
    BadEvents,
    BadManifest,
    BadReceipt,
    ChainBroken,
    ChainWithoutRequest,
    LogSignature,
    NoQuorum,
    NotAccepted,
    NotInLog,
    NotInLogYet,
    NotReviewer,
    NotYet,
    Unanswerable,
    UnknownRequester,
    WrongOffice,
    WrongPart,
)
from dengwen_keys.released import Asked
from tests.small_office import make_seed
from tests.town import TEXT, Town
from tests.town_operator import Operator
from tests.town_people import GATEKEEPERS, OFFICE
from tests.town_wire import on

Work = dict[str, Any]


def with_proof(work: Work, change: Callable[[LogProof], LogProof]) -> Work:
    """Serve another log proof in the receipt."""
    receipt = Receipt.parse(work["receipt"].encode())
    bent = Receipt(receipt.event, receipt.leaf, receipt.path, receipt.roster, change(receipt.proof))
    return work | {"receipt": bent.to_bytes().decode()}


def without_cosignatures(work: Work) -> Work:
    """Serve the receipt under the log's signature alone."""
    return with_proof(
        work,
        lambda proof: LogProof(
            None,
            proof.index,
            proof.path,
            Note(proof.checkpoint.text, proof.checkpoint.signatures[:1]),
        ),
    )


def signed_by_another_log(work: Work) -> Work:
    """Serve the receipt under a checkpoint that another key signed in the log's name."""

    def sign(proof: LogProof) -> LogProof:
        forged = sign_note(proof.checkpoint.text, SigningKey(OFFICE, make_seed("another log")))
        lines = (*forged.signatures, *proof.checkpoint.signatures[1:])
        return LogProof(None, proof.index, proof.path, Note(proof.checkpoint.text, lines))

    return with_proof(work, sign)


def at_another_index(work: Work) -> Work:
    """Serve the receipt with another place in the log."""
    return with_proof(
        work, lambda proof: LogProof(None, proof.index - 1, proof.path, proof.checkpoint)
    )


def without_event(number: int) -> Callable[[Work], Work]:
    """Serve the chain without one of its events."""

    def cut(work: Work) -> Work:
        events = work["events"]
        return work | {"events": events[: number - 1] + events[number:]}

    return cut


def with_text(name: str, old: str, new: str) -> Callable[[Work], Work]:
    """Serve one text with some of its letters changed."""
    return lambda work: work | {name: re.sub(old, new, work[name], count=1)}


def with_first_cause(work: Work) -> Work:
    """Serve the request as the cause of the reception."""
    first, *rest = work["events"]
    return work | {"events": [first | {"cause": work["request"]}, *rest]}


@dataclass(frozen=True)
class Bent:
    """What the desk serves otherwise, and what the gatekeeper says."""

    bend: Callable[[Work], Work]
    slug: str


REFUSED = {
    "a receipt of another log": Bent(signed_by_another_log, LogSignature.slug),
    "a receipt of another place": Bent(at_another_index, NotInLog.slug),
    "a receipt misspelt": Bent(with_text("receipt", "index ", "index 0"), BadReceipt.slug),
    "a chain without its reception": Bent(without_event(1), ChainBroken.slug),
    "a chain with a gap": Bent(without_event(2), ChainBroken.slug),
    "a chain without the request": Bent(without_event(3), ChainWithoutRequest.slug),
    "no chain at all": Bent(lambda work: work | {"events": []}, BadEvents.slug),
    "another cause of the reception": Bent(with_first_cause, NotAccepted.slug),
    "a manifest misspelt": Bent(with_text("manifest", "panel ", "panel  "), BadManifest.slug),
    "another share": Bent(with_text("share", "^.{8}", "AAAAAAAA"), WrongPart.slug),
}
WAITS: dict[str, tuple[Callable[[Work], Work], type[NotYet | Unanswerable]]] = {
    "no receipt": (lambda work: work | {"receipt": None}, NotInLogYet),
    "a receipt without witnesses": (without_cosignatures, NoQuorum),
    "a request misspelt": (with_text("request", "nonce ", "nonce  "), Unanswerable),
    "nothing": (lambda _: {}, Unanswerable),
}


def second_request(town: Town) -> Asked:
    """Let two of a panel ask, one after the other; nobody has answered the second one yet."""
    _, sealed = town.received()
    with town.away(*GATEKEEPERS, reachable=True):
        town.ask(sealed.manifest.panel[1], sealed.manifest.case)
        return town.ask(sealed.manifest.panel[0], sealed.manifest.case)


@pytest.mark.parametrize("bent", REFUSED.values(), ids=REFUSED.keys())
def test_bent_evidence_is_refused(town: Town, operator: Operator, bent: Bent) -> None:
    """The gatekeeper that was lied to says which piece does not hold; the others release."""
    asked = second_request(town)
    with town.office.desk.lying(on(f"/v1/work/{asked.hash.hex()}", bent.bend)):
        town.gatekeepers["gk-1"].poll()
    assert operator.answered(asked) == {"gk-1": bent.slug}
    town.poll()
    assert town.open(asked.request.requester, asked).petition.body == TEXT


@pytest.mark.parametrize("name", WAITS.keys())
def test_missing_evidence_is_waited_for(town: Town, name: str) -> None:
    """Without log or witnesses nothing is said, and the honest evidence later is enough."""
    bend, refusal = WAITS[name]
    asked = second_request(town)
    with (
        town.office.desk.lying(on(f"/v1/work/{asked.hash.hex()}", bend)),
        pytest.raises(refusal),
    ):
        town.gatekeepers["gk-1"].serve(asked.hash)
    town.poll()
    assert set(town.shares(asked)) == {1, 2, 3}


@pytest.mark.parametrize(
    ("member", "slug"),
    [
        ("gk-1", NotReviewer.slug),
        ("trustee-1", NotReviewer.slug),
        ("auditor-1", NotReviewer.slug),
        ("nobody-1", UnknownRequester.slug),
    ],
)
def test_who_is_no_reviewer_gets_nothing(
    town: Town, operator: Operator, member: str, slug: str
) -> None:
    """A holder, an auditor, or somebody whom no roster names asks for a petition."""
    _, sealed = town.received()
    asked = town.request(member, sealed)
    operator.log_request(asked)
    assert operator.reasons(asked) == {slug}


def test_a_request_to_another_office_is_not_answered_here(town: Town, operator: Operator) -> None:
    """What a reviewer signed for another office's log is logged in this one."""
    _, sealed = town.received()
    asked = town.request(sealed.manifest.panel[0], sealed, office="other.town/log")
    operator.log_request(asked)
    assert operator.reasons(asked) == {WrongOffice.slug}
