"""
Checks on the log: the request is in it, under a checkpoint of the one log that this holder follows.

All trees in question are compared with the largest of them, in either direction: the receipt may be
younger or older than what the holder has seen, but never of another log.

Source: docs/formats/gatekeeper-checks.md; RFC 6962, section 2.1.2.
"""

from __future__ import annotations

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.errors import ProofError
from dengwen_audit.merkle import Hash, check_consistency
from dengwen_keys.gatekeeper.matter import LogView, Matter
from dengwen_keys.gatekeeper.refusals import (
    LifetimeTooLong,
    LogForked,
    LoggedBefore,
    LoggedTooLate,
    NotSignedAfter,
    ReceiptForked,
    StaleLog,
)


def check_fresh(matter: Matter) -> None:
    """The newest checkpoint was cosigned a short while ago."""
    if matter.log.latest.median_time < matter.now - matter.log.max_age:
        raise StaleLog("the newest cosignatures are too old")


def check_covers_request(matter: Matter) -> None:
    """The newest checkpoint covers the request's record: it names no roster from before it."""
    if matter.evidence.receipt.index >= matter.log.latest.checkpoint.size:
        raise StaleLog("the newest checkpoint shown is older than the request's record")


def check_extends_seen(matter: Matter) -> None:
    """The newest checkpoint is of the log that this holder has seen so far."""
    known = (matter.log.latest.checkpoint, *matter.log.seen)
    if not all(_is_of_this_log(tree.size, tree.root, matter) for tree in known):
        raise LogForked("the log does not extend the one that this holder has seen")


def check_receipt_extends_seen(matter: Matter) -> None:
    """The receipt's checkpoint is of that log, too."""
    tree = matter.evidence.receipt.cosigned.checkpoint
    if not _is_of_this_log(tree.size, tree.root, matter):
        raise ReceiptForked("the receipt is of another log than the one this holder has seen")


def check_signed_after(matter: Matter) -> None:
    """The checkpoint named in the request is of that log: it was signed after that one."""
    request = matter.request
    if not _is_of_this_log(request.after_size, Hash(request.after_root), matter):
        raise NotSignedAfter("the checkpoint named in the request is not of this log")


def check_not_before(matter: Matter) -> None:
    """The request entered the log after the checkpoint that it names."""
    if matter.evidence.receipt.index < matter.request.after_size:
        raise LoggedBefore("the request is in the log before the checkpoint that it names")


def check_not_late(matter: Matter) -> None:
    """The request entered the log no later than it allows."""
    if matter.evidence.receipt.index > matter.request.last_index:
        raise LoggedTooLate("the request entered the log after the last record that it allows")


def check_lifetime(matter: Matter) -> None:
    """The request allows itself no more records than the roster's request lifetime holds."""
    records = matter.request.last_index - matter.request.after_size
    if records * matter.log.tick > matter.rosters.current.request_lifetime:
        raise LifetimeTooLong("the request allows itself more time than the roster does")


LOG_CHECKS = (
    check_fresh,
    check_covers_request,
    check_extends_seen,
    check_receipt_extends_seen,
    check_signed_after,
    check_not_before,
    check_not_late,
    check_lifetime,
)


def largest(log: LogView, receipt: Checkpoint) -> Checkpoint:
    """Return the tree with which all others are compared; the first of several of one size."""
    return max((log.latest.checkpoint, *log.seen, receipt), key=lambda tree: tree.size)


def _is_of_this_log(size: int, root: Hash, matter: Matter) -> bool:
    """Tell whether the largest known tree is this one, or begins with it."""
    whole = largest(matter.log, matter.evidence.receipt.cosigned.checkpoint)
    proof = matter.log.proofs.get(size, ())
    try:
        check_consistency(proof, size, root, whole.size, whole.root)
    except ProofError:
        return False
    return True
