"""What holders and mirror sign of a case is held against what the office shows of it."""

import dataclasses
from collections.abc import Mapping

import pytest

from dengwen_audit.statements.challenge import check_challenge
from dengwen_audit.statements.head import Head
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.member import Member
from dengwen_audit.text import ZERO_HASH
from dengwen_submit.case_file import Entry
from dengwen_submit.errors import CaseError
from dengwen_submit.heads import Finding, askable_holders, judge_head, make_challenge
from tests.small_office import OFFICE, make_roster, make_seed, replace_member
from tests.submit.door_office import HOLDERS, DoorOffice
from tests.town_wire import Answer
from tests.vault.office import words_of

GATEKEEPER, MIRROR = make_roster().member("gatekeeper-2"), make_roster().member("mirror-1")
WORDS = words_of("first")


@pytest.fixture(scope="module")
def entries(standing_office: DoorOffice, standing_case: Manifest) -> tuple[Entry, ...]:
    """Give a case of three events: received, requested, released by gatekeeper-2."""
    office = standing_office
    office.release(office.request(standing_case), standing_case, "gatekeeper-2")
    return office.follow_up().entries


def _head(member: Member, seen: Entry | None = None, *released: bytes) -> Head:
    number, hash_ = (seen.event.number, seen.event.hash) if seen else (0, ZERO_HASH)
    case = seen.event.case if seen else make_seed("case")
    return Head(OFFICE, case, make_seed("nonce"), member.id, number, hash_, released)  # type: ignore[arg-type]


def test_a_holder_that_released_what_is_shown_agrees(entries: tuple[Entry, ...]) -> None:
    """Its share, its request and its release are all there."""
    said = judge_head(GATEKEEPER, _head(GATEKEEPER, entries[2], entries[1].event.cause), entries)
    assert (said.finding, said.count, said.agrees) == (Finding.RELEASED, 1, True)


@pytest.mark.parametrize("seen", [None, 0, 1, 2])
def test_a_holder_that_released_nothing_agrees(
    entries: tuple[Entry, ...], seen: int | None
) -> None:
    """A gatekeeper sees a case only when it is asked, so that it may know less than all."""
    head = _head(GATEKEEPER, None if seen is None else entries[seen])
    said = judge_head(GATEKEEPER, head, entries)
    assert (said.finding, said.agrees) == (Finding.NOTHING_RELEASED, True)


def test_a_holder_that_has_seen_more_proves_the_office_wrong(entries: tuple[Entry, ...]) -> None:
    """The newest event is the one that could be hidden; the holder's signature shows it."""
    for member in (GATEKEEPER, MIRROR):
        with pytest.raises(CaseError, match="has seen newer events than the office shows"):
            judge_head(member, _head(member, entries[2]), entries[:2])


def test_a_holder_that_has_seen_otherwise_proves_the_office_wrong(
    entries: tuple[Entry, ...],
) -> None:
    """Two histories of one case cannot both be true."""
    other = dataclasses.replace(_head(MIRROR, entries[1]), seen_hash=make_seed("another"))
    with pytest.raises(CaseError, match="has seen another history"):
        judge_head(MIRROR, other, entries)


def test_a_share_for_a_request_that_is_not_shown_proves_the_office_wrong(
    entries: tuple[Entry, ...],
) -> None:
    """A key cannot have turned for nothing that she can see."""
    for released in (entries[1].event.cause, make_seed("secret request"), entries[2].event.cause):
        with pytest.raises(CaseError, match="for a request that the office does not show"):
            judge_head(GATEKEEPER, _head(GATEKEEPER, entries[0], released), entries[:1])


def test_a_release_that_is_not_in_the_log_yet_is_not_agreement(
    entries: tuple[Entry, ...],
) -> None:
    """The share left; its event must follow, and until then nothing is complete."""
    other = make_roster().member("gatekeeper-1")
    for member, shown in ((GATEKEEPER, entries[:2]), (other, entries)):
        said = judge_head(member, _head(member, shown[1], entries[1].event.cause), shown)
        assert (said.finding, said.agrees) == (Finding.NOT_LOGGED_YET, False)


def test_a_mirror_must_have_seen_all(entries: tuple[Entry, ...]) -> None:
    """It holds every event, so that one behind is one that has yet to come."""
    said = judge_head(MIRROR, _head(MIRROR, entries[2]), entries)
    assert (said.finding, said.count, said.agrees) == (Finding.HOLDS_ALL, 3, True)
    for head in (_head(MIRROR, entries[1]), _head(MIRROR)):
        said = judge_head(MIRROR, head, entries)
        assert (said.finding, said.count, said.total) == (Finding.BEHIND, head.seen_number, 3)
        assert not said.agrees


def test_silence_is_not_agreement(entries: tuple[Entry, ...]) -> None:
    """Who does not answer has not said that this is all."""
    said = judge_head(GATEKEEPER, None, entries)
    assert (said.finding, said.agrees) == (Finding.SILENT, False)


