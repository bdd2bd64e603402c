"""Tests of roster_watch.py: rosters follow each other, and no seat changes hands unseen."""

from pathlib import Path

import pytest

from dengwen_audit.memory import Memory, Visit
from dengwen_audit.statements.roster import Quorum
from tests.audit.public_office import (
    DAY_SECONDS,
    PublicOffice,
    renewed,
    signed_office,
    use,
    with_other_holder,
)
from tests.small_office import (
    make_roster,
)


@pytest.fixture
def office(tmp_path: Path) -> PublicOffice:
    """Return an office whose log has 300 records, signed."""
    return signed_office(tmp_path / "public")


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
