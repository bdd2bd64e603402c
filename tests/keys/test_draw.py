"""The petitioner's client draws the panel, and nobody can steer it or see who was passed over."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

import pytest

from dengwen_audit.statements.member import REVIEWER, Revocation
from dengwen_audit.statements.roster import Roster
from dengwen_audit.text import TextError
from dengwen_keys.draw import (
    NoPanelError,
    UnknownExclusionError,
    check_exclusions,
    draw_order,
    draw_panel,
)
from tests.keys.office import make_member, make_reviewers, make_roster, seed, small_roster


def draw_key(number: int) -> bytes:
    """Return one of many draw keys."""
    return hashlib.sha256(f"draw {number}".encode()).digest()


def institutions(roster: Roster, panel: tuple[str, ...]) -> set[str]:
    """Return the institutions of a panel's members."""
    return {roster.member(id_).institution for id_ in panel}


def test_the_draw_depends_on_its_key_only() -> None:
    """The same words draw the same panel again, whatever a server answered meanwhile."""
    roster = small_roster()
    assert draw_panel(roster, draw_key(1), ()) == draw_panel(roster, draw_key(1), ())
    shuffled = replace(roster, members=roster.members[::-1])
    assert draw_panel(shuffled, draw_key(1), ()) == draw_panel(roster, draw_key(1), ())
    assert len({draw_panel(roster, draw_key(i), ()) for i in range(50)}) > 20


def test_each_reviewer_is_drawn_about_equally_often() -> None:
    """Of 3,000 draws of 3 out of 10, each reviewer gets 900, give or take five deviations."""
    roster = make_roster(make_reviewers(["CN"] * 10))
    counts = Counter(id_ for i in range(3000) for id_ in draw_panel(roster, draw_key(i), ()))
    assert len(counts) == 10
    assert all(abs(count - 900) < 5 * 25.1 for count in counts.values())
    first = Counter(draw_panel(roster, draw_key(i), ())[0] for i in range(3000))
    assert all(abs(count - 300) < 5 * 16.4 for count in first.values())


def test_leaving_somebody_out_changes_nothing_among_the_others() -> None:
    """The panel is the beginning of one order, so an exclusion only lets the next one move up."""
    roster = small_roster()
    for i in range(20):
        order = [member.id for member in draw_order(roster, draw_key(i))]
        passed_over = order[1]
        panel = draw_panel(roster, draw_key(i), [f"member:{passed_over}"])
        assert panel == tuple(id_ for id_ in order if id_ != passed_over)[:3]


def test_an_excluded_jurisdiction_covers_everything_below_it() -> None:
    """Guangdong means its capital too; the capital does not mean Guangdong."""
    roster = make_roster(make_reviewers(["CN-44", "CN-4401", "CN-4403", "CN-11", "CN-11", "CN"]))
    for i in range(30):
        panel = draw_panel(roster, draw_key(i), ["jurisdiction:CN-44"])
        assert set(panel) == {"reviewer-4", "reviewer-5", "reviewer-6"}
        capital = draw_panel(roster, draw_key(i), ["jurisdiction:CN-4401"])
        assert "reviewer-2" not in capital
    drawn = {
        id_ for i in range(30) for id_ in draw_panel(roster, draw_key(i), ["jurisdiction:CN-4401"])
    }
    assert drawn == {f"reviewer-{i}" for i in (1, 3, 4, 5, 6)}


def test_an_excluded_institution_is_excluded_wherever_its_members_sit() -> None:
    """And an institution's own jurisdiction counts for its members as well."""
    reviewers = make_reviewers(["CN"] * 4)
    seconded = make_member(REVIEWER, 0, "seconded", "review-house-1", "CN-11")
    roster = make_roster([*reviewers, seconded])
    for i in range(20):
        panel = draw_panel(roster, draw_key(i), ["institution:review-house-1"])
        assert not {"seconded", "reviewer-1"} & set(panel)


def test_no_two_of_a_panel_are_of_one_institution() -> None:
    """A house with ten reviewers gets one seat at most."""
    many = [make_member(REVIEWER, 0, f"many-{i}", "big-house") for i in range(10)]
    roster = make_roster([*many, *make_reviewers(["CN", "CN"])])
    for i in range(30):
        panel = draw_panel(roster, draw_key(i), ())
        assert len(institutions(roster, panel)) == 3
        assert {"reviewer-1", "reviewer-2"} < set(panel)


def test_a_revoked_reviewer_is_not_drawn() -> None:
    """Nor does she hold up the draw."""
    roster = small_roster()
    revoked = replace(roster, revoked=(Revocation("reviewer-1", roster.valid_from),))
    for i in range(30):
        assert "reviewer-1" not in draw_panel(revoked, draw_key(i), ())


def test_the_exclusion_to_blame_is_named_beside_the_message() -> None:
    """She learns which one to take back; a log of the message does not."""
    roster = small_roster()
    with pytest.raises(NoPanelError) as caught:
        draw_panel(roster, draw_key(1), ["jurisdiction:CN", "member:reviewer-1"])
    assert caught.value.exclusions == ("jurisdiction:CN",)
    assert "CN" not in str(caught.value)


def test_if_no_single_exclusion_is_to_blame_all_that_bite_are_named() -> None:
    """Two cities and a member: none alone is too much; one that leaves nobody out is not named."""
    reviewers = make_reviewers(["CN-44", "CN-44", "CN-11", "CN-11", "CN"])
    exclusions = ["jurisdiction:CN-44", "jurisdiction:CN-11", "member:gate-1"]
    with pytest.raises(NoPanelError) as caught:
        draw_panel(make_roster(reviewers), draw_key(1), exclusions)
    assert caught.value.exclusions == ("jurisdiction:CN-11", "jurisdiction:CN-44")
    jointly = [*exclusions, "member:reviewer-5"]
    with pytest.raises(NoPanelError) as caught:
        draw_panel(make_roster(reviewers), draw_key(1), jointly)
    assert set(caught.value.exclusions) == set(jointly) - {"member:gate-1"}


def test_a_roster_that_is_too_small_blames_nobody() -> None:
    """With two institutions there is no panel of three, whatever she excludes."""
    with pytest.raises(NoPanelError) as caught:
        draw_panel(make_roster(make_reviewers(["CN", "CN"])), draw_key(1), ["member:reviewer-1"])
    assert caught.value.exclusions == ()


def test_an_exclusion_of_nobody_is_refused() -> None:
    """Misspelt, it would let in whom she fears."""
    unknown = ["jurisdiction:CN-45", "institution:nowhere", "member:nobody"]
    for code in unknown:
        with pytest.raises(UnknownExclusionError) as caught:
            draw_panel(small_roster(), draw_key(1), ["jurisdiction:CN-11", code])
        assert caught.value.exclusions == (code,)
        assert code not in str(caught.value)
    with pytest.raises(TextError):
        check_exclusions(small_roster(), ["CN-44"])


def test_a_draw_key_has_32_bytes() -> None:
    """Anything else is a mistake in the code."""
    with pytest.raises(AssertionError, match="internal error"):
        draw_panel(small_roster(), seed("key")[:16], ())
