"""Which roster is in force: changes of a lock wait seven days, everything else does not."""

import dataclasses
import datetime
from pathlib import Path

import pytest

from dengwen_audit.note import Note
from dengwen_audit.publisher import LATEST_PATH
from dengwen_audit.receipt import check_latest, check_receipt
from dengwen_audit.statements.member import Revocation
from dengwen_audit.statements.roster import Quorum, Roster
from dengwen_audit.statements.roster_rules import (
    NotInForceError,
    QuorumTooSmallError,
    RosterChainError,
)
from dengwen_vault.standing import utc_day
from tests.small_office import (
    TODAY,
    make_card,
    make_key,
    make_roster,
    replace_member,
    sign_by_roots,
)
from tests.vault.office import DAY, VaultOffice


def follow(roster: Roster, **changes: object) -> Roster:
    """Return the roster after *roster*, signed on nobody's behalf yet."""
    chain = {"version": roster.version + 1, "previous": roster.hash}
    return dataclasses.replace(roster, **(chain | changes))  # type: ignore[arg-type]


def with_new_gatekeeper(roster: Roster) -> Roster:
    """Return the next roster, in which the first gatekeeper has another key."""
    return replace_member(
        follow(roster),
        "gatekeeper-1",
        id="gatekeeper-9",
        key=make_key("gatekeeper-9").verification_key,
    )


def publish(office: VaultOffice, roster: Roster) -> None:
    """Publish a roster, rightly signed, and let a tick pass."""
    office.vault.publish_roster(sign_by_roots(roster.to_bytes()))
    office.tick()


def wait(office: VaultOffice, days: int) -> None:
    """Let some days pass, and a tick."""
    office.now += days * DAY
    office.tick()


def test_a_roster_that_leaves_the_locks_alone_is_in_force_at_once(
    open_office: VaultOffice,
) -> None:
    """A new reviewer or a revocation does not wait."""
    revoked = Revocation("reviewer-5", TODAY)
    second = follow(make_roster(), revoked=(*make_roster().revoked, revoked))
    publish(open_office, second)
    assert open_office.vault.roster == second
    assert open_office.ask("reviewer-5", "/v1/desk").status_code == 401


def test_a_roster_that_changes_a_lock_waits_seven_days(open_office: VaultOffice) -> None:
    """Petitioners and auditors see who will hold a key before it can open anything."""
    second = with_new_gatekeeper(make_roster())
    publish(open_office, second)
    for _ in range(7):
        assert open_office.vault.roster == make_roster()
        assert open_office.ask("gatekeeper-9", "/v1/work").status_code == 401
        wait(open_office, 1)
    wait(open_office, 1)
    assert open_office.vault.roster == second
    assert open_office.ask("gatekeeper-9", "/v1/work").status_code == 200
    assert open_office.ask("gatekeeper-1", "/v1/work").status_code == 401


def test_the_seven_days_are_counted_from_when_everybody_could_see(
    small_office: VaultOffice,
) -> None:
    """A publication that no witness has vouched for yet begins no wait."""
    second = with_new_gatekeeper(make_roster())
    small_office.vault.publish_roster(sign_by_roots(second.to_bytes()))
    small_office.epoch_store.commit_tick(small_office.epoch_store.size(), small_office.now)
    wait(small_office, 3)
    wait(small_office, 7)
    assert small_office.vault.roster == make_roster()
    wait(small_office, 1)
    assert small_office.vault.roster == second


def test_a_changed_quorum_waits_too(small_office: VaultOffice) -> None:
    """A lock is its holders and how many of them it takes."""
    publish(small_office, follow(make_roster(), trustees=Quorum(4, 5)))
    assert small_office.vault.roster == make_roster()


def test_who_is_revoked_is_kept_out_though_the_roster_waits(small_office: VaultOffice) -> None:
    """A stolen key does not keep working for a week because a seat changed with it."""
    second = with_new_gatekeeper(make_roster())
    revoked = Revocation("reviewer-5", TODAY)
    second = dataclasses.replace(second, revoked=(*second.revoked, revoked))
    publish(small_office, second)
    assert small_office.vault.roster == make_roster()
    assert small_office.ask("reviewer-5", "/v1/desk").status_code == 401


