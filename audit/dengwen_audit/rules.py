"""
The rules, case by case: what an auditor with a grant judges, each rule one function.

- *Chain*: a case begins with its reception, hangs on its manifest, and has no gap, no second event
  for a number, and no event before its predecessor in the log.
- *Cause*: the note behind each event is served, is the one named, and its signers may cause it:
  reviewers of the panel who are not revoked, holders of their own seats, two for a closing.
- *Request*: logged before its last admissible record, which is no later than its roster lets it be;
  under the roster in force or the one before; for the compartment that its kind of event opens.
- *Release*: later in the log than its request, for the same case and compartment, by a holder of
  that compartment, once.
- *Disclosure*: an identity's shares leave only after a quorum of approvals for this request that
  no objection has voided, and after the wait unless life is in danger.
- *End*: nothing is asked or opened after a withdrawal, an erasure or a closing.
- *Deadlines*: the reception is in the log in time after its acceptance; an answer comes in time, or
  the case is overdue.

Times in the log are days, so a deadline counts as missed only if it is missed whatever the hours
were: nobody is accused by rounding.

What these rules cannot see: a referral to a body that the petitioner excluded (the exclusions are
sealed; gatekeepers refuse it), an opening off the record, and the openings per day of a reviewer
(each holder counts what it releases itself).

Source: docs/formats/monitor.md.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dengwen_audit.causes import CauseError, Causes
from dengwen_audit.dossier import Case, Dossier, Logged
from dengwen_audit.errors import AuditError
from dengwen_audit.event import ROOTS
from dengwen_audit.rules_of_opening import OPENING_RULES
from dengwen_audit.statements.acceptance import Acceptance

RECEIVED = "petition.received"
ANSWERED = ("case.answered", "case.closed", "case.withdrawn", "case.erased", "case.unopenable")
DAY_SECONDS = 86400

Finding = tuple[Logged, str]
Rule = Callable[[Case], Iterator[Finding]]


@dataclass(frozen=True)
class Breach:
    """One broken rule: the case (zeros for the office's chain), the event, and what is wrong."""

    case: bytes
    number: int
    text: str

    def __str__(self) -> str:
        """Tell it in one line."""
        return f"case {self.case.hex()} event {self.number}: {self.text}"


def check_rules(dossier: Dossier, today: datetime.date) -> list[Breach]:
    """Return every breach, the cases in the order of the log."""
    breaches: list[Breach] = []
    for case in dossier.cases():
        rules = OFFICE_RULES if case.is_office else CASE_RULES
        found = [finding for rule in rules for finding in rule(case)]
        if not case.is_office:
            found += _check_answer_deadline(case, today)
        found.sort(key=lambda finding: finding[0].event.number)
        breaches += [Breach(case.id, logged.event.number, text) for logged, text in found]
    return breaches


def _check_chain(case: Case) -> Iterator[Finding]:
    """Check numbers, hashes and places in the log."""
    expected, previous = _beginning(case)
    last_index = -1
    for logged in sorted(case.events, key=lambda logged: logged.event.number):
        event = logged.event
        if event.number < expected:
            yield logged, "a second event with this number"
            continue
        if event.number > expected:
            yield logged, _missing(expected, event.number - 1)
        elif previous is not None and event.previous != previous:
            yield logged, "does not follow the event before it"
        if logged.index < last_index:
            yield logged, "stands in the log before the event before it"
        expected, previous, last_index = event.number + 1, event.hash, logged.index


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"event {first} is missing before it"
    return f"events {first} to {last} are missing before it"


def _beginning(case: Case) -> tuple[int, bytes | None]:
    """Return the number and the previous hash with which the chain must begin."""
    if not case.is_whole:
        return case.events[0].event.number, None
    if case.is_office:
        return 1, case.dossier.cards[0].hash
    return 1, case.manifest.hash if case.manifest else None


def _check_manifest(case: Case) -> Iterator[Finding]:
    try:
        case.check_manifest()
    except AuditError as error:
        yield case.events[0], f"the manifest does not hold: {error}"


def _check_first(case: Case) -> Iterator[Finding]:
    """Check that the reception comes first, and once."""
    for logged in case.events:
        is_first = logged.event.number == 1
        if is_first and logged.event.type != RECEIVED:
            yield logged, "a case that does not begin with its reception"
        if not is_first and logged.event.type == RECEIVED:
            yield logged, "received a second time"


def _check_causes(case: Case) -> Iterator[Finding]:
    for logged in case.events:
        note = case.cause(logged)
        if note is None:
            yield logged, "its cause is not served"
        elif case.is_office or case.manifest is not None:
            try:
                _check_cause(case, logged)
            except AuditError as error:
                yield logged, f"its cause does not hold: {error}"


def _check_cause(case: Case, logged: Logged) -> None:
    """Check one cause, by the card of its time if the roots signed it."""
    note, dossier = case.cause(logged), case.dossier
    if note is None:
        raise CauseError("not served")
    refusal: AuditError | None = None
    cards = reversed(dossier.cards) if logged.event.actor == ROOTS else dossier.cards[-1:]
    for card in cards:
        try:
            Causes(card, dossier.roster).check(logged.event, note, logged.roster, case.manifest)
        except AuditError as error:
            refusal = refusal or error
        else:
            return
    if refusal is not None:
        raise refusal


def _check_acceptance(case: Case) -> Iterator[Finding]:
    """Check that the reception came into the log in time after it was promised."""
    for logged in case.of_type(RECEIVED):
        note = case.cause(logged)
        if note is None:
            continue
        try:
            accepted = Acceptance.parse(note.text)
        except AuditError:
            continue  # `_check_causes` says so
        least_seconds = ((logged.event.day - accepted.day).days - 1) * DAY_SECONDS
        if least_seconds >= accepted.deadline:
            yield logged, f"in the log too late: accepted on {accepted.day}"


def _check_answer_deadline(case: Case, today: datetime.date) -> Iterator[Finding]:
    """Check that the case was answered in time."""
    first = case.events[0]
    roster = case.dossier.roster_or_none(first.roster)
    if roster is None or first.event.type != RECEIVED:
        return
    deadline = first.event.day + datetime.timedelta(days=roster.answer_deadline_days)
    answer = next(case.of_type(*ANSWERED), None)
    if answer is None and today > deadline:
        yield first, f"overdue: no answer, and the deadline was {deadline}"
    elif answer is not None and answer.event.day > deadline:
        yield answer, f"late: the deadline was {deadline}"


OFFICE_RULES: tuple[Rule, ...] = (_check_chain, _check_causes)
CASE_RULES: tuple[Rule, ...] = (
    _check_manifest,
    _check_chain,
    _check_first,
    _check_causes,
    _check_acceptance,
    *OPENING_RULES,
)
