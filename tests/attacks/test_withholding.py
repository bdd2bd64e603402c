"""The operator tries to keep something from somebody: from the log, the mirror, the petitioner."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.acceptance import check_acceptance
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.head import check_head
from dengwen_audit.statements.member import Revocation
from dengwen_audit.statements.statement import Statement
from dengwen_audit.text import ZERO_HASH
from dengwen_keys.gatekeeper.refusals import OldRoster, StaleLog
from dengwen_keys.petition_file import SealedPetition
from dengwen_keys.words import Words
from dengwen_submit.errors import CaseError, DoorError
from dengwen_submit.follow_up import CaseView
from dengwen_submit.heads import Finding, make_challenge
from tests.small_office import make_key
from tests.town import Town
from tests.town_operator import Operator
from tests.town_people import (
    DOOR,
    GATEKEEPERS,
    MIRROR,
    NOON,
    OFFICE,
    address_of,
    next_roster,
    sign_by_roots,
)
from tests.town_wire import Answer, Lie

EVENTS, HEADS = "/v1/case/events", "/v1/case/heads/"


def drop_last(count: int) -> Lie:
    """Serve the petitioner her case without its newest events."""

    def cut(served: dict[str, Any]) -> dict[str, Any]:
        return served | {"events": served["events"][:-count]}

    return lambda answer: answer.with_json(cut) if answer.path == EVENTS else answer


def silent(view: CaseView) -> set[str]:
    """Return who did not vouch for a view."""
    return {statement.holder for statement in view.statements if not statement.agrees}


def opened_case(town: Town) -> tuple[Words, SealedPetition]:
    """Return words and petition of a case that one reviewer has opened; five events are logged."""
    words, sealed = town.received()
    town.asked_and_opened(sealed)
    town.tick()
    return words, sealed


def test_a_petition_that_is_dropped_is_proven_by_its_acceptance(
    town: Town, operator: Operator
) -> None:
    """
    The operator signs for a petition, and takes it out of the line before it enters the log.

    Its acceptance names manifest, day and deadline; two hours later every holder and the mirror
    sign that they have never seen an event of the case. Beside a case that was not dropped, that
    is a proof.
    """
    words, sealed = town.submit()
    kept_words, kept = town.submit()
    operator.run("DELETE FROM reception WHERE case_id = :case", case=sealed.manifest.case)
    town.tick(2)
    town.clock.now += town.roster.acceptance_deadline
    town.tick()

    view = town.follow_up(words)
    assert not view.entries
    assert not view.is_complete
    accepted = check_acceptance(town.acceptances[sealed.manifest.case], town.roster)
    assert (accepted.case, accepted.manifest) == (sealed.manifest.case, sealed.note.hash)
    assert town.clock() > NOON + accepted.deadline
    assert seen_by_mirror(town, words) == (0, ZERO_HASH)
    assert seen_by_mirror(town, kept_words)[0] == 1
    assert town.follow_up(kept_words).is_complete
    assert kept.manifest.case != sealed.manifest.case


def seen_by_mirror(town: Town, words: Words) -> tuple[int, bytes]:
    """Return what the mirror signs to have seen of a case."""
    office = town.pinned()
    note = make_challenge(office, words)
    answer = town.session.post(f"{address_of(MIRROR)}/head", data=note.to_bytes())
    head = check_head(Note.parse(answer.content), office.roster, Challenge.parse(note.text))
    return head.seen_number, head.seen_hash


def test_a_petition_that_is_deleted_is_proven_by_its_acceptance(
    town: Town, operator: Operator
) -> None:
    """The operator deletes every trace: the door knows nothing, but it has signed."""
    words, sealed = town.submit()
    operator.delete_case(sealed.manifest.case)
    town.tick()

    with pytest.raises(DoorError) as refused:
        town.follow_up(words)
    assert refused.value.problem == "not-yours"
    accepted = check_acceptance(town.acceptances[sealed.manifest.case], town.roster)
    assert accepted.manifest == sealed.note.hash
    assert seen_by_mirror(town, words) == (0, ZERO_HASH)


def test_events_kept_from_the_mirror_are_not_cosigned(town: Town) -> None:
    """
    The operator serves the mirror the epoch without its event: the mirror does not cosign.

    Without the mirror there is no quorum, so that nothing is public that it does not hold.
    """
    words, _ = town.submit()
    town.clock.now += town.card.tick
    before = town.mirror.witness.latest(OFFICE)
    with town.office.desk.lying(without_events):
        assert not town.office.sequencer.tick()
    with town.office.desk.lying(without_epochs):
        assert not town.office.sequencer.tick()

    assert town.mirror.witness.latest(OFFICE) == before
    assert town.checkpoint() == before
    town.tick()
    assert town.follow_up(words).is_complete


def without_epochs(answer: Answer) -> Answer:
    """Refuse to give epochs."""
    return replace(answer, status=404) if answer.path == "/v1/epochs" else answer


def without_events(answer: Answer) -> Answer:
    """Give epochs with no list of leaves."""

    def cut(served: dict[str, Any]) -> dict[str, Any]:
        return {"epochs": [epoch | {"leaves": []} for epoch in served["epochs"]]}

    return answer.with_json(cut) if answer.path == "/v1/epochs" else answer


@pytest.mark.parametrize("count", [1, 3, 4, 5])
def test_the_newest_events_cannot_be_hidden_from_the_petitioner(town: Town, count: int) -> None:
    """Whatever is cut from the end of her case, somebody has signed that there is more."""
    words, _ = opened_case(town)
    with town.office.door.lying(drop_last(count)), pytest.raises(CaseError, match="newer events"):
        town.follow_up(words)
    assert town.follow_up(words).is_complete


@pytest.mark.parametrize("honest", GATEKEEPERS)
def test_one_honest_gatekeeper_shows_a_hidden_opening(town: Town, honest: str) -> None:
    """All others are cut off from her: the one who answers has signed what it released for."""
    words, _ = opened_case(town)
    others = {*GATEKEEPERS, MIRROR} - {honest}
    with (
        town.away(*others),
        town.office.door.lying(drop_last(4)),
        pytest.raises(CaseError, match=f"{honest} has seen newer events"),
    ):
        town.follow_up(words)


def test_silence_is_never_called_complete(town: Town) -> None:
    """The operator hides an opening, and nobody else can be reached: she is not told "complete"."""
    words, _ = opened_case(town)
    with town.away(*GATEKEEPERS, MIRROR), town.office.door.lying(drop_last(4)):
        view = town.follow_up(words)

    assert len(view.entries) == 1
    assert not view.is_complete
    assert silent(view) == {*GATEKEEPERS, MIRROR}
    assert {statement.finding for statement in view.statements} == {Finding.SILENT}


def unreachable(town: Town) -> AbstractContextManager[None]:
    """Let nobody reach a holder's own address; holders still poll the desk."""
    return town.away(*GATEKEEPERS, MIRROR, polling=True)


