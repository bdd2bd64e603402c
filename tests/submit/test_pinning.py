"""What a door serves must be the pinned office, or follow from it, and never go back."""

import dataclasses
import datetime

import pytest

from dengwen_audit.statements.card import Card, Root
from dengwen_submit.errors import DoorError, OfficeError
from dengwen_submit.office import OfficeFiles, check_pinned
from dengwen_submit.pinning import check_follows, fetch_office
from tests.small_office import ROOTS, make_card, make_key, make_roster, sign_by_roots
from tests.submit.door_office import DoorOffice
from tests.submit.office_files import FilesRecipe, next_card, next_roster
from tests.town_wire import Answer
from tests.vault.office import NOON

_FIRST = make_card()
_SECOND = next_card(_FIRST, tick=30)
_THIRD = next_card(_SECOND, name="Another name")


def _signed(card: Card, roots: int = 2) -> bytes:
    return sign_by_roots(card.to_bytes(), roots).to_bytes()


def _publish(office: DoorOffice, *cards: bytes) -> None:
    """Let the door serve later cards, by number."""
    for number, card in enumerate(cards, start=2):
        (office.vault.public_folder / "cards" / str(number)).write_bytes(card)


def test_an_office_is_fetched_and_checked(office: DoorOffice) -> None:
    """Three public files are asked for, and nothing else."""
    files, fetched = fetch_office(office.door_client(), None, office.now)
    assert fetched.roster == make_roster()
    assert office.door.calls == [
        ("GET", "/card"),
        ("GET", "/roster"),
        ("GET", "/latest.tlog-proof"),
    ]
    again, _ = fetch_office(office.door_client(), files, office.now)
    assert again.card == files.card


def test_later_cards_are_followed_one_by_one(office: DoorOffice) -> None:
    """The cards between are fetched by number; each is signed by the thresholds of both."""
    _publish(office, _signed(_SECOND))
    door = office.door_client()
    assert check_follows(_signed(_FIRST), _signed(_THIRD), door) == _THIRD
    assert office.door.calls[-1] == ("GET", "/cards/2")
    assert check_follows(_signed(_SECOND), _signed(_THIRD), door) == _THIRD
    assert check_follows(_signed(_FIRST), _signed(_FIRST), door) == _FIRST


NOT_FOLLOWING = {
    "another card of the same number": (_FIRST, _signed(dataclasses.replace(_FIRST, tick=1))),
    "an earlier card": (_SECOND, _signed(_FIRST)),
    "a card that one root keeper signed": (_FIRST, _signed(_SECOND, roots=1)),
    "a card with another card before it": (
        _FIRST,
        _signed(dataclasses.replace(_SECOND, previous=make_roster().hash)),
    ),
    "not a card": (_FIRST, b"dengwen/card/v2\n"),
    "nothing": (_FIRST, b""),
}


@pytest.mark.parametrize("case", NOT_FOLLOWING)
def test_a_card_that_does_not_follow_is_refused(standing_office: DoorOffice, case: str) -> None:
    """Whoever took over the address cannot become the office."""
    held, fetched = NOT_FOLLOWING[case]
    with pytest.raises(OfficeError):
        check_follows(_signed(held), fetched, standing_office.door_client())


def test_new_root_keepers_alone_cannot_make_the_next_card(standing_office: DoorOffice) -> None:
    """Those who are replaced must have signed as well."""
    strangers = [make_key(f"stranger-{number}") for number in range(3)]
    roots = tuple(
        Root(key.verification_key, house) for key, (_, house) in zip(strangers, ROOTS, strict=True)
    )
    card = next_card(_FIRST, roots=roots)
    by_the_new = sign_by_roots(card.to_bytes(), 0).signed_by(
        *(key.sign(card.to_bytes()) for key in strangers)
    )
    with pytest.raises(OfficeError, match="does not follow"):
        check_follows(_signed(_FIRST), by_the_new.to_bytes(), standing_office.door_client())
    by_both = by_the_new.signed_by(*(make_key(name).sign(card.to_bytes()) for name, _ in ROOTS))
    assert check_follows(_signed(_FIRST), by_both.to_bytes(), standing_office.door_client()) == card


def test_a_card_with_a_false_number_costs_one_request(office: DoorOffice) -> None:
    """A number is believed only as far as signed cards lead to it."""
    liar = _signed(dataclasses.replace(_SECOND, number=10**9))
    with pytest.raises(DoorError):
        check_follows(_signed(_FIRST), liar, office.door_client())
    assert office.door.calls == [("GET", "/cards/2")]


def test_a_card_between_that_is_false_ends_the_walk(office: DoorOffice) -> None:
    """A chain is as good as each of its cards."""
    _publish(office, _signed(_SECOND, roots=1))
    with pytest.raises(OfficeError, match="does not follow"):
        check_follows(_signed(_FIRST), _signed(_THIRD), office.door_client())


def test_an_older_roster_than_was_seen_before_is_refused(office: DoorOffice) -> None:
    """A roster from before a revocation, cosigned a day ago, brings nobody back."""
    later = FilesRecipe(roster=next_roster(make_roster(), openings_per_day=1)).make()
    with pytest.raises(OfficeError, match="an older roster than it did before"):
        fetch_office(office.door_client(), later, office.now)
    lost = dataclasses.replace(later, roster=b"")
    fetch_office(office.door_client(), lost, office.now)


@pytest.mark.parametrize("path", ["/card", "/roster", "/latest.tlog-proof"])
def test_a_door_that_serves_something_else_is_no_office(
    standing_office: DoorOffice, path: str
) -> None:
    """Any of the three files can be a lie, and is then refused."""

    def lie(answer: Answer) -> Answer:
        return dataclasses.replace(answer, body=b"hello\n") if answer.path == path else answer

    with standing_office.door.lying(lie), pytest.raises(OfficeError, match="cannot be used"):
        fetch_office(standing_office.door_client(), None, standing_office.now)


def test_an_old_office_can_be_looked_at(office: DoorOffice) -> None:
    """Whether it is fresh is for the caller to ask; here the log has stood still for a year."""
    office.now += datetime.timedelta(days=365).total_seconds()
    _, fetched = fetch_office(office.door_client(), None, office.now)
    assert fetched.proven == NOON


def test_a_pinned_card_that_was_damaged_is_not_followed(standing_office: DoorOffice) -> None:
    """The pin itself is checked again each time."""
    held = OfficeFiles(_signed(_FIRST, roots=1), b"", b"")
    with pytest.raises(OfficeError, match="the card cannot be used"):
        fetch_office(standing_office.door_client(), held, standing_office.now)
    assert check_pinned(_signed(_FIRST)) == _FIRST