def test_everybody_who_keeps_a_service_is_asked(standing_office: DoorOffice) -> None:
    """Gatekeepers and mirrors always, trustees if they have an address, nobody who is revoked."""
    office = standing_office.pinned()
    assert [member.id for member in askable_holders(office)] == list(HOLDERS)
    served = replace_member(make_roster(), "trustee-2", address="https://trustee-2.example")
    revoked = dataclasses.replace(
        served,
        revoked=(
            *served.revoked,
            dataclasses.replace(served.revoked[0], member="gatekeeper-1"),
        ),
    )
    office = dataclasses.replace(office, roster=revoked)
    assert [member.id for member in askable_holders(office)] == [*HOLDERS[1:], "trustee-2"]


def test_a_challenge_is_hers_and_new_each_time(standing_office: DoorOffice) -> None:
    """It proves by itself that its case is hers, and cannot be answered with an old head."""
    office = standing_office.pinned()
    first, second = (check_challenge(make_challenge(office, WORDS)) for _ in range(2))
    assert first.nonce != second.nonce
    assert first == dataclasses.replace(second, nonce=first.nonce)


def _ask(office: DoorOffice) -> Mapping[str, Head]:
    pinned = office.pinned()
    client = office.case_client()
    return office.round().ask(client, pinned, WORDS, askable_holders(pinned))


def test_holders_are_asked_directly_and_the_office_learns_nothing(
    office: DoorOffice, case: Manifest
) -> None:
    """When all answer at their own addresses, no challenge goes through the office."""
    heads = _ask(office)
    assert sorted(heads) == sorted(HOLDERS)
    assert {head.seen_number for head in heads.values()} == {1}
    assert office.rows()["challenge"] == 0
    assert office.slept == []


def test_a_holder_that_cannot_be_reached_answers_by_its_poll(
    office: DoorOffice, case: Manifest
) -> None:
    """The challenge waits at the desk, and the head comes back through the door."""
    office.while_waiting.append(office.poll)
    with office.silent():
        assert sorted(_ask(office)) == sorted(HOLDERS)
    assert len(office.slept) == 1


def test_a_head_that_comes_too_late_is_absent(office: DoorOffice, case: Manifest) -> None:
    """She waits as long as she said, and no longer."""
    with office.silent("gatekeeper-1"):
        heads = _ask(office)
    assert sorted(heads) == sorted(HOLDERS[1:])
    assert sum(office.slept) == 5


def test_an_office_that_passes_no_challenge_on_ends_the_waiting(
    office: DoorOffice, case: Manifest
) -> None:
    """Those who can be reached count; the others are silent, and she need not wait for them."""

    def refuse_challenges(answer: Answer) -> Answer:
        is_one = answer.path == "/v1/case/challenges"
        return dataclasses.replace(answer, status=503) if is_one else answer

    with office.door.lying(refuse_challenges), office.silent("mirror-1"):
        assert sorted(_ask(office)) == sorted(HOLDERS[:3])
    assert office.slept == []


NOT_HEADS = {
    "heads signed by another member": ("gatekeeper-1", "gatekeeper-2"),
    "heads of a reviewer": ("reviewer-1", "reviewer-1"),
    "heads of nobody": ("nobody", "nobody"),
}


@pytest.mark.parametrize("case_name", NOT_HEADS)
def test_a_head_that_does_not_verify_is_as_good_as_none(
    standing_office: DoorOffice, standing_case: Manifest, case_name: str
) -> None:
    """Neither the office nor one holder can speak for another."""
    holder = standing_office.holders["gatekeeper-1"]
    holder.name, holder.signer = NOT_HEADS[case_name]
    heads = _ask(standing_office)
    holder.name = holder.signer = "gatekeeper-1"
    assert sorted(heads) == sorted(HOLDERS[1:])


def test_an_old_head_does_not_answer_a_new_challenge(office: DoorOffice, case: Manifest) -> None:
    """Yesterday's "nothing seen" cannot be shown again today."""
    holder = office.holders["gatekeeper-1"]
    yesterdays = holder.answer(make_challenge(office.pinned(), WORDS))
    holder.instead = yesterdays
    assert sorted(_ask(office)) == sorted(HOLDERS[1:])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"null",
        b"{}",
        b'{"heads": 1}',
        b'{"heads": [1]}',
        b'{"heads": ["x"]}',
        b'{"heads": ["\\ud800"]}',
        b"[" * 100_000,
    ],
)
def test_nonsense_instead_of_heads_is_silence(
    standing_office: DoorOffice, standing_case: Manifest, body: bytes
) -> None:
    """An office that tells nonsense of the heads gains nothing by it."""

    def lie(answer: Answer) -> Answer:
        is_it = answer.path.startswith("/v1/case/heads/")
        return dataclasses.replace(answer, body=body) if is_it else answer

    standing_office.while_waiting = [standing_office.poll]
    with standing_office.door.lying(lie), standing_office.silent("gatekeeper-3"):
        heads = _ask(standing_office)
    standing_office.while_waiting = []
    assert sorted(heads) == sorted(set(HOLDERS) - {"gatekeeper-3"})


def test_a_holder_that_sends_without_end_is_silent(
    standing_office: DoorOffice, standing_case: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder's answer has its limit, too."""
    monkeypatch.setattr("dengwen_submit.heads.MAX_HEAD_BYTES", 100)
    assert _ask(standing_office) == {}