def heads_of(make: Callable[[list[str]], list[str]]) -> Lie:
    """Serve other heads than those that came to the desk."""

    def forge(served: dict[str, Any]) -> dict[str, Any]:
        return {"heads": make(served["heads"])}

    return lambda answer: answer.with_json(forge) if answer.path.startswith(HEADS) else answer


def test_heads_that_come_by_the_office_cannot_be_forged(town: Town) -> None:
    """Nobody can be asked directly, so heads come by the door: edited ones count as none."""
    words, _ = opened_case(town)
    edited = heads_of(lambda heads: [re.sub("seen [2-5] ", "seen 1 ", head) for head in heads])
    with unreachable(town), town.office.door.lying(drop_last(4)), town.office.door.lying(edited):
        view = town.follow_up(words)
    assert silent(view) == {*GATEKEEPERS, MIRROR}
    assert not view.is_complete
    with unreachable(town):
        assert town.follow_up(words).is_complete


def test_heads_of_an_earlier_day_cannot_be_shown_again(town: Town) -> None:
    """The operator keeps the heads from before an opening: another nonce, so they count as none."""
    words, sealed = town.received()
    caught: list[list[str]] = []

    def catch(heads: list[str]) -> list[str]:
        caught.append(heads)
        return heads

    with unreachable(town), town.office.door.lying(heads_of(catch)):
        assert town.follow_up(words).is_complete
    town.asked_and_opened(sealed)
    town.tick()
    replay = heads_of(lambda _: caught[-1])
    with unreachable(town), town.office.door.lying(drop_last(4)), town.office.door.lying(replay):
        view = town.follow_up(words)

    assert len(caught[-1]) == len(town.houses)
    assert silent(view) == {*GATEKEEPERS, MIRROR}
    assert not view.is_complete


