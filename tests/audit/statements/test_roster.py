"""The roster: who is who, and by which codes a petitioner can leave somebody out."""

import dataclasses

import pytest

from dengwen_audit.statements.member import GATEKEEPER, MIRROR, REVIEWER, TRUSTEE, Jurisdiction
from dengwen_audit.statements.roster import (
    Quorum,
    Roster,
    UnknownJurisdictionError,
    UnknownMemberError,
)
from dengwen_audit.text import TextError
from tests.small_office import make_key, make_recipient, make_roster, replace_member


def test_a_roster_reads_back_as_it_was_written() -> None:
    """Parsing what was spelt gives the same roster."""
    roster = make_roster()
    assert Roster.parse(roster.to_bytes()) == roster


def test_a_jurisdictions_chain_leads_from_itself_to_the_top() -> None:
    """A city lies in its province and its country, and in nothing beside them."""
    roster = make_roster()
    assert roster.jurisdiction_chain("CN-4401") == ("CN-4401", "CN-44", "CN")
    assert roster.jurisdiction_chain("CN") == ("CN",)
    assert roster.jurisdiction_chain("OUTSIDE") == ("OUTSIDE",)


def test_an_unknown_jurisdiction_has_no_chain() -> None:
    """A code that the roster does not list is refused, not taken for one without a parent."""
    with pytest.raises(UnknownJurisdictionError):
        make_roster().jurisdiction_chain("CN-99")


def test_a_jurisdiction_is_not_above_those_whose_code_begins_like_its_own() -> None:
    """The tree is what the lines say; the spelling of a code says nothing."""
    roster = dataclasses.replace(
        make_roster(),
        jurisdictions=(Jurisdiction("CN-4", None, "Four"), *make_roster().jurisdictions),
    )
    assert "CN-4" not in roster.jurisdiction_chain("CN-4401")


def test_a_member_is_meant_by_its_own_jurisdiction_and_that_of_its_institution() -> None:
    """
    Who sits in Guangzhou for an office of the province is covered by either, and all above.

    Leaving the institution's out would leave a key with a panel member whose employer is the one
    complained about.
    """
    roster = replace_member(make_roster(), "reviewer-4", jurisdiction="CN-11")
    assert roster.codes_of(roster.member("reviewer-4")) == {
        "member:reviewer-4",
        "institution:port-office",
        "jurisdiction:CN-11",
        "jurisdiction:CN",
        "jurisdiction:CN-4403",
        "jurisdiction:CN-44",
    }


def test_excluding_a_province_covers_its_cities_and_nothing_else() -> None:
    """An exclusion of Guangdong means every member of it or below it, by person or by house."""
    roster = make_roster()
    meant = {m.id for m in roster.members if "jurisdiction:CN-44" in roster.codes_of(m)}
    assert meant == {"reviewer-3", "reviewer-4", "trustee-4", "water-board"}


def test_excluding_a_city_does_not_cover_its_province() -> None:
    """An exclusion reaches down, never up."""
    roster = make_roster()
    assert "jurisdiction:CN-4401" not in roster.codes_of(roster.member("trustee-4"))


def test_a_member_is_found_by_id_revoked_or_not() -> None:
    """What a revoked member once signed can still be attributed."""
    assert make_roster().member("reviewer-2").institution == "north-office"
    with pytest.raises(UnknownMemberError):
        make_roster().member("reviewer-9")


def test_a_revoked_member_is_not_active_and_has_no_key() -> None:
    """A revocation counts from the roster that carries it, whatever its day."""
    roster = make_roster()
    assert not roster.is_active("reviewer-2")
    assert roster.key_of("reviewer-2") is None
    assert roster.key_of("nobody") is None
    assert roster.key_of("reviewer-1") == make_key("reviewer-1").verification_key
    assert "reviewer-2" not in {member.id for member in roster.active(REVIEWER)}


def test_a_revoked_holder_keeps_its_seat() -> None:
    """Seats are positions of shares: the share of seat 1 does not become that of seat 2."""
    roster = make_roster()
    revocation = dataclasses.replace(roster.revoked[0], member="gatekeeper-1")
    revoked = dataclasses.replace(roster, revoked=(revocation,))
    assert [member.seat for member in revoked.seats(GATEKEEPER)] == [1, 2, 3]
    assert len(revoked.active(GATEKEEPER)) == 2


def test_seats_come_by_number_whatever_the_order_of_the_lines() -> None:
    """Share files are numbered by seat, so seats are asked for by number."""
    roster = make_roster()
    shuffled = dataclasses.replace(roster, members=roster.members[::-1])
    assert shuffled.seats(TRUSTEE) == roster.seats(TRUSTEE)
    assert roster.quorum(TRUSTEE) == (3, 5)


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(make_roster(), gatekeepers=Quorum(3, 3)),
        dataclasses.replace(make_roster(), trustees=Quorum(4, 5)),
        replace_member(make_roster(), "gatekeeper-2", recipient=make_recipient("somebody else")),
        replace_member(make_roster(), "trustee-5", address="https://elsewhere.example"),
    ],
)
def test_any_change_of_a_seat_or_a_quorum_is_a_change_of_holders(other: Roster) -> None:
    """Such a roster takes effect later, so that whoever disagrees has time to say so."""
    assert make_roster().holders_differ(other)
    assert other.holders_differ(make_roster())


def test_a_new_reviewer_or_a_revocation_is_no_change_of_holders() -> None:
    """A revocation takes effect at once, also that of a holder."""
    roster = make_roster()
    revocation = dataclasses.replace(roster.revoked[0], member="gatekeeper-1")
    other = replace_member(roster, "reviewer-1", jurisdiction="CN")
    assert not roster.holders_differ(dataclasses.replace(other, revoked=(revocation,)))


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("version 1", "version 0"),
        ("version 1", "version 2"),
        ("gatekeepers 2 3", "gatekeepers 2"),
        ("valid-from 2025-01-01", "valid-from 2025-1-1"),
        ("jurisdiction CN - 中国", "jurisdiction cn - 中国"),
        ("jurisdiction CN - 中国", "jurisdiction CN -"),
        ("revoked reviewer-2 2025-01-05", "revoked reviewer-2 2025-02-30"),
        ("member mirror 0 mirror-1", "member mirror 1 mirror-1"),
        ("member gatekeeper 1 ", "member gatekeeper 0 "),
        ("member auditor 0 ", "member clerk 0 "),
        ("member auditor 0 ", "member reviewer 0 "),
        ("member body 0 ", "member auditor 0 "),
        (" reviewer-1 north-office", " reviewer-9 north-office"),
    ],
)
def test_a_malformed_line_is_refused(line: str, other: str) -> None:
    """Every line has one spelling, and the fields of a member are those of its role."""
    text = make_roster().to_bytes().decode()
    assert line in text
    with pytest.raises(TextError):
        Roster.parse(text.replace(line, other, 1).encode())


def test_only_reviewers_have_an_escrow_package() -> None:
    """A holder's key is never in escrow: a quorum would grow out of fewer holders."""
    roster = replace_member(make_roster(), "gatekeeper-1", escrow=bytes(32))
    with pytest.raises(TextError):
        Roster.parse(roster.to_bytes())


def test_a_mirror_is_known_by_its_role() -> None:
    """Mirrors answer challenges like holders, and nothing is sealed to them."""
    (mirror,) = make_roster().active(MIRROR)
    assert mirror.recipient is None
    assert mirror.address == "https://mirror-1.example"
