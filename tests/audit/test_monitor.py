"""Tests of monitor.py, roster_watch.py, trust.py and memory.py: what a visit to a log finds."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from dengwen_audit.errors import AuditError, SignatureError
from dengwen_audit.memory import Memory, Visit, read_memory, write_memory
from dengwen_audit.monitor import Monitor
from dengwen_audit.note import Note, sign_note
from dengwen_audit.policy import Policy
from dengwen_audit.statements.card import Card, CardChainError
from dengwen_audit.statements.roster import Quorum, Roster
from dengwen_audit.text import TextError
from dengwen_audit.tile_paths import CHECKPOINT_PATH, entries_path, tile_path
from dengwen_audit.tile_writer import TileWriter
from dengwen_audit.tiles import MissingTileError, TileError
from dengwen_audit.trust import Trust, open_office, read_cards
from tests.audit.public_office import DAY_SECONDS, PublicOffice, follow
from tests.small_log import LOG_KEY, POLICY, SmallLog
from tests.small_office import (
    OFFICE,
    make_card,
    make_key,
    make_policy_lines,
    make_roster,
    replace_member,
    sign_by_roots,
)

SIZE = 300  # one full bundle, and some


@pytest.fixture
def office(tmp_path: Path) -> PublicOffice:
    """Return an office whose log has 300 records, signed."""
    office = PublicOffice(tmp_path / "public")
    office.tick(SIZE)
    office.sign()
    return office


def remember(office: PublicOffice, before: Memory | None = None) -> Memory:
    """Visit a sound log; return what is remembered."""
    report = office.visit(before)
    assert report.breaches == []
    memory = report.remember(before)
    assert memory is not None
    return memory


def test_a_sound_log_is_clean(office: PublicOffice) -> None:
    """No breach; at the first visit a person is told that it was the first."""
    report = office.visit()
    assert report.is_clean
    assert report.notices == ["first visit: from now on a fork would be noticed"]
    assert report.cosigned is not None
    assert report.cosigned.checkpoint.size == SIZE


def test_a_log_that_grew_is_clean(office: PublicOffice) -> None:
    """Nothing at all is to be said of a log that only grew, at its pace."""
    memory = remember(office)
    office.tick(100)
    office.sign()
    report = office.visit(memory)
    assert (report.breaches, report.notices) == ([], [])
    assert [visit.size for visit in remember(office, memory).visits] == [SIZE, SIZE + 100]


def test_a_log_that_stands_still_for_a_moment_is_clean(office: PublicOffice) -> None:
    """Two visits within one tick see the same checkpoint."""
    memory = remember(office)
    assert office.visit(memory).is_clean


def test_records_that_are_gone_are_found(office: PublicOffice) -> None:
    """A log that is set back is caught by the memory alone."""
    memory = remember(office)
    office.rewrite(200)
    office.sign()
    report = office.visit(memory)
    assert any("ROLLBACK: 300 records were shown before, and now 200" in b for b in report.breaches)
    assert report.remember(memory) is memory


@pytest.mark.parametrize("growth", [0, 100])
def test_another_history_is_found(office: PublicOffice, growth: int) -> None:
    """A fork is sound in itself; only who remembers sees it."""
    memory = remember(office)
    office.rewrite(250)
    office.tick(SIZE - 250 + growth)
    office.now = memory.last.time + 60
    office.sign()
    assert office.visit().is_clean
    report = office.visit(memory)
    assert any("FORK" in breach for breach in report.breaches)
    assert report.remember(memory) is memory


Break = Callable[[PublicOffice], object]


def flip(path: str, position: int = 100) -> Break:
    """Return what flips one bit of a public file."""

    def break_it(office: PublicOffice) -> None:
        data = bytearray((office.folder / path).read_bytes())
        data[position] ^= 1
        office.show(path, bytes(data))

    return break_it


def remove(path: str) -> Break:
    """Return what removes a public file."""
    return lambda office: (office.folder / path).unlink()


def cosigned_by_two(office: PublicOffice) -> None:
    """Drop one of three cosignatures."""
    note = office.checkpoint()
    office.show(f"log/{CHECKPOINT_PATH}", Note(note.text, note.signatures[:-1]))


def signed_by_nobody(office: PublicOffice) -> None:
    """Drop the log's own signature."""
    note = office.checkpoint()
    office.show(f"log/{CHECKPOINT_PATH}", Note(note.text, note.signatures[1:]))


