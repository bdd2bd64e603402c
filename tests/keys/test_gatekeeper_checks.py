"""Every check before a share leaves: broken alone, a thing meets its own refusal and no other."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from dengwen_audit.merkle import Hash
from dengwen_audit.statements.roster import UnknownMemberError
from dengwen_keys.gatekeeper import checks_case as case
from dengwen_keys.gatekeeper import checks_log as log
from dengwen_keys.gatekeeper import checks_request as ask
from dengwen_keys.gatekeeper import refusals as no
from dengwen_keys.gatekeeper.checks import (
    HISTORY,
    REQUEST,
    Check,
    check_history,
    check_request,
    judge,
)
from dengwen_keys.gatekeeper.checks_share import open_own_share
from dengwen_keys.gatekeeper.matter import Matter, Memory
from tests.keys.broken_stories import (
    DAY,
    OTHER_HASH,
    accepted_by,
    accepted_by_another_note,
    after,
    at,
    by_other_panel,
    handed,
    in_case,
    logged_at,
    named_otherwise,
    quorum_of_three,
    receipt_of_fork,
    reviewer_becomes_auditor,
    reviewer_is_revoked,
    seen,
    shown_before_the_request,
    under_next_roster,
    without_request,
)
from tests.keys.gatekeeper_fixture import NOON, seal_petition
from tests.keys.gatekeeper_story import Told, tell
from tests.small_office import (
    make_roster,
)


@dataclass(frozen=True)
class Broken:
    """
    One thing that is not as it should be.

    Attributes:
        refusal: What the holder must say.
        check: The check that says it, and without which nobody would.
        tell: Tells the story.
        otherwise: What is raised if that check is gone, where something else stands behind it.
    """

    refusal: type[no.NotHandedOver]
    check: Check
    tell: Callable[[], Told]
    otherwise: type[Exception] | None = None


BROKEN = {
    "the newest cosignatures are an hour old": Broken(
        no.StaleLog, log.check_fresh, lambda: tell(now=NOON + 3600)
    ),
    "the newest checkpoint shown is from before the request's record": Broken(
        no.StaleLog, log.check_covers_request, shown_before_the_request
    ),
    "the log has another root than this holder saw for the same size": Broken(
        no.LogForked, log.check_extends_seen, lambda: seen((4, Hash(OTHER_HASH)))
    ),
    "the log does not begin with the smaller tree that this holder saw": Broken(
        no.LogForked, log.check_extends_seen, lambda: seen((2, Hash(OTHER_HASH)))
    ),
    "the log is not the beginning of the larger tree that this holder cosigned": Broken(
        no.LogForked,
        log.check_extends_seen,
        lambda: seen((9, Hash(OTHER_HASH))),
        otherwise=no.ReceiptForked,
    ),
    "the receipt is of a fork": Broken(
        no.ReceiptForked, log.check_receipt_extends_seen, receipt_of_fork
    ),
    "the checkpoint in the request has a root that the log never had": Broken(
        no.NotSignedAfter,
        log.check_signed_after,
        lambda: tell(request={"after_root": OTHER_HASH}),
    ),
    "the checkpoint in the request is larger than the log": Broken(
        no.NotSignedAfter,
        log.check_signed_after,
        lambda: tell(request={"after_size": 99, "last_index": 120}),
        otherwise=no.LoggedBefore,
    ),
    "the checkpoint in the request is of no entries, and not of the empty tree": Broken(
        no.NotSignedAfter,
        log.check_signed_after,
        lambda: tell(request={"after_size": 0, "last_index": 60}),
    ),
    "the request is in the log before the checkpoint that it names": Broken(
        no.LoggedBefore,
        log.check_not_before,
        lambda: logged_at(1),
    ),
    "the request entered the log one record too late": Broken(
        no.LoggedTooLate, log.check_not_late, lambda: tell(request={"last_index": 1})
    ),
    "the request allows itself one record more than an hour holds": Broken(
        no.LifetimeTooLong, log.check_lifetime, lambda: tell(request={"last_index": 2 + 61})
    ),
    "the roster ends today": Broken(
        no.RosterNotValid,
        ask.check_roster_valid,
        lambda: at(datetime.datetime(2025, 1, 31, tzinfo=datetime.UTC).timestamp()),
    ),
    "the roster begins tomorrow": Broken(
        no.RosterNotValid,
        ask.check_roster_valid,
        lambda: at(datetime.datetime(2024, 12, 31, 12, tzinfo=datetime.UTC).timestamp()),
    ),
    "the root keepers handed out a later roster two days ago": Broken(
        no.RosterWithheld, ask.check_not_withheld, lambda: handed(2 * DAY)
    ),
    "the event in the log is of another type": Broken(
        no.WrongEventType, ask.check_event_type, lambda: tell(event={"type": "message.posted"})
    ),
    "the event in the log was caused by another note": Broken(
        no.WrongCause, ask.check_cause, lambda: tell(event={"cause": OTHER_HASH})
    ),
    "the event in the log is of another case": Broken(
        no.WrongEventCase, ask.check_event_case, lambda: in_case(OTHER_HASH)
    ),
    "the event in the log names another requester": Broken(
        no.WrongActor, ask.check_actor, lambda: tell(event={"actor": "reviewer-2"})
    ),
    "the requester is in no roster": Broken(
        no.UnknownRequester,
        ask.check_known_requester,
        lambda: tell(requester="stranger"),
        otherwise=UnknownMemberError,
    ),
    "the request is signed by another reviewer": Broken(
        no.RequestSignature, ask.check_signature, lambda: tell(signer="reviewer-2")
    ),
    "the request is for another office": Broken(
        no.WrongOffice, ask.check_office, lambda: tell(request={"office": "other.example/log"})
    ),
    "the request names another roster": Broken(
        no.OldRoster, ask.check_roster_named, lambda: tell(request={"roster": OTHER_HASH})
    ),
    "the requester is an auditor since the petition was sealed": Broken(
        no.NotReviewer,
        ask.check_reviewer,
        lambda: under_next_roster(reviewer_becomes_auditor),
    ),
    "the requester is revoked since the petition was sealed": Broken(
        no.Revoked, ask.check_not_revoked, lambda: under_next_roster(reviewer_is_revoked)
    ),
    "the requester is revoked by a roster that the root keepers handed out": Broken(
        no.Revoked,
        ask.check_not_revoked,
        lambda: handed(0, **reviewer_is_revoked(make_roster())),
    ),
    "the request is for the identity": Broken(
        no.WrongCompartment,
        ask.check_compartment,
        lambda: tell(request={"compartment": "identity"}),
    ),
    "the request is for contact": Broken(
        no.WrongPurpose, ask.check_purpose, lambda: tell(request={"purpose": "contact"})
    ),
    "another request had the same nonce": Broken(
        no.NonceUsed, ask.check_nonce, lambda: tell(memory=Memory(nonce_used=True))
    ),
    "the requester has had twenty openings today": Broken(
        no.Tomorrow, ask.check_openings, lambda: tell(memory=Memory(openings_today=20))
    ),
    "the request names another manifest": Broken(
        no.WrongManifest, case.check_manifest_named, lambda: tell(request={"manifest": OTHER_HASH})
    ),
    "the request names another case than the manifest": Broken(
        no.ManifestCase, case.check_manifest_case, named_otherwise
    ),
    "the petition was sealed under a roster that the office never had": Broken(
        no.ManifestRoster,
        case.check_manifest_roster,
        lambda: tell(petition=seal_petition(roster=replace(make_roster(), openings_per_day=99))),
        otherwise=KeyError,
    ),
    "the petition's quorum is not that of its roster": Broken(
        no.ManifestRules,
        case.check_manifest_rules,
        lambda: tell(petition=quorum_of_three()),
    ),
    "this holder knows the case by another manifest": Broken(
        no.SecondManifest,
        case.check_only_manifest,
        lambda: tell(memory=Memory(manifest=OTHER_HASH)),
    ),
    "the request does not follow the event before it": Broken(
        no.ChainBroken, case.check_unbroken, lambda: tell(event={"previous": OTHER_HASH})
    ),
    "the request leaves out a number": Broken(
        no.ChainBroken, case.check_unbroken, lambda: tell(event={"number": 3})
    ),
    "the chain hangs on another manifest": Broken(
        no.ChainBroken,
        case.check_unbroken,
        lambda: tell(receive=lambda office, p: office.receive(p, event={"previous": OTHER_HASH})),
    ),
    "the chain begins with something else": Broken(
        no.NotReceived,
        case.check_received,
        lambda: tell(receive=lambda office, p: office.receive(p, kind="attachment.received")),
    ),
    "the acceptance is signed by another key": Broken(
        no.NotAccepted, case.check_accepted, lambda: accepted_by("reviewer-1")
    ),
    "the acceptance is of another case": Broken(
        no.NotAccepted, case.check_accepted, lambda: accepted_by("intake", case=OTHER_HASH)
    ),
    "the acceptance is of another manifest": Broken(
        no.NotAccepted, case.check_accepted, lambda: accepted_by("intake", manifest=OTHER_HASH)
    ),
    "the acceptance is for another office": Broken(
        no.NotAccepted,
        case.check_accepted,
        lambda: accepted_by("intake", office="other.example/log"),
    ),
    "the acceptance is not the one that was logged": Broken(
        no.NotAccepted, case.check_accepted, accepted_by_another_note
    ),
    "the chain leaves out the request": Broken(
        no.ChainWithoutRequest, case.check_chain_holds_request, without_request
    ),
    "this holder has seen another first event": Broken(
        no.CaseForked,
        case.check_not_forked,
        lambda: tell(memory=Memory(chain=(Hash(OTHER_HASH),))),
    ),
    "the petitioner withdrew": Broken(
        no.CaseWithdrawn, case.check_not_withdrawn, lambda: after("case.withdrawn")
    ),
    "this holder once saw that the petitioner withdrew": Broken(
        no.CaseWithdrawn,
        case.check_not_withdrawn,
        lambda: tell(memory=Memory(types=frozenset({"case.withdrawn"}))),
    ),
    "the case was erased": Broken(
        no.CaseErased, case.check_not_erased, lambda: after("case.erased")
    ),
    "the case was closed": Broken(
        no.CaseClosed, case.check_not_closed, lambda: after("case.closed")
    ),
    "the requester was not drawn": Broken(no.NotInPanel, case.check_panel, by_other_panel),
}


def _judge_without(check: Check, matter: Matter) -> None:
    """Judge with one check left out, as if somebody had removed it."""
    check_history(matter, tuple(kept for kept in HISTORY if kept is not check))
    check_request(matter, tuple(kept for kept in REQUEST if kept is not check))
    open_own_share(matter)


def test_an_honest_request_is_answered_with_the_share() -> None:
    """When nothing is broken the share leaves, and it is the one of this seat."""
    told = tell()
    assert judge(told.matter).to_bytes() == told.petition.share()


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_one_broken_thing_has_its_own_refusal(broken: Broken) -> None:
    """Whatever is broken alone is refused, by the class that names it."""
    with pytest.raises(broken.refusal) as caught:
        judge(broken.tell().matter)
    assert type(caught.value) is broken.refusal


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_no_check_could_be_removed(broken: Broken) -> None:
    """Without the one check, the same broken thing lets the share leave."""
    matter = broken.tell().matter
    if broken.otherwise is None:
        _judge_without(broken.check, matter)
    else:
        with pytest.raises(broken.otherwise):
            _judge_without(broken.check, matter)


def test_every_check_is_broken_by_some_test() -> None:
    """A new check without a broken twin fails here."""
    assert {broken.check for broken in BROKEN.values()} == {*HISTORY, *REQUEST}
