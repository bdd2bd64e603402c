"""The request: who may ask for what, before any holder looks at the log."""

import dataclasses

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.request import (
    PURPOSES,
    PurposeError,
    Request,
    RequesterError,
    RequestRosterError,
    check_request,
    request_signers,
)
from dengwen_audit.text import TextError
from tests.small_office import make_key, make_roster, make_seed
from tests.small_statements import make_request


def _signed(request: Request, *names: str) -> Note:
    return sign_note(request.to_bytes(), *(make_key(name) for name in names or ("reviewer-1",)))


def _request(**changes: object) -> Request:
    return dataclasses.replace(make_request(), **changes)  # type: ignore[arg-type]


def test_a_request_by_an_active_reviewer_is_returned() -> None:
    """The requester named in the text signed it, under the roster it names."""
    assert check_request(_signed(_request()), make_roster()) == _request()


def test_a_disclosure_carries_the_lines_of_two_reviewers() -> None:
    """Whoever counts signers of a disclosure gets both ids, and nobody else's."""
    request = _request(compartment="identity", purpose="contact", reason=make_seed("reason"))
    note = _signed(request, "reviewer-1", "reviewer-4")
    assert check_request(note, make_roster()) == request
    assert set(request_signers(note, make_roster())) == {"reviewer-1", "reviewer-4"}


@pytest.mark.parametrize(
    "changes", [{"office": "other.example/log"}, {"roster": bytes(32)}], ids=["office", "roster"]
)
def test_a_request_under_another_roster_is_refused(changes: dict[str, object]) -> None:
    """A request made for another office, or while other people had the seats, opens nothing."""
    with pytest.raises(RequestRosterError):
        check_request(_signed(_request(**changes)), make_roster())


def test_a_request_in_the_name_of_another_reviewer_is_refused() -> None:
    """A reviewer's signature does not stand for the one the text names."""
    with pytest.raises(RequesterError):
        check_request(_signed(_request(), "reviewer-4"), make_roster())


@pytest.mark.parametrize("name", ["reviewer-2", "gatekeeper-1", "auditor-1", "stranger"])
def test_only_active_reviewers_can_ask(name: str) -> None:
    """Revoked reviewers, holders, auditors and strangers are refused, whatever they sign."""
    with pytest.raises(SignatureError):
        check_request(_signed(_request(requester=name), name), make_roster())


def test_a_line_by_anybody_else_is_refused() -> None:
    """A holder's line beside the requester's makes the request another's business."""
    with pytest.raises(SignatureError):
        check_request(_signed(_request(), "reviewer-1", "gatekeeper-1"), make_roster())


@pytest.mark.parametrize("purpose", PURPOSES)
def test_an_identity_is_never_opened_for_review_and_a_petition_for_nothing_else(
    purpose: str,
) -> None:
    """The purpose fits the compartment, so that an identity cannot be asked for in passing."""
    allowed = "petition" if purpose == "review" else "identity"
    refused = "identity" if purpose == "review" else "petition"
    check_request(_signed(_request(compartment=allowed, purpose=purpose)), make_roster())
    with pytest.raises(PurposeError):
        check_request(_signed(_request(compartment=refused, purpose=purpose)), make_roster())


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "curiosity"},
        {"compartment": "Petition"},
        {"recipient": "age1pq1tooshort"},
        {"requester": "Reviewer 1"},
        {"last_index": 2**53},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_malformed_field_is_refused(changes: dict[str, object]) -> None:
    """Purposes are a closed list; names, recipients and numbers have their shapes."""
    with pytest.raises(TextError):
        Request.parse(_request(**changes).to_bytes())
