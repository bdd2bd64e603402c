"""A ticket keeps one case's place, and nobody else's."""

from hypothesis import given
from hypothesis import strategies as st

from dengwen_submit.ticket import (
    LIFETIME_SECONDS,
    STEP_SECONDS,
    Ticket,
    case_hash,
    new_ticket,
    read_ticket,
)

KEY, HERS, HIS = b"k" * 32, case_hash(b"her case"), case_hash(b"his case")
NOW = 1_800_000_000.0


@given(st.floats(1e6, 1e10), st.integers(0, 14))
def test_a_ticket_is_read_as_it_was_written(now: float, bits: int) -> None:
    """The door has forgotten it, and knows it again."""
    ticket = new_ticket(now, bits)
    assert read_ticket(ticket.to_text(KEY, HERS), KEY, HERS, now) == ticket


def test_a_ticket_tells_no_more_than_ten_seconds() -> None:
    """Two people of the same moment hold the same time."""
    assert new_ticket(NOW) == new_ticket(NOW + STEP_SECONDS - 1)


def test_a_ticket_serves_one_case() -> None:
    """Whoever copies it gets no place for another petition."""
    text = new_ticket(NOW).to_text(KEY, HERS)
    assert read_ticket(text, KEY, HIS, NOW) is None
    assert read_ticket(text, b"x" * 32, HERS, NOW) is None


def test_a_changed_ticket_is_none() -> None:
    """Neither an earlier place nor less work can be written into it."""
    ticket = new_ticket(NOW, 12)
    step, bits, mac = ticket.to_text(KEY, HERS).split(".")
    for forged in (f"{int(step) - 1}.{bits}.{mac}", f"{step}.0.{mac}", f"{step}.{bits}.{mac[1:]}0"):
        assert read_ticket(forged, KEY, HERS, NOW) is None


def test_a_ticket_ends_after_hours_and_does_not_come_from_tomorrow() -> None:
    """It lasts longer than any appointment, and not for ever."""
    text = new_ticket(NOW).to_text(KEY, HERS)
    assert read_ticket(text, KEY, HERS, NOW + LIFETIME_SECONDS - STEP_SECONDS) is not None
    assert read_ticket(text, KEY, HERS, NOW + LIFETIME_SECONDS) is None
    assert read_ticket(text, KEY, HERS, NOW - STEP_SECONDS) is None


@given(st.text(max_size=60))
def test_nonsense_is_no_ticket(text: str) -> None:
    """It is not refused either: its bearer is a newcomer."""
    assert read_ticket(text, KEY, HERS, NOW) is None


def test_the_earlier_ticket_comes_first() -> None:
    """Whatever work was asked for."""
    assert Ticket(5, 14) < Ticket(6, 0)
