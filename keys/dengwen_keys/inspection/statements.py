"""Signed statements: who says what, and whether the one who must have signed it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dengwen_audit.note import Note
from dengwen_audit.statements import (
    acceptance,
    answer,
    card,
    challenge,
    grant,
    head,
    manifest,
    request,
    roster,
    statement,
)
from dengwen_audit.statements.member import HOLDERS, MIRROR, REVIEWER
from dengwen_audit.statements.roster_rules import check_past_roster
from dengwen_audit.statements.signers import check_signed_by
from dengwen_keys.inspection.finding import Finding, Trust, by_card, by_roster, judged, unjudged

Find = Callable[[Note, Trust], Finding]


def _find_card(note: Note, trust: Trust) -> Finding:
    it = card.Card.parse(note.text)
    facts = (
        f"of {it.name}, {it.office}, run by {it.operator}",
        f"fingerprint {it.fingerprint}",
        f"signed by {it.root_threshold} of {len(it.roots)} root keepers",
        f"vouched for by {it.policy.minimum_witnesses()} of {len(it.policy.witnesses)} witnesses",
    )
    what = f"Office card {it.number}"
    before = trust.card
    if before is not None and before.hash != it.hash:
        return judged(what, facts, lambda: card.check_card(note, before), "by the card before it")
    return judged(what, facts, lambda: card.check_card(note, None), "by its own root keys")


def _find_roster(note: Note, trust: Trust) -> Finding:
    it = roster.Roster.parse(note.text)
    in_force = it.valid_from <= trust.today < it.valid_until
    quorums = (f"{it.quorum(role).k} of {it.quorum(role).n} {role}s" for role in HOLDERS)
    facts = (
        f"of {it.office}, valid from {it.valid_from} until the day before {it.valid_until}",
        "in force today" if in_force else "NOT in force today",
        f"{', '.join(quorums)}, {len(it.active(REVIEWER))} reviewers",
        f"hash {it.hash.hex()}",
    )
    return by_card(f"Roster {it.version}", facts, trust, lambda by: check_past_roster(note, by))


def _find_manifest(note: Note, trust: Trust) -> Finding:
    it = manifest.Manifest.parse(note.text)
    facts = (f"of case {it.case.hex()}", f"panel {', '.join(it.panel)}", f"{len(it.parts)} parts")

    def check() -> None:
        manifest.check_manifest(note)
        if trust.roster is not None:
            manifest.check_against_roster(it, trust.roster)

    by = "by the keys of its case" + (" and keeps to the roster" if trust.roster else "")
    return judged("Manifest of a sealed petition", facts, check, by)


def _find_request(note: Note, trust: Trust) -> Finding:
    it = request.Request.parse(note.text)
    facts = (
        f"by {it.requester}, to open the {it.compartment}, for {it.purpose}",
        f"of case {it.case.hex()}",
        f"signed after record {it.after_size - 1}, good until record {it.last_index}",
        f"hash {it.hash.hex()}",
    )
    return by_roster("Request", facts, trust, lambda by: request.check_request(note, by))


def _find_answer(note: Note, trust: Trust) -> Finding:
    it = answer.Answer.parse(note.text)
    facts = (
        f"by {it.holder}, seat {it.seat}, for the {it.compartment} of case {it.case.hex()}",
        f"to the request {it.request.hex()}",
    )
    what = "Release of a share" if it.is_release else "Refusal of a share"
    return by_roster(what, facts, trust, lambda by: answer.check_answer(note, by))


def _find_acceptance(note: Note, trust: Trust) -> Finding:
    it = acceptance.Acceptance.parse(note.text)
    facts = (
        f"of case {it.case.hex()}",
        f"manifest {it.manifest.hex()}",
        f"on {it.day}, to be in the log within {it.deadline} s",
    )
    return by_roster("Acceptance", facts, trust, lambda by: acceptance.check_acceptance(note, by))


def _find_challenge(note: Note, trust: Trust) -> Finding:
    del trust  # a challenge carries its keys
    it = challenge.Challenge.parse(note.text)
    facts = (f"by the petitioner of case {it.case.hex()}",)
    by = "by the keys of its case"
    return judged("Challenge", facts, lambda: challenge.check_challenge(note), by)


def _find_head(note: Note, trust: Trust) -> Finding:
    it = head.Head.parse(note.text)
    facts = (
        f"by {it.holder}, about case {it.case.hex()}",
        f"newest event seen: number {it.seen_number}" if it.seen_number else "has seen no event",
        f"released its share to {len(it.released)} requests",
    )

    def check(by: roster.Roster) -> None:
        key = by.key_of(it.holder)
        if key is None or by.member(it.holder).role not in (*HOLDERS, MIRROR):
            raise head.HeadError("the signer has no head to give")
        check_signed_by(note, key)

    return by_roster("Head, an answer to a challenge", facts, trust, check)


def _find_grant(note: Note, trust: Trust) -> Finding:
    it = grant.Grant.parse(note.text)
    facts = (
        f"for {it.auditor} of {it.institution}",
        f"events from record {it.from_index}, until the day before {it.until}",
    )
    return by_card("Grant to read events", facts, trust, lambda by: grant.check_grant(note, by))


def _find_grant_end(note: Note, trust: Trust) -> Finding:
    it = grant.GrantEnd.parse(note.text)
    facts = (f"of the grant {it.grant.hex()}",)
    return by_card("End of a grant", facts, trust, lambda by: grant.check_grant_end(note, by))


def _find_statement(note: Note, trust: Trust) -> Finding:
    it = statement.Statement.parse(note.text)
    names = ", ".join(line.name for line in note.signatures)
    facts = (f"of type {it.type}, about case {it.case.hex()}", f"signed, it says, by {names}")
    if any(line.name == "case" for line in note.signatures):
        return unjudged("Statement", facts, "Only the manifest of its case can tell.")
    return by_roster(
        "Statement", facts, trust, lambda by: statement.check_member_statement(note, by)
    )


STATEMENTS: Mapping[str, Find] = {
    card.KIND: _find_card,
    roster.KIND: _find_roster,
    manifest.KIND: _find_manifest,
    request.KIND: _find_request,
    answer.RELEASE: _find_answer,
    answer.REFUSAL: _find_answer,
    acceptance.KIND: _find_acceptance,
    challenge.KIND: _find_challenge,
    head.KIND: _find_head,
    grant.KIND: _find_grant,
    grant.END_KIND: _find_grant_end,
    statement.KIND: _find_statement,
}
"""How each statement is described and judged, by its type line."""