def test_a_renewal_of_a_waiting_roster_does_not_wait_longer(small_office: VaultOffice) -> None:
    """The seven days are those of the change, not of each roster that carries it."""
    second = with_new_gatekeeper(make_roster())
    publish(small_office, second)
    wait(small_office, 5)
    third = follow(second, answer_deadline_days=59)
    publish(small_office, third)
    wait(small_office, 2)
    assert small_office.vault.roster == make_roster()
    wait(small_office, 1)
    assert small_office.vault.roster == third


def test_a_change_that_is_taken_back_does_not_wait(small_office: VaultOffice) -> None:
    """The locks that are in force may stay so without delay, and the change never comes."""
    second = with_new_gatekeeper(make_roster())
    publish(small_office, second)
    third = follow(make_roster(), version=3, previous=second.hash)
    publish(small_office, third)
    assert small_office.vault.roster == third
    wait(small_office, 10)
    assert small_office.vault.roster == third


def test_a_roster_is_in_force_from_its_first_day(small_office: VaultOffice) -> None:
    """Root keepers may sign for next week."""
    later = TODAY + datetime.timedelta(days=3)
    until = TODAY + datetime.timedelta(days=33)
    publish(small_office, follow(make_roster(), valid_from=later, valid_until=until))
    assert small_office.vault.roster == make_roster()
    wait(small_office, 3)
    assert small_office.vault.roster.version == 2


def test_every_roster_can_be_fetched_and_proved(open_office: VaultOffice) -> None:
    """The public files show each roster at once, and as in force when a public record says so."""
    public = open_office.vault.public_folder
    second = with_new_gatekeeper(make_roster())
    publish(open_office, second)
    assert _roster(public / "rosters" / second.hash.hex()) == second
    assert _roster(public / "roster") == make_roster()
    wait(open_office, 8)
    assert _roster(public / "roster") == second
    for roster in (make_roster(), second):
        proof = (public / "rosters" / f"{roster.hash.hex()}.tlog-proof").read_bytes()
        published = check_receipt(proof, make_card().policy)
        assert (published.event.type, published.event.cause) == ("roster.published", roster.hash)
        assert utc_day(published.cosigned.median_time) == TODAY
    latest = (public / LATEST_PATH).read_bytes()
    record, _ = check_latest(latest, make_card().policy, open_office.now, 60)
    assert record.roster == second.hash


def _roster(path: Path) -> Roster:
    return Roster.parse(Note.parse(path.read_bytes()).text)


def test_a_roster_that_breaks_the_rules_is_not_published(small_office: VaultOffice) -> None:
    """Not even root keepers make one lock of two by way of this office."""
    before = small_office.rows()
    weak = follow(make_roster(), gatekeepers=Quorum(1, 3))
    jump = follow(make_roster(), version=3)
    for roster, error in ((weak, QuorumTooSmallError), (jump, RosterChainError)):
        with pytest.raises(error):
            small_office.vault.publish_roster(sign_by_roots(roster.to_bytes()))
    small_office.now += 30 * DAY
    old = sign_by_roots(follow(make_roster()).to_bytes())
    with pytest.raises(NotInForceError):
        small_office.vault.publish_roster(old)
    assert small_office.rows() == before
    assert len(list((small_office.vault.public_folder / "rosters").iterdir())) == 2


def test_the_same_roster_and_card_again_change_nothing(small_office: VaultOffice) -> None:
    """A retry is one publication."""
    before = small_office.rows()
    small_office.vault.publish_roster(sign_by_roots(make_roster().to_bytes()))
    small_office.vault.publish_card(sign_by_roots(make_card().to_bytes()))
    assert small_office.rows() == before


def test_the_next_card_is_published(small_office: VaultOffice) -> None:
    """It takes the thresholds of both, and everybody can fetch it and the one before it."""
    card = make_card()
    second = dataclasses.replace(card, number=2, previous=card.hash, name="登闻 Office")
    small_office.vault.publish_card(sign_by_roots(second.to_bytes()))
    small_office.tick()
    assert small_office.vault.card == second
    public = small_office.vault.public_folder
    small_office.vault.publish_card(sign_by_roots(card.to_bytes()))
    assert (public / "card").read_bytes() == (public / "cards" / "2").read_bytes()
    assert Note.parse((public / "cards" / "1").read_bytes()).hash == card.hash
