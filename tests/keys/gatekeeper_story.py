"""
The story of one honest request, each step of which may turn out otherwise.

So a test breaks exactly one thing, and everything else stays as the office has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from dengwen_audit.event import Event
from dengwen_audit.note import Note
from dengwen_audit.statements.fields import CaseId
from dengwen_keys.age.identities import Identity
from dengwen_keys.gatekeeper.matter import Matter
from tests.keys.gatekeeper_fixture import (
    HONEST,
    Changes,
    Petition,
    SmallOffice,
    alter,
    seal_petition,
)
from tests.small_office import make_identity


@dataclass(frozen=True)
class Told:
    """A story up to the moment of judgement."""

    office: SmallOffice
    petition: Petition
    request: Note
    event: Event
    matter: Matter

    @property
    def chain(self) -> list[tuple[Event, Note]]:
        """The case's events with their causes, as the office has them."""
        return self.office.chains[CaseId(self.event.case)]

    def with_matter(self, **changes: object) -> Told:
        """Change what the holder judges."""
        return replace(self, matter=alter(self.matter, changes))

    def with_evidence(self, **changes: object) -> Told:
        """Change what the desk serves."""
        return self.with_matter(evidence=alter(self.matter.evidence, changes))


Otherwise = Changes | Callable[[SmallOffice, Petition], Changes]


def tell(  # the steps of the story
    *,
    office: SmallOffice | None = None,
    petition: Petition | None = None,
    receive: Callable[[SmallOffice, Petition], None] = SmallOffice.receive,
    between: Callable[[SmallOffice, Petition], None] = lambda _office, _petition: None,
    request: Otherwise = HONEST,
    event: Otherwise = HONEST,
    evidence: Changes = HONEST,
    requester: str | None = None,
    signer: str | None = None,
    **matter: object,
) -> Told:
    """
    Tell how a petition is received, a request made and logged, and one more record appended.

    Args:
        receive: How the office takes the petition in.
        between: What happens between that and the request.
        request: What is said otherwise in the request.
        event: What is said otherwise in its event.
        evidence: What the desk serves otherwise.
        matter: What else is otherwise when the holder judges.
    """
    office = office or SmallOffice()
    petition = petition or seal_petition()
    receive(office, petition)
    between(office, petition)
    asked = request(office, petition) if callable(request) else request
    note = office.request(petition, asked, requester, signer)
    logged = event(office, petition) if callable(event) else event
    made = office.log_request(petition, note, logged)
    office.tick()
    told = office.matter(petition, note, made)
    served = alter(told.evidence, evidence)
    return Told(office, petition, note, made, alter(replace(told, evidence=served), matter))


def fresh_identity(requester: str) -> Identity:
    """Return the identity that belongs to the recipient in a request of this requester."""
    return make_identity(f"fresh {requester}")
