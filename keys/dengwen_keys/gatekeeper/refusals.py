"""
Why a holder does not hand over its share: one class for each check, split by what happens next.

`Refused` is final for this request: the holder signs a refusal, and seals the reason to the
requester. `NotYet` costs nothing but time: the request stays pending and is judged again at the
next poll. `Alarm` is a `NotYet` that a person should look at: it concerns the log or the roster as
a whole, so that no request can be answered until it is mended.

A slug is part of the protocol and never changes its meaning; the docstrings say why each check is
there. Messages name no case and no person.

Source: docs/formats/gatekeeper-checks.md.
"""

from __future__ import annotations

from typing import ClassVar

from dengwen_keys.errors import KeysError


class NotHandedOver(KeysError):  # noqa: N818  # the name of each class is a sentence
    """A request is not answered with a share."""

    slug: ClassVar[str]


class Unanswerable(NotHandedOver):
    """The desk served something that names nobody to whom a reason could be sealed."""

    slug = "unanswerable"


class NotYet(NotHandedOver):
    """The evidence may be complete later; until then the request waits."""


class NotInLogYet(NotYet):
    """No share leaves before the request is in the log, so that asking is always on record."""

    slug = "not-in-log-yet"


class NoQuorum(NotYet):
    """Without a quorum of witnesses the log that the holder is shown may be shown to it alone."""

    slug = "no-quorum"


class StaleLog(NotYet):
    """An old view of the log would hide a revocation or a withdrawal."""

    slug = "stale-log"


class Tomorrow(NotYet):
    """A stolen reviewer's key must not open everything in one night."""

    slug = "tomorrow"


class Alarm(NotYet):
    """Something is wrong with the office as a whole: nothing is released until it is mended."""


class LogUnproven(Alarm):
    """The newest checkpoint must be the log's own and lead to its last record."""

    slug = "log-unproven"


class LogForked(Alarm):
    """A log that takes back what it once showed can hide that a share left."""

    slug = "log-forked"


class ReceiptForked(Alarm):
    """The receipt must be of the very log that this holder follows, not of a copy made for it."""

    slug = "receipt-forked"


class RosterUnproven(Alarm):
    """A roster that does not follow, step by step, from the known one may name anybody."""

    slug = "roster-unproven"


class RosterRolledBack(Alarm):
    """An older roster would bring back a reviewer who was revoked."""

    slug = "roster-rolled-back"


class RosterTooEarly(Alarm):
    """A changed seat or quorum must be in the log for seven days, so that people can object."""

    slug = "roster-too-early"


class RosterWithheld(Alarm):
    """Root keepers hand rosters to holders too, so that the operator cannot sit on a revocation."""

    slug = "roster-withheld"


class RosterNotValid(Alarm):
    """Root keepers vouch for a roster for a month at most, so that a stolen office runs dry."""

    slug = "roster-not-valid"


class NotSeated(Alarm):
    """A holder whose seat the roster gives to another body holds nothing any more."""

    slug = "not-seated"


class Refused(NotHandedOver):
    """This request will not be answered with a share, now or later."""


class BadReceipt(Refused):
    """Evidence has exactly one spelling; anything else could be read in two ways."""

    slug = "bad-receipt"


class LogSignature(Refused):
    """Only the log key of the pinned card speaks for this log."""

    slug = "log-signature"


class NotInLog(Refused):
    """The hashes must lead from the request's event through its epoch to the signed root."""

    slug = "not-in-log"


class NotSignedAfter(Refused):
    """A request names a checkpoint of this log, so that it cannot have been signed before it."""

    slug = "not-signed-after"


class LoggedBefore(Refused):
    """A request cannot be in the log before the checkpoint that it names."""

    slug = "logged-before"


class LoggedTooLate(Refused):
    """A request that was kept back past its last record is stale, whoever kept it."""

    slug = "logged-too-late"


class LifetimeTooLong(Refused):
    """A request with a long life could be signed under pressure today and used next year."""

    slug = "lifetime-too-long"


class WrongEventType(Refused):
    """The petitioner must see an opening as an opening, under no other name."""

    slug = "wrong-event-type"


class WrongCause(Refused):
    """The event in the log must be that of this request and of no other."""

    slug = "wrong-cause"


class WrongEventCase(Refused):
    """A request logged in another case's chain would be seen by another petitioner."""

    slug = "wrong-event-case"


class WrongActor(Refused):
    """The log must name the person who asks, not someone else."""

    slug = "wrong-actor"


class UnknownRequester(Refused):
    """Only a member of the roster in force may ask."""

    slug = "unknown-requester"


