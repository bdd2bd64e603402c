"""
Why a holder does not hand over its share: one class for each check, split by what happens next.

`Refused` is final for this request: the holder signs a refusal, and seals the reason to the
requester. `NotYet` costs nothing but time: the request stays pending and is judged again at the
next poll. `Alarm` is a `NotYet` that a person should look at: it concerns the log or the roster as
a whole, so that no request can be answered until it is mended.

A slug is part of the protocol, so no class is ever renamed: docs/formats/gatekeeper-checks.md lists
them all, and a test compares. The docstrings say why each check is there. Messages name no case and
no person.

Source: docs/formats/gatekeeper-checks.md.
"""

from __future__ import annotations

import re
from typing import ClassVar

from dengwen_keys.errors import KeysError

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class NotHandedOver(KeysError):  # noqa: N818  # the name of each class is a sentence
    """A request is not answered with a share."""

    slug: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Give each class its slug: its name in small letters, with hyphens."""
        cls.slug = _CAPITAL.sub("-", cls.__name__).lower()


class Unanswerable(NotHandedOver):
    """The desk served something that names nobody to whom a reason could be sealed."""


class NotYet(NotHandedOver):
    """The evidence may be complete later; until then the request waits."""


class NotInLogYet(NotYet):
    """No share leaves before the request is in the log, so that asking is always on record."""


class NoQuorum(NotYet):
    """Without a quorum of witnesses the log that the holder is shown may be shown to it alone."""


class StaleLog(NotYet):
    """An old view of the log would hide a revocation or a withdrawal."""


class Tomorrow(NotYet):
    """A stolen reviewer's key must not open everything in one night."""


class Alarm(NotYet):
    """Something is wrong with the office as a whole: nothing is released until it is mended."""


class LogUnproven(Alarm):
    """The newest checkpoint must be the log's own and lead to its last record."""


class LogForked(Alarm):
    """A log that takes back what it once showed can hide that a share left."""


class ReceiptForked(Alarm):
    """The receipt must be of the very log that this holder follows, not of a copy made for it."""


class RosterUnproven(Alarm):
    """A roster that does not follow, step by step, from the known one may name anybody."""


class RosterRolledBack(Alarm):
    """An older roster would bring back a reviewer who was revoked."""


class RosterTooEarly(Alarm):
    """A changed seat or quorum must be in the log for seven days, so that people can object."""


class RosterWithheld(Alarm):
    """Root keepers hand rosters to holders too, so that the operator cannot sit on a revocation."""


class RosterNotValid(Alarm):
    """Root keepers vouch for a roster for a month at most, so that a stolen office runs dry."""


class NotSeated(Alarm):
    """A holder whose seat the roster gives to another body holds nothing any more."""


class Refused(NotHandedOver):
    """This request will not be answered with a share, now or later."""


class BadReceipt(Refused):
    """Evidence has exactly one spelling; anything else could be read in two ways."""


class LogSignature(Refused):
    """Only the log key of the pinned card speaks for this log."""


class NotInLog(Refused):
    """The hashes must lead from the request's event through its epoch to the signed root."""


class NotSignedAfter(Refused):
    """A request names a checkpoint of this log, so that it cannot have been signed before it."""


class LoggedBefore(Refused):
    """A request cannot be in the log before the checkpoint that it names."""


class LoggedTooLate(Refused):
    """A request that was kept back past its last record is stale, whoever kept it."""


class LifetimeTooLong(Refused):
    """A request with a long life could be signed under pressure today and used next year."""


class WrongEventType(Refused):
    """The petitioner must see an opening as an opening, under no other name."""


class WrongCause(Refused):
    """The event in the log must be that of this request and of no other."""


class WrongEventCase(Refused):
    """A request logged in another case's chain would be seen by another petitioner."""


class WrongActor(Refused):
    """The log must name the person who asks, not someone else."""


class UnknownRequester(Refused):
    """Only a member of the roster in force may ask."""


class RequestSignature(Refused):
    """The operator must not be able to ask in a reviewer's name."""


class WrongOffice(Refused):
    """A request made for one office's log must not be played again in another's."""


class OldRoster(Refused):
    """A request is made and judged under the same roster: the one the newest record names."""


class NotReviewer(Refused):
    """Petitions are read by reviewers only."""


class Revoked(Refused):
    """A revocation takes effect at once."""


class WrongCompartment(Refused):
    """A gatekeeper holds seats of petitions; identities are for trustees."""


class WrongPurpose(Refused):
    """The list of purposes is closed, and a gatekeeper serves only review."""


class NonceUsed(Refused):
    """Each opening takes its own request, so that the count of openings is true."""


class BadManifest(Refused):
    """A manifest has exactly one spelling, which was logged."""


class ManifestSignature(Refused):
    """Only the petitioner's key says which parts belong to her petition."""


class ManifestKeys(Refused):
    """The case id is the hash of the petitioner's keys; other keys are another case's."""


class WrongManifest(Refused):
    """Request and holder must speak of the same sealed petition."""


class ManifestCase(Refused):
    """The parts of one case must not be asked for under the name of another."""


class ManifestRoster(Refused):
    """The petition must have been sealed under a roster that this office really had."""


class ManifestRules(Refused):
    """Panel and quorums must be as the roster had them, or the draw was not the petitioner's."""


class SecondManifest(Refused):
    """A second manifest for a case would put another panel or other shares in place of hers."""


class BadEvents(Refused):
    """Events and their causes have exactly one spelling, which was logged."""


class ChainBroken(Refused):
    """A case's chain must be free of gaps from the manifest on, so that nothing can be hidden."""


class NotReceived(Refused):
    """A chain begins with the petition's reception."""


class NotAccepted(Refused):
    """The office must have signed for this very petition, with a key that a roster names."""


class ChainWithoutRequest(Refused):
    """The chain must hold the very event that the receipt proves."""


class CaseForked(Refused):
    """Two chains of one case: someone is being shown another history."""


class CaseWithdrawn(Refused):
    """What the petitioner withdrew is opened no more."""


class CaseErased(Refused):
    """What was erased is opened no more."""


class CaseClosed(Refused):
    """A closed case is not read again without its petitioner."""


class NotInPanel(Refused):
    """Only the panel that the petitioner drew reads her petition."""


class NoSuchSeat(Refused):
    """The petition must hold a share for this holder's seat."""


class WrongPart(Refused):
    """The share file must be the one that the petitioner's manifest names by hash."""


class WrongLength(Refused):
    """Share files have one length, so that nothing can be told by it, nor be hidden behind it."""


class WrongShape(Refused):
    """One stanza: a holder spends no key on a file made to wear it out."""


class NotForThisSeat(Refused):
    """The share file must open with this holder's key."""


class NotAShare(Refused):
    """What the share file holds must be a share and the terms on which it may leave."""


class WrongShare(Refused):
    """The share must be of this holder's seat."""


class WrongCommitment(Refused):
    """The share must be the one that the petitioner committed to, or combining it would fail."""


class WrongContext(Refused):
    """The context is what the petitioner tells the holder; the manifest names it by hash."""


class ContextCase(Refused):
    """A share file copied from another case names its own case."""


class ContextCompartment(Refused):
    """A share of the identity must not leave in place of a share of the petition."""


class ContextPanel(Refused):
    """The panel sealed beside the share is the one the petitioner drew, whatever a server says."""
