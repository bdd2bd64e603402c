"""A queue that is calm: room for all while there is room, and then a time for each."""

import math
import random

import pytest

from dengwen_submit.puzzle import MAX_BITS
from dengwen_submit.throttle import (
    FIRST_RATE,
    HEARD,
    MAX_WAIT,
    PATIENCE,
    PUZZLE_FROM,
    Throttle,
)
from dengwen_submit.ticket import Ticket

NOW = 1000.0
EARLY, LATE = Ticket(1), Ticket(2)


@pytest.fixture
def throttle() -> Throttle[str]:
    """Give a queue with four places."""
    return Throttle(4, random.Random(1))


def _fill(throttle: Throttle[str]) -> None:
    while throttle.admit(None, NOW):
        assert throttle.enter("newcomer", None)


def test_all_come_in_while_there_is_room_and_none_after(throttle: Throttle[str]) -> None:
    """Until there is room again."""
    _fill(throttle)
    assert len(throttle) == 4
    assert throttle.take(1) == ["newcomer"]
    assert throttle.admit(None, NOW)


def test_whoever_is_slow_to_send_takes_no_place(throttle: Throttle[str]) -> None:
    """However many were admitted; if they all send at once, the line is bounded all the same."""
    assert all(throttle.admit(None, NOW) for _ in range(100))
    assert sum(throttle.enter("slow", None) for _ in range(100)) == 8


def test_whoever_waited_longest_is_served_first(throttle: Throttle[str]) -> None:
    """Tickets before newcomers, and among tickets the oldest."""
    for name, ticket in (("new", None), ("late", LATE), ("early", EARLY), ("newer", None)):
        assert throttle.admit(ticket, NOW)
        throttle.enter(name, ticket)
    assert throttle.take(9) == ["early", "late", "new", "newer"]


def test_a_place_is_kept_for_whoever_was_called(throttle: Throttle[str]) -> None:
    """A newcomer is not let in on it, the called one is."""
    _fill(throttle)
    pauses = [throttle.appoint(NOW) for _ in range(2)]
    throttle.take(4)
    later = NOW + max(pauses)
    for _ in range(2):
        assert throttle.admit(None, later)
        assert throttle.enter("newcomer", None)
    assert not throttle.admit(None, later)
    for _ in range(2):
        assert throttle.admit(EARLY, later)
        assert throttle.enter("called", EARLY)
    assert throttle.take(1) == ["called"]


def test_a_place_is_kept_for_whoever_asked(throttle: Throttle[str]) -> None:
    """Between asking and sending no newcomer takes it."""
    assert throttle.call(None, NOW)
    for _ in range(3):
        assert throttle.admit(None, NOW)
        throttle.enter("newcomer", None)
    assert not throttle.admit(None, NOW)
    assert not throttle.call(None, NOW)
    assert throttle.call(EARLY, NOW)  # who asks again has one place, not two
    assert throttle.admit(EARLY, NOW)
    throttle.take(1)
    assert throttle.admit(None, NOW)


def test_asking_alone_does_not_shut_the_door(throttle: Throttle[str]) -> None:
    """However many ask and never send, half of the queue is for whoever sends."""
    for second in range(30):
        for _ in range(1000):
            throttle.call(None, NOW + second)
        throttle.tick(NOW + second)
        assert throttle.admit(None, NOW + second)
        assert throttle.bits(NOW + second) == 0


def test_a_place_is_not_kept_for_ever(throttle: Throttle[str]) -> None:
    """Whoever does not come is not waited for."""
    _fill(throttle)
    pauses = [throttle.appoint(NOW) for _ in range(4)]
    throttle.take(4)
    later = NOW + max(pauses)
    for _ in range(2):
        throttle.enter("newcomer", None)
    assert not throttle.admit(None, later)
    throttle.tick(later + PATIENCE + 1)
    assert throttle.admit(None, later + PATIENCE + 1)


def test_those_who_never_come_back_do_not_keep_the_door_idle(throttle: Throttle[str]) -> None:
    """However many places they were given, half of the queue is for whoever is here."""
    _fill(throttle)
    pauses = [throttle.appoint(NOW) for _ in range(10_000)]
    for second in range(1, max(pauses)):
        throttle.take(4)
        throttle.tick(NOW + second)
        assert throttle.admit(None, NOW + second)
        assert throttle.enter("newcomer", None)