class RequestSignature(Refused):
    """The operator must not be able to ask in a reviewer's name."""

    slug = "request-signature"


class WrongOffice(Refused):
    """A request made for one office's log must not be played again in another's."""

    slug = "wrong-office"


class OldRoster(Refused):
    """A request is made and judged under the same roster: the one the newest record names."""

    slug = "old-roster"


class NotReviewer(Refused):
    """Petitions are read by reviewers only."""

    slug = "not-reviewer"


class Revoked(Refused):
    """A revocation takes effect at once."""

    slug = "revoked"


class WrongCompartment(Refused):
    """A gatekeeper holds seats of petitions; identities are for trustees."""

    slug = "wrong-compartment"


class WrongPurpose(Refused):
    """The list of purposes is closed, and a gatekeeper serves only review."""

    slug = "wrong-purpose"


class NonceUsed(Refused):
    """Each opening takes its own request, so that the count of openings is true."""

    slug = "nonce-used"


class BadManifest(Refused):
    """A manifest has exactly one spelling, which was logged."""

    slug = "bad-manifest"


class ManifestSignature(Refused):
    """Only the petitioner's key says which parts belong to her petition."""

    slug = "manifest-signature"


class ManifestKeys(Refused):
    """The case id is the hash of the petitioner's keys; other keys are another case's."""

    slug = "manifest-keys"


class WrongManifest(Refused):
    """Request and holder must speak of the same sealed petition."""

    slug = "wrong-manifest"


class ManifestCase(Refused):
    """The parts of one case must not be asked for under the name of another."""

    slug = "manifest-case"


class ManifestRoster(Refused):
    """The petition must have been sealed under a roster that this office really had."""

    slug = "manifest-roster"


class ManifestRules(Refused):
    """Panel and quorums must be as the roster had them, or the draw was not the petitioner's."""

    slug = "manifest-rules"


class SecondManifest(Refused):
    """A second manifest for a case would put another panel or other shares in place of hers."""

    slug = "second-manifest"


class BadEvents(Refused):
    """Events and their causes have exactly one spelling, which was logged."""

    slug = "bad-events"


class ChainBroken(Refused):
    """A case's chain must be free of gaps from the manifest on, so that nothing can be hidden."""

    slug = "chain-broken"


class NotReceived(Refused):
    """A chain begins with the petition's reception."""

    slug = "not-received"


class NotAccepted(Refused):
    """The office must have signed for this very petition, with a key that a roster names."""

    slug = "not-accepted"


class ChainWithoutRequest(Refused):
    """The chain must hold the very event that the receipt proves."""

    slug = "chain-without-request"


class CaseForked(Refused):
    """Two chains of one case: someone is being shown another history."""

    slug = "case-forked"


class CaseWithdrawn(Refused):
    """What the petitioner withdrew is opened no more."""

    slug = "case-withdrawn"


class CaseErased(Refused):
    """What was erased is opened no more."""

    slug = "case-erased"


class CaseClosed(Refused):
    """A closed case is not read again without its petitioner."""

    slug = "case-closed"


class NotInPanel(Refused):
    """Only the panel that the petitioner drew reads her petition."""

    slug = "not-in-panel"


class NoSuchSeat(Refused):
    """The petition must hold a share for this holder's seat."""

    slug = "no-such-seat"


class WrongPart(Refused):
    """The share file must be the one that the petitioner's manifest names by hash."""

    slug = "wrong-part"


class WrongLength(Refused):
    """Share files have one length, so that nothing can be told by it, nor be hidden behind it."""

    slug = "wrong-length"


class WrongShape(Refused):
    """One stanza: a holder spends no key on a file made to wear it out."""

    slug = "wrong-shape"


class NotForThisSeat(Refused):
    """The share file must open with this holder's key."""

    slug = "not-for-this-seat"


class NotAShare(Refused):
    """What the share file holds must be a share and the terms on which it may leave."""

    slug = "not-a-share"


class WrongShare(Refused):
    """The share must be of this holder's seat."""

    slug = "wrong-share"


class WrongCommitment(Refused):
    """The share must be the one that the petitioner committed to, or combining it would fail."""

    slug = "wrong-commitment"


class WrongContext(Refused):
    """The context is what the petitioner tells the holder; the manifest names it by hash."""

    slug = "wrong-context"


class ContextCase(Refused):
    """A share file copied from another case names its own case."""

    slug = "context-case"


class ContextCompartment(Refused):
    """A share of the identity must not leave in place of a share of the petition."""

    slug = "context-compartment"


class ContextPanel(Refused):
    """The panel sealed beside the share is the one the petitioner drew, whatever a server says."""

    slug = "context-panel"
