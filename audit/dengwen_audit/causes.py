"""
Who may cause which event: an event is held against the signed note that it names as its cause.

The operator writes events down, so an event by itself is its word only. The cause is not: it is
signed by the intake key, a member, the petitioner or the roots, and this module checks that it is
the right note, of a kind that may cause such an event, by somebody who may.

A statement is signed under the roster of its moment and sequenced a tick later, when the next
roster may be in force. So a cause may hold under the record's roster or under the one before it.

Source: docs/formats/event.md; the table is `dengwen_audit.event.EVENT_TYPES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dengwen_audit.errors import AuditError, RuleError
from dengwen_audit.event import EVENT_TYPES, OFFICE, PETITIONER, ROOTS, Event
from dengwen_audit.note import Note
from dengwen_audit.statements import acceptance, answer, grant, request, statement
from dengwen_audit.statements.card import Card
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.member import REVIEWER
from dengwen_audit.statements.roster import Roster

ROSTER_KIND = "dengwen/roster/v1"
CARD_KIND = "dengwen/card/v1"


class CauseError(RuleError):
    """The note is not what this event names, or its signers may not cause such an event."""


@dataclass(frozen=True)
class Causes:
    """
    The frame in which causes are judged.

    Attributes:
        card: The office's card.
        roster: Returns a roster by its hash, its signatures checked; raises `AuditError` if not.
    """

    card: Card
    roster: Callable[[bytes], Roster]

    def check(
        self, event: Event, cause: Note, roster_hash: bytes, manifest: Manifest | None
    ) -> None:
        """
        Check that *cause* is the note behind *event*, and may be.

        Costs one to three Ed25519 verifications.

        Args:
            roster_hash: The roster of the event's record.
            manifest: The case's manifest; `None` for an event of the office.

        Raises:
            CauseError: If it is another note, or by somebody who may not do this.
            AuditError: If the note is malformed or a signature is wrong.
        """
        kind = cause.text.partition(b"\n")[0].decode("utf-8", "replace")
        if cause.hash != event.cause or kind not in EVENT_TYPES[event.type].cause_kinds:
            raise CauseError("the cause is not the note that the event names")
        if EVENT_TYPES[event.type].of_office != (manifest is None):
            raise CauseError("an event of the office in a case, or the reverse")
        if event.actor == ROOTS:
            self._check_roots(event, cause, kind)
        elif kind == request.KIND and manifest is not None:
            _check_request(event, cause, self.roster(_named_roster(cause)), manifest)
        else:
            self._check_by_roster(event, cause, kind, roster_hash, manifest)

    def _check_roots(self, event: Event, cause: Note, kind: str) -> None:
        """Check a cause that the root threshold signed."""
        if kind == grant.KIND:
            grant.check_grant(cause, self.card)
        elif kind == grant.END_KIND:
            grant.check_grant_end(cause, self.card)
        elif kind == statement.KIND:
            _check_fits(event, statement.check_root_statement(cause, self.card))
        else:
            self.card.check_roots(cause)

    def _check_by_roster(
        self, event: Event, cause: Note, kind: str, roster_hash: bytes, manifest: Manifest | None
    ) -> None:
        """Check a cause under the record's roster, then under the one before it."""
        roster = self.roster(roster_hash)
        try:
            _check_statement(event, cause, kind, roster, manifest)
        except AuditError:
            if roster.version == 1:
                raise
            _check_statement(event, cause, kind, self.roster(roster.previous), manifest)


def _check_statement(
    event: Event, cause: Note, kind: str, roster: Roster, manifest: Manifest | None
) -> None:
    if kind == acceptance.KIND:
        accepted = acceptance.check_acceptance(cause, roster)
        if manifest is None or (accepted.case, accepted.manifest) != (event.case, manifest.hash):
            raise CauseError("the acceptance is for another petition")
        _check_actor(event, OFFICE, None)
    elif kind in (answer.RELEASE, answer.REFUSAL):
        answered = answer.check_answer(cause, roster)
        if answered.case != event.case:
            raise CauseError("the answer belongs to another case")
        _check_actor(event, answered.holder, roster.member(answered.holder).role)
    elif event.actor == PETITIONER and manifest is not None:
        _check_fits(event, statement.check_petitioner_statement(cause, manifest))
        _check_actor(event, PETITIONER, None)
    else:
        _check_members(event, cause, roster, manifest)


def _check_request(event: Event, cause: Note, roster: Roster, manifest: Manifest) -> None:
    asked = request.check_request(cause, roster)
    if (asked.case, asked.manifest) != (event.case, manifest.hash):
        raise CauseError("the request is for another case or manifest")
    signers = request.request_signers(cause, roster)
    _check_panel(event, signers, manifest)
    _check_actor(event, asked.requester, roster.member(asked.requester).role)


def _check_members(event: Event, cause: Note, roster: Roster, manifest: Manifest | None) -> None:
    """Check a statement by members: the actor is one of them, and reviewers are of the panel."""
    signers_needed = EVENT_TYPES[event.type].signers
    said, signers = statement.check_member_statement(cause, roster, signers_needed)
    _check_fits(event, said)
    if event.actor not in signers:
        raise CauseError("the event names an actor who did not sign")
    role = roster.member(event.actor).role
    if role == REVIEWER and manifest is not None:
        _check_panel(event, signers, manifest)
    _check_actor(event, event.actor, role)


def _check_panel(event: Event, signers: tuple[str, ...], manifest: Manifest) -> None:
    if not set(signers) <= set(manifest.panel):
        raise CauseError("a signer is not of the case's panel")
    if len(signers) < EVENT_TYPES[event.type].signers:
        raise CauseError("too few members of the panel signed")


def _check_fits(event: Event, said: statement.Statement) -> None:
    if (said.type, said.case) != (event.type, event.case):
        raise CauseError("the statement is of another type or case")


def _check_actor(event: Event, actor: str, role: str | None) -> None:
    if event.actor != actor or not EVENT_TYPES[event.type].is_actor(actor, role):
        raise CauseError("the event names another actor, or one who may not do this")


def _named_roster(cause: Note) -> bytes:
    """Return the roster that a request names: it was signed under that one."""
    return request.Request.parse(cause.text).roster
