"""`dengwen-submit card`: an office is pinned once, and can only be followed by itself."""

import dataclasses
import datetime

import pytest

from dengwen_audit.note import Note
from dengwen_audit.statements.card import Card
from dengwen_submit.office import fingerprint
from tests.small_office import make_card, make_seed, sign_by_roots
from tests.submit.door_office import DoorOffice
from tests.submit.office_files import next_card
from tests.submit.terminal import Terminal
from tests.town_wire import Answer

URL = make_card().door
PINNED = ["office/card.txt", "office/latest.tlog-proof", "office/roster.txt"]


@pytest.fixture
def visiting(office: DoorOffice, terminal: Terminal) -> Terminal:
    """Give a terminal that reaches the office, and knows nothing of it."""
    terminal.surroundings = office.surroundings
    return terminal


@pytest.fixture
def standing_visiting(standing_office: DoorOffice, terminal: Terminal) -> Terminal:
    """Give the same at an office that other tests use as well."""
    terminal.surroundings = standing_office.surroundings
    standing_office.door.calls.clear()
    return terminal


def _bytes(terminal: Terminal) -> dict[str, bytes]:
    return {name: (terminal.folder / name).read_bytes() for name in terminal.files()}


def _serve_card(office: DoorOffice, card: Card, roots: int = 2) -> None:
    office.vault.publish_card(sign_by_roots(card.to_bytes(), roots))


def test_the_first_time_it_shows_what_to_compare(standing_visiting: Terminal) -> None:
    """A fingerprint to read aloud, who holds the locks, and what to do."""
    shown = standing_visiting.run("card", URL)
    assert shown.code == 0
    assert shown.out == (
        "登闻 Complaints office\n"
        "  card 1, fingerprint\n"
        f"    {fingerprint(make_card().hash)}\n"
        "  your petition opens only with a reviewer and 2 of 3: law-society, press-club, "
        "university\n"
        "  your identity opens only with a reviewer and 3 of 5: law-society, press-club, "
        "university, notaries, charity\n"
        "  roster 1, valid until 2025-01-31\n"
        "Compare the fingerprint with one that reached you another way.\n"
    )
    assert standing_visiting.files() == PINNED


def test_the_second_time_it_says_nothing_new(office: DoorOffice, her: Terminal) -> None:
    """The same card needs no comparing again; roster and proof are fetched anew."""
    before = _bytes(her)
    office.now += 60
    office.tick()
    shown = her.run("card", URL)
    assert shown.code == 0
    assert "Compare" not in shown.out
    after = _bytes(her)
    assert after["office/card.txt"] == before["office/card.txt"]
    assert after["office/latest.tlog-proof"] != before["office/latest.tlog-proof"]


def test_a_later_card_that_follows_is_taken(office: DoorOffice, her: Terminal) -> None:
    """The person is told that it changed, and sees the new fingerprint."""
    second = next_card(make_card(), name="The office moved")
    _serve_card(office, second)
    _serve_card(office, next_card(second, name="The office moved again"))
    shown = her.run("card", URL)
    assert shown.code == 0
    assert shown.out.startswith("The office moved again\n  card 3, fingerprint\n")
    assert shown.out.endswith("This is a later card than the one you held, and follows from it.\n")
    held = Card.parse(Note.parse((her.folder / PINNED[0]).read_bytes()).text)
    assert held.number == 3


@pytest.mark.parametrize(
    ("card", "roots", "said"),
    [
        (dataclasses.replace(make_card(), tick=1), 2, "not the card that you pinned"),
        (next_card(make_card(), tick=1), 1, "a later card does not follow from yours"),
        (
            dataclasses.replace(make_card(), number=2, previous=make_seed("another card")),
            2,
            "a later card does not follow from yours",
        ),
    ],
    ids=["another card", "one signature", "another chain"],
)
def test_a_card_that_does_not_follow_changes_nothing(
    standing_office: DoorOffice, standing_her: Terminal, card: Card, roots: int, said: str
) -> None:
    """Who took over the address is refused, and the pin stays."""
    before = _bytes(standing_her)
    note = sign_by_roots(card.to_bytes(), roots).to_bytes()

    def lie(answer: Answer) -> Answer:
        return dataclasses.replace(answer, body=note) if answer.path == "/card" else answer

    with standing_office.door.lying(lie):
        shown = standing_her.run("card", URL)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith("Not done: ")
    assert said in shown.err
    assert _bytes(standing_her) == before


@pytest.mark.parametrize("path", ["/card", "/roster", "/latest.tlog-proof"])
def test_what_does_not_verify_is_not_written(
    standing_office: DoorOffice, standing_visiting: Terminal, path: str
) -> None:
    """Not even a folder is left behind."""

    def lie(answer: Answer) -> Answer:
        return dataclasses.replace(answer, body=b"hello\n") if answer.path == path else answer

    with standing_office.door.lying(lie):
        shown = standing_visiting.run("card", URL)
    assert (shown.code, shown.out) == (1, "")
    assert "cannot be used" in shown.err
    assert list(standing_visiting.folder.iterdir()) == []


def test_an_office_whose_log_stands_still_is_not_pinned(
    office: DoorOffice, visiting: Terminal
) -> None:
    """A proof of last week could hide who was dismissed since."""
    office.now += datetime.timedelta(days=8).total_seconds()
    shown = visiting.run("card", URL)
    assert shown.code == 1
    assert "what this folder knows of the office is 8 days old" in shown.err
    assert visiting.files() == []


def test_an_office_that_is_away_is_told_without_its_address(
    office: DoorOffice, visiting: Terminal
) -> None:
    """The message can be shown to anybody."""
    office.door.down = True
    shown = visiting.run("card", URL)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err == "Not done: the office could not be reached: try again later.\n"


def test_a_proxy_that_would_leak_is_refused_before_anything_is_asked(
    standing_office: DoorOffice, standing_visiting: Terminal
) -> None:
    """The name of the office is not looked up in the open."""
    shown = standing_visiting.run("card", URL, "--proxy", "socks5://127.0.0.1:9050")
    assert shown.code == 1
    assert "socks5h://127.0.0.1:9050" in shown.err
    assert standing_office.door.calls == []


def test_two_offices_are_kept_in_two_folders(office: DoorOffice, her: Terminal) -> None:
    """The folder is named with --office."""
    assert her.run("card", URL, "--office", "other").code == 0
    assert her.files() == sorted([*PINNED, *(name.replace("office", "other") for name in PINNED)])