def without_news(town: Town) -> Lie:
    """Serve the newest proof, and the roster it names, as they are now, whatever comes."""
    path = "/latest.tlog-proof"
    old = town.session.get(f"{DOOR}{path}").content
    return lambda answer: replace(answer, body=old) if answer.path == path else answer


def test_a_revocation_cannot_be_kept_from_a_gatekeeper_by_an_older_proof(
    town: Town, operator: Operator
) -> None:
    """
    The log names the roster that revokes a reviewer; a gatekeeper is shown the proof from before.

    It is only minutes old, but the request was logged after it: the gatekeeper waits for one that
    covers what it is asked for.
    """
    _, sealed = town.received()
    villain = sealed.manifest.panel[0]
    asked, lie = town.request(villain, sealed), without_news(town)
    revoking = next_roster(town.roster, revoked=(Revocation(villain, town.today),))
    town.office.vault.publish_roster(sign_by_roots(revoking.to_bytes()))
    town.tick()
    with town.office.door.lying(lie):
        operator.log_request(asked)
        assert not operator.answered(asked)
        with pytest.raises(StaleLog):
            town.gatekeepers["gk-1"].serve(asked.hash)
    town.poll()
    assert operator.reasons(asked) == {OldRoster.slug}


def test_a_gatekeeper_does_not_work_on_an_old_log(town: Town) -> None:
    """The log stands still for an hour, as if to hide what came: no share leaves on old times."""
    _, sealed = town.received()
    reviewer = sealed.manifest.panel[0]
    with town.away(*GATEKEEPERS, reachable=True):
        asked = town.ask(reviewer, sealed.manifest.case)
    town.clock.now += 3600
    town.poll()

    with pytest.raises(StaleLog):
        town.gatekeepers["gk-1"].serve(asked.hash)
    assert not town.shares(asked)
    town.tick()
    town.poll()
    assert set(town.shares(asked)) == {1, 2, 3}


def test_without_a_mirror_nothing_is_called_complete(town: Town, operator: Operator) -> None:
    """
    The mirror is revoked, and the operator hides a recusal, which no gatekeeper is shown.

    Gatekeepers know what they were asked for, not what else happened: their word is not enough.
    """
    words, sealed = town.received()
    reviewer = sealed.manifest.panel[0]
    town.mirror.collude()
    lost = next_roster(town.roster, revoked=(Revocation(MIRROR, town.today),))
    town.office.vault.publish_roster(sign_by_roots(lost.to_bytes()))
    text = Statement(OFFICE, sealed.manifest.case, "case.recused").to_bytes()
    operator.log(
        "case.recused", sealed.manifest.case, reviewer, sign_note(text, make_key(reviewer))
    )
    assert town.roster.version == 2
    with town.office.door.lying(drop_last(1)):
        view = town.follow_up(words)

    assert len(view.entries) == 1
    assert all(statement.agrees for statement in view.statements)
    assert not view.is_complete
