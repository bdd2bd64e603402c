"""Stories in which one thing is wrong: what an operator, a reviewer or a root keeper might try."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.merkle import Hash
from dengwen_audit.note import NoteHash
from dengwen_audit.receipt import check_receipt
from dengwen_audit.statements.member import Revocation
from dengwen_audit.statements.roster import Roster
from tests.keys.gatekeeper_fixture import NOON, Changes, Petition, SmallOffice, seal_petition
from tests.keys.gatekeeper_story import Told, tell
from tests.small_office import (
    OFFICE,
    TODAY,
    make_roster,
    make_seed,
    replace_member,
)

OTHER_HASH = NoteHash(make_seed("another"))
DAY = 24 * 3600


def in_case(case_id: bytes) -> Told:
    """Log everything in the chain of another case, hung on this petition's manifest."""
    petition = seal_petition()
    acceptance = SmallOffice().acceptance(petition)
    return tell(
        petition=petition,
        receive=lambda office, p: office.receive(p, acceptance, event={"case": case_id}),
        event={"case": case_id},
    )


def named_otherwise() -> Told:
    """Ask under the name of one case for the parts of another; the log agrees with the request."""
    first, second = seal_petition(), seal_petition("second")
    return tell(
        petition=second,
        receive=lambda office, p: office.receive(
            p, office.acceptance(p, case=first.case), event={"case": first.case}
        ),
        request={"case": first.case},
        event={"case": first.case},
    )


def under_next_roster(change: Callable[[Roster], Changes], **story: object) -> Told:
    """Let the next roster come into force after the petition is received."""

    def publish(office: SmallOffice, _: Petition) -> None:
        office.publish(**change(office.roster))

    return tell(between=publish, **story)  # type: ignore[arg-type]


def reviewer_becomes_auditor(roster: Roster) -> Changes:
    """Give the requester another role."""
    first = seal_petition().manifest.panel[0]
    changed = replace_member(roster, first, role="auditor", recipient=None, escrow=None)
    return {"members": changed.members}


def reviewer_is_revoked(roster: Roster) -> Changes:
    """Revoke the requester."""
    line = Revocation(seal_petition().manifest.panel[0], TODAY)
    return {"revoked": (*roster.revoked, line)}


def handed(age: float, **changes: object) -> Told:
    """Let the root keepers have handed the holder a next roster, *age* seconds ago."""
    told = tell()
    following = told.office.publish(**changes)
    told.office.rosters.pop()
    return told.with_matter(rosters=replace(told.matter.rosters, handed=(following, NOON - age)))


def receipt_of_fork() -> Told:
    """Prove the request in a copy of the log that differs in its first record."""
    told = tell()
    forked = told.office.log.forked(0)
    receipt = check_receipt(forked.receipt(told.event), told.office.card.policy)
    return told.with_evidence(receipt=receipt)


def logged_at(index: int) -> Told:
    """
    Let the receipt prove the request's record at another place.

    No log can do that: the request names a root, and so cannot be under it.
    """
    told = tell()
    return told.with_evidence(receipt=replace(told.matter.evidence.receipt, index=index))


def seen(*trees: tuple[int, Hash]) -> Told:
    """Let the holder remember these trees."""
    told = tell()
    seen = tuple(Checkpoint(OFFICE, size, root) for size, root in trees)
    return told.with_matter(log=told.office.log_view(seen=seen))


def shown_before_the_request() -> Told:
    """Show the holder the newest checkpoint as it was before the request entered the log."""
    told = tell()
    before = told.office.log.note(told.matter.evidence.receipt.index)
    latest = told.office.card.policy.check(before)
    return told.with_matter(log=told.office.log_view(latest=latest))


def at(now: float) -> Told:
    """Judge at another time; the witnesses cosigned at that time, too."""
    office = SmallOffice()
    office.log.time = now
    return tell(office=office, now=now)


def by_other_panel() -> Told:
    """Ask by an active reviewer who was not drawn."""
    panel = seal_petition().manifest.panel
    outsider = next(
        member.id for member in make_roster().active("reviewer") if member.id not in panel
    )
    return tell(requester=outsider)


def quorum_of_three() -> Petition:
    """Seal a petition whose manifest asks for all three gatekeepers."""
    petition = seal_petition()
    line, other = petition.manifest.compartments
    return petition.signed(compartments=(replace(line, k=3), other))


def accepted_by(signer: str, **changes: object) -> Told:
    """Let somebody else sign the acceptance, or say something else in it."""
    return tell(
        receive=lambda office, p: office.receive(p, office.acceptance(p, signer, **changes))
    )


def accepted_by_another_note() -> Told:
    """Serve another acceptance than the one that the log names."""
    told = tell()
    other = told.office.acceptance(told.petition, day=TODAY - datetime.timedelta(days=1))
    return told.with_evidence(first_cause=other)


def without_request() -> Told:
    """Serve a chain that ends before the request."""
    told = tell()
    return told.with_evidence(events=told.matter.evidence.events[:1])


def after(kind: str) -> Told:
    """Ask after something happened to the case."""
    return tell(between=lambda office, petition: office.state(petition, kind))
