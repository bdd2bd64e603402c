"""An office written down, and what follows from it."""

import datetime

import pytest

from dengwen_audit.statements.card import check_card_rules
from dengwen_audit.statements.roster_rules import check_chain, check_roster_rules
from dengwen_keys.office_file import OfficeFile
from dengwen_keys.toml_table import OfficeFileError
from tests.keys.cli.people import small_office_toml
from tests.small_office import make_card, make_roster

FIRST_DAY = datetime.date(2025, 1, 1)


def test_card_and_roster_follow_from_what_was_written_down() -> None:
    """Every word of the file lands where it belongs."""
    office = OfficeFile.parse(small_office_toml().encode())
    assert office.draft_card(None) == make_card()
    assert office.draft_roster(None, FIRST_DAY) == make_roster()


def test_what_follows_names_what_was_before() -> None:
    """The next card and roster have the next number and the hash of the last."""
    office = OfficeFile.parse(small_office_toml().encode())
    card = office.draft_card(make_card())
    assert (card.number, card.previous) == (2, make_card().hash)
    check_card_rules(card)
    roster = office.draft_roster(make_roster(), datetime.date(2025, 1, 20))
    check_chain(make_roster(), roster)
    check_roster_rules(roster, make_card())
    assert roster.valid_until == datetime.date(2025, 2, 19)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("tick = 60", "tock = 60", "[card]"),
        ("tick = 60", 'tick = "60"', "[card]"),
        ("tick = 60", "tick = true", "[card]"),
        ("tick = 60", "tick = 0", "[card]"),
        ("tick = 60", "tick = 60\ncolour = 1", "[card]"),
        ("panel = 3", "panel = -3", "[roster]"),
        ("[[member]]", "[[membre]]", "file"),
        ("seat = 1", 'seat = "one"', "[[member]] number 6"),
        ('role = "auditor"', 'role = "king"', "[roster]"),
        ("day = 2025-01-05", 'day = "2025-01-05"', "[[revoked]] number 1"),
        ("day = 2025-01-05", "day = 2025-01-05T08:00:00Z", "[[revoked]] number 1"),
        ('above = "CN"', "above = 7", "[[jurisdiction]] number 2"),
        ('key = "root-a+', 'key = "root-x+', "[[root]] number 1"),
        ("[card]", "[card", "no TOML"),
        ("[card]", "[[card]]", "card"),
    ],
)
def test_a_word_that_is_wrong_is_refused_with_its_place(old: str, new: str, place: str) -> None:
    """A typing error cannot leave a setting at something else than was meant."""
    text = small_office_toml()
    assert old in text
    with pytest.raises(OfficeFileError) as refusal:
        OfficeFile.parse(text.replace(old, new, 1).encode())
    assert place in str(refusal.value)


def test_a_missing_table_is_refused() -> None:
    """There is no office without a card and a roster."""
    for name in ("card", "roster"):
        with pytest.raises(OfficeFileError):
            OfficeFile.parse(small_office_toml().replace(f"[{name}]", "[other]").encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    """Neither other encodings nor endless files are read."""
    for data in (b"\xff\xfe", b"#" * ((4 << 20) + 1)):
        with pytest.raises(OfficeFileError):
            OfficeFile.parse(data)
