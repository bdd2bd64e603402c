"""
Checks on the share: it is this seat's, of this petition, and the petitioner's terms fit.

Length, hash and shape are checked before any key is used, so that a hostile petitioner cannot make
a holder work, and the holder is no oracle: what it unseals names its own case. The checks
themselves are `dengwen_keys.compartment`'s; this table gives each its refusal.

Source: docs/formats/gatekeeper-checks.md; docs/formats/compartment.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from dengwen_audit.errors import FormatError
from dengwen_audit.statements.manifest import ManifestError
from dengwen_keys.compartment import (
    ContextCaseError,
    ContextCompartmentError,
    ContextHashError,
    ContextPanelError,
    ShareCommitmentError,
    ShareFormatError,
    SharePlain,
    ShareSeatError,
    open_share,
)
from dengwen_keys.errors import DamagedError, NoMatchError
from dengwen_keys.gatekeeper.matter import Matter
from dengwen_keys.gatekeeper.refusals import (
    ContextCase,
    ContextCompartment,
    ContextPanel,
    NoSuchSeat,
    NotAShare,
    NotForThisSeat,
    Refused,
    WrongCommitment,
    WrongContext,
    WrongLength,
    WrongPart,
    WrongShape,
    WrongShare,
)
from dengwen_keys.petition_file import PartHashError, PartLengthError

REFUSALS: Mapping[type[Exception], tuple[type[Refused], str]] = {
    ManifestError: (NoSuchSeat, "the petition has no share for this seat"),
    PartLengthError: (WrongLength, "the share file is not of the one length it can have"),
    PartHashError: (WrongPart, "the share file is not the one in the manifest"),
    FormatError: (WrongShape, "the share file is not sealed to exactly one recipient"),
    NoMatchError: (NotForThisSeat, "the share file does not open with this seat's key"),
    DamagedError: (NotForThisSeat, "the share file does not open with this seat's key"),
    ShareFormatError: (NotAShare, "the share file does not hold a share and a context"),
    ShareSeatError: (WrongShare, "the share is of another seat"),
    ShareCommitmentError: (WrongCommitment, "the share is not the one committed to"),
    ContextHashError: (WrongContext, "the context is not the one committed to"),
    ContextCaseError: (ContextCase, "the context is of another case"),
    ContextCompartmentError: (ContextCompartment, "the context is of another compartment"),
    ContextPanelError: (ContextPanel, "the context names another panel"),
}


def open_own_share(matter: Matter) -> SharePlain:
    """
    Open this holder's share of the petition, if everything about it is as the petitioner signed.

    Costs one decapsulation (about 0.1 ms), and none if hash, length or shape is wrong.

    Raises:
        Refused: The class says what is wrong.
    """
    holder, evidence = matter.holder, matter.evidence
    seat = holder.seat_in(matter.rosters.current)
    compartment = holder.kind.compartment
    try:
        return open_share(evidence.share, holder.identity, evidence.manifest, compartment, seat)
    except tuple(REFUSALS) as error:
        refusal, words = _refusal(type(error))
        # The cause is cut off: its words are for the person who sealed, not for a server's log.
        raise refusal(words) from None


def _refusal(error: type[BaseException]) -> tuple[type[Refused], str]:
    """Return the entry of the nearest class: some errors are of two trees at once."""
    return next(REFUSALS[kind] for kind in error.__mro__ if kind in REFUSALS)
