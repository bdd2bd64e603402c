"""The price is work, bound to one case and one roster, and it is the same for all."""

import pytest

from dengwen_submit.puzzle import MAX_BITS, MIN_BITS, PARTS, is_solution, solve
from dengwen_submit.ticket import case_hash

HERS, ROSTER = case_hash(b"her case"), b"r" * 32


def test_a_solution_holds_for_its_case_and_roster_alone() -> None:
    """So that it can be used once, although nobody remembers it."""
    text = solve(HERS, ROSTER, MIN_BITS, lambda _: None)
    assert is_solution(text, HERS, ROSTER, MIN_BITS)
    assert not is_solution(text, case_hash(b"his case"), ROSTER, MIN_BITS)
    assert not is_solution(text, HERS, b"s" * 32, MIN_BITS)
    assert not is_solution(text, HERS, ROSTER, MAX_BITS)


def test_a_harder_solution_is_good_for_less() -> None:
    """Whoever worked more than asked is let in."""
    text = solve(HERS, ROSTER, MIN_BITS + 1, lambda _: None)
    assert is_solution(text, HERS, ROSTER, MIN_BITS)


@pytest.mark.parametrize("text", ["", "1", "1." * 16, "00" + ".1" * 15, "-1" + ".1" * 15])
def test_another_spelling_is_no_solution(text: str) -> None:
    """It costs the door nothing to see that."""
    assert not is_solution(text, HERS, ROSTER, 0)


def test_progress_is_told_part_by_part() -> None:
    """A person who waits sees that it goes on."""
    told: list[int] = []
    solve(HERS, ROSTER, 1, told.append)
    assert told == [1] * PARTS


def test_the_hardest_puzzle_takes_an_old_telephone_seconds() -> None:
    """On average 2**18 hashes; sixteen parts make twice as many unlikely."""
    assert PARTS << MAX_BITS == 1 << 18
