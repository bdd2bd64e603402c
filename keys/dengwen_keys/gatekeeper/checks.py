"""
Every check before a share leaves, in the order in which they are made.

The rule is promise P3: a holder releases its share only against a request that is in the log, under
a checkpoint with the witness quorum that extends the last one it saw; to the requester and the
fresh key named in it. The checks fall in two halves: the *history* (log, event, manifest, chain),
which a holder remembers as soon as it holds, whatever becomes of the request; and the request
itself. The share file is opened last, when everything else is settled.

Source: docs/formats/gatekeeper-checks.md, which names for each check its slug, its reason and its
test.
"""

from __future__ import annotations

from collections.abc import Callable

from dengwen_keys.compartment import SharePlain
from dengwen_keys.gatekeeper.checks_case import CASE_CHECKS, CHAIN_CHECKS, MANIFEST_CHECKS
from dengwen_keys.gatekeeper.checks_log import LOG_CHECKS
from dengwen_keys.gatekeeper.checks_request import (
    CAP_CHECKS,
    EVENT_CHECKS,
    REQUEST_CHECKS,
    ROSTER_CHECKS,
)
from dengwen_keys.gatekeeper.checks_share import open_own_share
from dengwen_keys.gatekeeper.matter import Matter

Check = Callable[[Matter], None]

HISTORY: tuple[Check, ...] = (
    LOG_CHECKS + ROSTER_CHECKS + EVENT_CHECKS + MANIFEST_CHECKS + CHAIN_CHECKS
)
REQUEST: tuple[Check, ...] = REQUEST_CHECKS + CASE_CHECKS + CAP_CHECKS


def check_history(matter: Matter, checks: tuple[Check, ...] = HISTORY) -> None:
    """
    Check that the request is in the log and that the case is what the log says.

    Raises:
        NotYet: If the evidence may be complete later.
        Refused: If it will never be; the class says why.
    """
    for check in checks:
        check(matter)


def check_request(matter: Matter, checks: tuple[Check, ...] = REQUEST) -> None:
    """
    Check that this requester may open this case for this purpose now; the history is checked.

    Raises:
        NotYet: If it may later: today's openings are used up.
        Refused: If not; the class says why.
    """
    for check in checks:
        check(matter)


def judge(matter: Matter) -> SharePlain:
    """
    Return the share that may leave for this request, or refuse.

    Raises:
        NotYet: If the request should be judged again later.
        Refused: If no share will leave for it.
    """
    check_history(matter)
    check_request(matter)
    return open_own_share(matter)