def misshapen_record(office: PublicOffice) -> None:
    """Log something that is no record."""
    office.records.append(b"dengwen/epoch/v2\n")
    office.sign()


ROSTER_PATH = f"rosters/{make_roster().hash.hex()}"
BROKEN: dict[str, tuple[Break, str]] = {
    "a bundle is withheld": (remove(f"log/{entries_path(0)}"), "a file is missing"),
    "the newest bundle is withheld": (remove(f"log/{entries_path(1, 44)}"), "a file is missing"),
    "a tile is withheld": (remove(f"log/{tile_path(0, 0)}"), "a file is missing"),
    "an upper tile is withheld": (remove(f"log/{tile_path(1, 0, 1)}"), "a file is missing"),
    "a record was edited": (flip(f"log/{entries_path(0)}"), "not what the entries give"),
    "a tile was edited": (flip(f"log/{tile_path(0, 0)}"), "not what the entries give"),
    "a bundle is cut": (flip(f"log/{entries_path(0)}", 1), "bundle"),
    "too few witnesses": (cosigned_by_two, "too few witnesses"),
    "not signed by the log": (signed_by_nobody, "too few known signatures"),
    "another text under the signatures": (flip(f"log/{CHECKPOINT_PATH}", 30), ""),
    "a record of another shape": (misshapen_record, "dengwen/epoch/v1"),
    "the roster is not shown": (remove(ROSTER_PATH), "record 0: its roster is not shown"),
    "the roster is another": (
        lambda office: office.show(ROSTER_PATH, sign_by_roots(make_card().to_bytes())),
        "not the note of that hash",
    ),
    "the roster is signed by one": (
        lambda office: office.show(ROSTER_PATH, sign_by_roots(make_roster().to_bytes(), 1)),
        "too few known signatures",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_is_broken_is_found(office: PublicOffice, name: str) -> None:
    """One breach, told in a sentence; nothing of it is remembered."""
    break_it, words = BROKEN[name]
    break_it(office)
    report = office.visit()
    assert len(report.breaches) == 1
    assert words in report.breaches[0]
    assert report.remember(None) is None


def test_a_log_that_has_stopped_is_reported(office: PublicOffice) -> None:
    """Freezing a log is a way to hide, too."""
    office.now += 7200
    (breach,) = office.visit().breaches
    assert breach == "the log has stopped: its newest checkpoint is 2.0 hours old"


def test_a_checkpoint_from_the_future_is_reported(office: PublicOffice) -> None:
    """One of the two clocks is wrong."""
    office.now -= 600
    (breach,) = office.visit().breaches
    assert "yet to come" in breach


@pytest.mark.parametrize(("seconds", "records"), [(6000, 40), (600, 40)])
def test_another_pace_is_told_and_is_no_breach(
    office: PublicOffice, seconds: int, records: int
) -> None:
    """Forty records in a hundred minutes are too few, in ten too many."""
    memory = remember(office)
    office.tick(records)
    office.now = memory.last.time + seconds
    office.sign()
    report = office.visit(memory)
    assert report.is_clean
    (notice,) = report.notices
    assert notice.startswith("pace: 40 records in ")
    assert f"gives {seconds / 60:.0f}" in notice


def test_an_unreachable_source_is_no_breach(office: PublicOffice) -> None:
    """Nobody is accused because a network is down."""

    class Down:
        def read(self, path: str) -> bytes:
            raise TileError("the server does not answer")

    with requests.Session() as session:
        source = dataclasses.replace(open_office(str(office.folder), session), log=Down())
    with pytest.raises(TileError):
        Monitor(source, office.trust(), None, office.now).visit()


def test_an_address_without_a_log_is_no_breach(office: PublicOffice) -> None:
    """Whoever misspells an address accuses nobody."""
    (office.folder / f"log/{CHECKPOINT_PATH}").unlink()
    with pytest.raises(TileError, match="no log at this address"):
        office.visit()


def test_a_bare_log_is_judged_by_its_policy(office: PublicOffice, tmp_path: Path) -> None:
    """Any C2SP log can be watched; what only our records have is not judged, and that is said."""
    log = SmallLog([b"anything"] * 3)
    TileWriter(tmp_path / "bare").append(0, log.entries)
    (tmp_path / "bare" / CHECKPOINT_PATH).write_bytes(log.note(time=office.now).to_bytes())
    with requests.Session() as session:
        source = open_office(str(tmp_path / "bare"), session)
    report = Monitor(source, Trust(POLICY), None, office.now).visit()
    assert report.is_clean
    assert "no card is given, so records and rosters are not judged" in report.notices


def test_a_log_without_witnesses_tells_no_times(office: PublicOffice, tmp_path: Path) -> None:
    """It can be derived again, but nobody vouches for its age."""
    log = SmallLog([b"anything"] * 3)
    TileWriter(tmp_path / "bare").append(0, log.entries)
    (tmp_path / "bare" / CHECKPOINT_PATH).write_bytes(log.note([]).to_bytes())
    policy = Policy.parse(f"log {LOG_KEY.verification_key.to_text()}\nquorum none\n")
    with requests.Session() as session:
        source = open_office(str(tmp_path / "bare"), session)
    report = Monitor(source, Trust(policy), None, office.now).visit()
    assert report.is_clean
    assert "the policy asks for no witness, so nobody says when" in report.notices
    memory = report.remember(None)
    assert memory is not None
    assert Monitor(source, Trust(policy), memory, office.now).visit().is_clean


# Rosters.


def renewed(roster: Roster, **changes: object) -> Roster:
    """Return the next roster, valid from the day of the visit on."""
    days = {"valid_from": datetime.date(2025, 1, 10), "valid_until": datetime.date(2025, 2, 8)}
    return follow(roster, **(days | changes))


def with_other_holder(roster: Roster) -> Roster:
    """Return the next roster, in which a seat has another address."""
    return replace_member(renewed(roster), "gatekeeper-2", address="https://elsewhere.example")


def use(office: PublicOffice, roster: Roster, count: int = 1) -> None:
    """Let the next records name *roster*."""
    office.roster = roster
    office.tick(count)
    office.sign()


def test_a_renewed_roster_takes_effect_at_once(office: PublicOffice) -> None:
    """If no holder changes, no publication is asked for."""
    second = renewed(make_roster())
    office.publish_roster(second)
    use(office, second, 300)
    assert office.visit().is_clean


def test_a_changed_holder_after_seven_days_is_clean(office: PublicOffice) -> None:
    """The proof of publication tells when the week began."""
    second = with_other_holder(make_roster())
    office.publish_roster(second)
    office.now += 7 * DAY_SECONDS
    use(office, second)
    assert office.visit().is_clean


def test_a_changed_holder_before_seven_days_is_found(office: PublicOffice) -> None:
    """Six days are too few, whoever signed."""
    second = with_other_holder(make_roster())
    office.publish_roster(second)
    office.now += 6 * DAY_SECONDS
    use(office, second)
    (breach,) = office.visit().breaches
    assert "roster 2 changes who holds shares, and took force before 2025-01-1" in breach


def test_a_changed_quorum_counts_like_a_changed_holder(office: PublicOffice) -> None:
    """Two of three becoming three of four is a change of the lock."""
    second = renewed(make_roster(), trustees=Quorum(4, 5))
    office.publish_roster(second)
    use(office, second)
    assert not office.visit().is_clean


def test_an_early_change_that_an_earlier_visit_saw_is_found_later(office: PublicOffice) -> None:
    """Time does not heal it: the memory knows how young the log was then."""
    second = with_other_holder(make_roster())
    office.publish_roster(second)
    use(office, second)
    report = office.visit()
    assert report.cosigned is not None
    assert report.note is not None
    checkpoint = report.cosigned.checkpoint
    memory = Memory.begin(report.note, Visit(checkpoint.size, checkpoint.root, office.now))
    office.now += 8 * DAY_SECONDS
    use(office, second)
    assert office.visit().is_clean
    assert not office.visit(memory).is_clean


def test_a_change_of_holders_without_a_proof_is_found(office: PublicOffice) -> None:
    """Whoever changes the lock shows since when everybody could know."""
    second = with_other_holder(make_roster())
    office.show_roster(second)
    office.now += 7 * DAY_SECONDS
    use(office, second)
    (breach,) = office.visit().breaches
    assert "not shown" in breach


def test_the_proof_of_another_roster_is_found(office: PublicOffice) -> None:
    """A publication proves one roster."""
    second = with_other_holder(make_roster())
    other = renewed(make_roster())
    office.publish_roster(other)
    office.show_roster(second)
    proof = (office.folder / f"rosters/{other.hash.hex()}.tlog-proof").read_bytes()
    office.show(f"rosters/{second.hash.hex()}.tlog-proof", proof)
    office.now += 8 * DAY_SECONDS
    use(office, second)
    (breach,) = office.visit().breaches
    assert "the proof beside roster 2 is not of it" in breach


def test_a_roster_that_was_in_force_before_it_was_in_the_log_is_found(office: PublicOffice) -> None:
    """Publication comes first."""
    second = with_other_holder(make_roster())
    office.show_roster(second)
    use(office, second)
    office.publish_roster(second)
    office.now += 8 * DAY_SECONDS
    office.tick()
    office.sign()
    (breach,) = office.visit().breaches
    assert "in force before it is in the log" in breach


def test_rosters_that_were_never_in_force_count_in_the_chain(office: PublicOffice) -> None:
    """The third follows the second, which changed the holders a week ago."""
    second = with_other_holder(make_roster())
    office.publish_roster(second)
    office.now += 7 * DAY_SECONDS
    third = renewed(second, answer_deadline_days=30)
    office.publish_roster(third)
    use(office, third)
    assert office.visit().is_clean


def test_a_missing_link_in_the_chain_is_found(office: PublicOffice) -> None:
    """Every roster between two that records name must be shown."""
    second = renewed(make_roster(), answer_deadline_days=30)
    third = renewed(second)
    office.publish_roster(third)
    use(office, third)
    (breach,) = office.visit().breaches
    assert "its roster is not shown" in breach


def test_a_roster_of_another_chain_is_found(office: PublicOffice) -> None:
    """The root keepers signed two second rosters; the third follows the one that was not used."""
    second, other = renewed(make_roster()), renewed(make_roster(), answer_deadline_days=30)
    third = renewed(other)
    for roster in (second, other, third):
        office.publish_roster(roster)
    use(office, second)
    use(office, third)
    (breach,) = office.visit().breaches
    assert "does not follow the one before it" in breach


def test_a_roster_that_comes_back_is_found(office: PublicOffice) -> None:
    """A revocation cannot be undone by naming an older roster."""
    second = renewed(make_roster())
    office.publish_roster(second)
    use(office, second)
    use(office, make_roster())
    (breach,) = office.visit().breaches
    assert "roster 1 comes after roster 2" in breach


def test_a_roster_that_has_ended_is_found(office: PublicOffice) -> None:
    """Records go on under a roster that nobody may act on."""
    office.now += 30 * DAY_SECONDS
    office.tick()
    office.sign()
    (breach,) = office.visit().breaches
    assert breach == "the newest record names roster 1, which is not valid today"


# Cards.


def second_card(**changes: object) -> Card:
    """Return the card after the first."""
    first = make_card()
    fields = {"number": 2, "previous": first.hash} | changes
    return dataclasses.replace(first, **fields)  # type: ignore[arg-type]


def test_newer_cards_are_followed(office: PublicOffice) -> None:
    """Who pinned the first card is led to the second, whose policy then counts."""
    card = second_card(policy_lines=make_policy_lines("4"))
    office.show_card(card, sign_by_roots(card.to_bytes()))
    assert [known.number for known in office.trust().cards] == [1, 2]
    (breach,) = office.visit().breaches
    assert "too few witnesses" in breach


def test_older_cards_are_found_by_their_hash(office: PublicOffice) -> None:
    """Who pinned the second card is led back to the first."""
    card = second_card()
    office.show_card(card, sign_by_roots(card.to_bytes()))
    trust = office.trust(pinned=2)
    assert trust.cards[0] == make_card()
    assert office.visit(trust=trust).is_clean


def test_a_publication_is_judged_by_the_card_of_its_time(office: PublicOffice) -> None:
    """Its three witnesses were enough then; the newer card asks for four."""
    second = with_other_holder(make_roster())
    office.publish_roster(second)
    office.now += 8 * DAY_SECONDS
    use(office, second)
    card = second_card(policy_lines=make_policy_lines("4"))
    office.show_card(card, sign_by_roots(card.to_bytes()))
    first = make_card()
    trust = Trust(first.policy, (first, card))
    assert office.visit(trust=trust).is_clean
    office.show(f"rosters/{second.hash.hex()}.tlog-proof", b"nonsense")
    assert not office.visit(trust=trust).is_clean


def test_a_newer_card_that_the_roots_did_not_sign_is_refused(office: PublicOffice) -> None:
    """The operator cannot change its own card."""
    card = second_card()
    office.show_card(card, sign_note(card.to_bytes(), make_key("root-a")))
    with pytest.raises(SignatureError):
        office.trust()


def test_a_newer_card_that_does_not_follow_is_refused(office: PublicOffice) -> None:
    """Its number and the hash before it must fit."""
    card = second_card(previous=bytes(31) + b"x")
    office.show_card(card, sign_by_roots(card.to_bytes()))
    with pytest.raises(CardChainError):
        office.trust()


def test_an_older_card_that_is_another_is_refused(office: PublicOffice) -> None:
    """The pinned card names it by hash."""
    card = second_card()
    office.show_card(card, sign_by_roots(card.to_bytes()))
    other = dataclasses.replace(make_card(), tick=61)
    office.show_card(other, sign_by_roots(other.to_bytes()))
    with pytest.raises(SignatureError, match="not the note of that hash"):
        office.trust(pinned=2)


def test_an_older_card_that_is_not_shown_is_missed(office: PublicOffice) -> None:
    """Rosters of its time could not be judged."""
    card = second_card()
    with requests.Session() as session:
        files = open_office(str(office.folder), session).files
    (office.folder / "cards/1").unlink()
    with pytest.raises(MissingTileError):
        read_cards(sign_by_roots(card.to_bytes()), files)


# Memory.


def test_a_memory_is_read_as_it_was_written(office: PublicOffice, tmp_path: Path) -> None:
    """In one spelling."""
    memory = remember(office)
    write_memory(tmp_path / "memory", memory)
    assert read_memory(tmp_path / "memory", OFFICE) == memory
    assert Memory.parse(memory.to_bytes()).to_bytes() == memory.to_bytes()


def test_there_may_be_no_memory(tmp_path: Path) -> None:
    """Then it is the first visit."""
    assert read_memory(tmp_path / "memory", OFFICE) is None


def test_the_memory_of_another_office_is_refused(office: PublicOffice, tmp_path: Path) -> None:
    """Nobody compares two logs by mistake."""
    write_memory(tmp_path / "memory", remember(office))
    with pytest.raises(AuditError, match="another office"):
        read_memory(tmp_path / "memory", "other.example/log")


def test_the_oldest_visits_are_forgotten(office: PublicOffice) -> None:
    """The file stays small."""
    memory = remember(office)
    for _ in range(600):
        memory = memory.then(memory.checkpoint, memory.last)
    assert len(memory.visits) == 500
    assert Memory.parse(memory.to_bytes()) == memory


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("dengwen/audit-memory/v1", "dengwen/audit-memory/v2"),
        (f"office {OFFICE}", "office other.example/log"),
        ("visit 300 ", "visit 0300 "),
        ("visit 300 ", "visit 300"),
        ("\nvisit ", "\nvisits "),
    ],
)
def test_a_misspelt_memory_is_refused(office: PublicOffice, line: str, bad: str) -> None:
    """A memory that cannot be read is no first visit."""
    data = remember(office).to_bytes()
    assert line.encode() in data
    with pytest.raises(TextError):
        Memory.parse(data.replace(line.encode(), bad.encode()))