def test_the_crowd_comes_back_spread_out(throttle: Throttle[str]) -> None:
    """No second has more appointments than can be served in it."""
    throttle.tick(NOW)
    throttle.served(100)
    throttle.tick(NOW + 1)
    pauses = [throttle.appoint(NOW + 1) for _ in range(1800)]
    fullest = max(pauses.count(pause) for pause in set(pauses))
    assert fullest <= 200
    assert pauses == sorted(pauses)
    assert min(pauses) >= 1


def test_who_comes_again_is_put_before_newcomers_and_spread_out(throttle: Throttle[str]) -> None:
    """However many found no room, no second calls more of them than can be served in it."""
    pauses = [throttle.appoint(NOW) for _ in range(1800)]
    again = [throttle.appoint(NOW, again=True) for _ in range(900)]
    assert max(again) < max(pauses)
    assert max(again.count(pause) for pause in set(again)) <= 200
    assert min(again) == 1
    assert throttle.appoint(NOW) >= max(pauses)
    for _ in range(2701):
        assert throttle.admit(EARLY, NOW)
    assert throttle.reach(NOW) == 0


def test_no_appointment_is_farther_than_a_minute_and_a_half(throttle: Throttle[str]) -> None:
    """However many there are."""
    assert max(throttle.appoint(NOW) for _ in range(50_000)) <= MAX_WAIT


def test_the_puzzle_is_off_when_calm_and_grows_with_the_crowd(throttle: Throttle[str]) -> None:
    """Up to its bound, and for all alike."""
    assert throttle.bits(NOW) == 0
    seen = []
    while throttle.reach(NOW) < MAX_WAIT:
        throttle.appoint(NOW)
        seen.append(throttle.bits(NOW))
    assert seen == sorted(seen)
    assert seen[-1] == MAX_BITS
    assert throttle.bits(NOW + MAX_WAIT - PUZZLE_FROM + 1) == 0


def test_appointments_follow_how_fast_it_really_goes(throttle: Throttle[str]) -> None:
    """A slow disk gives fewer places a second, not more refusals."""
    _fill(throttle)
    for second in range(30):
        throttle.served(10)
        throttle.tick(NOW + second)
    pauses = [throttle.appoint(NOW + 30) for _ in range(90)]
    assert max(pauses) == pytest.approx(10, abs=2)


def test_all_are_heard_while_little_waits_inside(throttle: Throttle[str]) -> None:
    """Beyond a quarter of the queue only so many for each petition that is served."""
    assert throttle.pace() == math.inf
    throttle.enter("somebody", None)
    assert throttle.pace() == HEARD * FIRST_RATE
    throttle.tick(NOW)
    throttle.served(1000)
    throttle.tick(NOW + 1)
    assert throttle.pace() == HEARD * 1000
    for _ in range(3):
        throttle.enter("somebody", None)
    for second in range(2, 60):
        throttle.tick(NOW + second)
    assert throttle.pace() == HEARD * FIRST_RATE  # a disk that stands still shuts nobody out
    throttle.take(4)
    assert throttle.pace() == math.inf
    assert Throttle(1).pace() == math.inf


def test_kept_places_are_counted_rightly(throttle: Throttle[str]) -> None:
    """Whatever happens in whatever order, as if they were counted anew each time."""
    chance, now = random.Random(2), NOW
    for _ in range(5000):
        now += chance.choice((0.0, 0.0, 0.1, 1.0, -0.5))
        ticket = chance.choice((None, EARLY))
        act = chance.choice(("call", "admit", "appoint", "again", "tick"))
        if act in {"call", "admit"}:
            (throttle.call if act == "call" else throttle.admit)(ticket, now)
        elif act == "tick":
            throttle.tick(now)
        else:
            throttle.appoint(now, again=act == "again")
        books = (throttle._book, throttle._again)
        due = sum(count for book in books for page, count in book.items() if page <= now)
        assert throttle._called(now) == due
