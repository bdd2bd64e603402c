"""What a device knows of an office is believed only if all of it holds, and today."""

import dataclasses
import datetime
from pathlib import Path

import pytest

from dengwen_audit.note import Note
from dengwen_audit.statements.roster import Quorum
from dengwen_submit.errors import OfficeError, StaleOfficeError
from dengwen_submit.office import (
    A_DAY,
    CARD,
    LATEST,
    MAX_PROOF_AGE,
    ROSTER,
    OfficeFiles,
    check_fresh,
    check_office,
    check_past_office,
    fingerprint,
    is_fresh,
    read_card,
)
from tests.small_office import OPERATOR, make_card, make_roster, make_seed
from tests.submit.office_files import FilesRecipe, next_roster
from tests.vault.office import NOON

_CARD, _ROSTER = make_card(), make_roster()
_LATER = next_roster(_ROSTER, openings_per_day=10)
_DATES = (datetime.date(2025, 1, 1), datetime.date(2025, 1, 9))

# What is wrong, and what the person reads of it.
REFUSED: dict[str, tuple[FilesRecipe, str]] = {
    "one root keeper signed the card": (FilesRecipe(roots=(1, 2)), "the card cannot be used"),
    "the operator holds a root key": (
        FilesRecipe(card=dataclasses.replace(_CARD, operator="law-society")),
        "the card cannot be used",
    ),
    "one root keeper signed the roster": (FilesRecipe(roots=(2, 1)), "the roster cannot be used"),
    "one gatekeeper alone could release": (
        FilesRecipe(roster=dataclasses.replace(_ROSTER, gatekeepers=Quorum(1, 3))),
        "the roster cannot be used",
    ),
    "the roster is for another office": (
        FilesRecipe(roster=dataclasses.replace(_ROSTER, office="other.example/log")),
        "the roster cannot be used",
    ),
    "two witnesses cosigned": (
        FilesRecipe(witnesses=("gatekeeper-1", "mirror-1")),
        "the latest proof cannot be used",
    ),
    "the log has a later record": (
        FilesRecipe(later_records=1),
        "the latest proof cannot be used",
    ),
    "the log names a newer roster": (
        FilesRecipe(named=_LATER.hash),
        "the log names another roster than this one: fetch the office anew",
    ),
    "the witnesses' clocks are ahead": (
        FilesRecipe(cosigned=NOON + 400),
        "the newest proof is of a later time than now: set the clock of this device",
    ),
}
STALE = {
    "the proof is older than seven days": FilesRecipe(cosigned=NOON - MAX_PROOF_AGE - 10),
    "the roster has ended": FilesRecipe(
        roster=dataclasses.replace(_ROSTER, valid_from=_DATES[0], valid_until=_DATES[1])
    ),
    "the roster has not begun": FilesRecipe(
        roster=dataclasses.replace(_ROSTER, valid_from=datetime.date(2025, 1, 11))
    ),
}


def test_a_good_office_is_known_by_its_card() -> None:
    """Card, roster and proof fit each other; the witnesses' median time says how fresh that is."""
    files = FilesRecipe(cosigned=NOON - 100).make()
    office = check_office(files, NOON)
    assert office.card == _CARD
    assert office.roster == _ROSTER
    assert (office.card_hash, office.roster_hash) == (
        Note.parse(files.card).hash,
        Note.parse(files.roster).hash,
    )
    assert office.proven == NOON - 100
    assert is_fresh(office, NOON)


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_hold_is_refused(case: str) -> None:
    """Each rule alone refuses the office, whether it is to be sealed to or looked at."""
    recipe, message = REFUSED[case]
    for check in (check_office, check_past_office):
        with pytest.raises(OfficeError, match=f"^{message}") as refusal:
            check(recipe.make(), NOON)
        assert not isinstance(refusal.value, StaleOfficeError)


@pytest.mark.parametrize("case", STALE)
def test_what_is_not_of_today_is_no_office_to_seal_to(case: str) -> None:
    """An old office can be looked at; the refusal says what to do before sealing to it."""
    files = STALE[case].make()
    with pytest.raises(StaleOfficeError, match="fetch the office anew with `dengwen-submit card`"):
        check_office(files, NOON)
    assert not is_fresh(check_past_office(files, NOON), NOON)


def test_a_proof_is_good_for_exactly_seven_days() -> None:
    """At the last second it is fresh, a second later it is not, and the message counts days."""
    office = check_past_office(FilesRecipe(cosigned=NOON - 10 * A_DAY).make(), NOON)
    check_fresh(office, office.proven + MAX_PROOF_AGE)
    with pytest.raises(StaleOfficeError, match="of the office is 7 days old"):
        check_fresh(office, office.proven + MAX_PROOF_AGE + 1)
    check_fresh(office, NOON, max_age=10 * A_DAY)


def test_no_byte_of_the_roster_can_be_another() -> None:
    """Whoever serves the roster can neither change nor blur it."""
    files = FilesRecipe().make()
    for place in range(0, len(Note.parse(files.roster).text), 1999):
        twin = bytearray(files.roster)
        twin[place] ^= 1
        with pytest.raises(OfficeError):
            check_office(dataclasses.replace(files, roster=bytes(twin)), NOON)


def test_a_refusal_names_no_file_and_no_address() -> None:
    """Messages may be passed on."""
    for recipe, _ in REFUSED.values():
        with pytest.raises(OfficeError) as refusal:
            check_office(recipe.make(), NOON)
        assert "example" not in str(refusal.value)
        assert OPERATOR not in str(refusal.value)


def test_files_are_read_as_they_were_written(tmp_path: Path) -> None:
    """The folder is made if need be, and holds nothing but the three."""
    files, folder = FilesRecipe().make(), tmp_path / "new" / "office"
    files.write(folder)
    assert OfficeFiles.read(folder) == files == OfficeFiles.held(folder)
    assert sorted(path.name for path in folder.iterdir()) == [CARD, LATEST, ROSTER]
    assert read_card(folder) == _CARD


@pytest.mark.parametrize("name", [CARD, ROSTER, LATEST])
def test_a_folder_without_one_of_the_files_is_no_office(tmp_path: Path, name: str) -> None:
    """The person is told how to fetch one."""
    FilesRecipe().make().write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(OfficeError, match="fetch one with `dengwen-submit card`"):
        OfficeFiles.read(tmp_path)


def test_a_card_that_is_pinned_counts_even_if_the_rest_is_lost(tmp_path: Path) -> None:
    """Losing the roster must not let another office be pinned in the same place."""
    FilesRecipe().make().write(tmp_path)
    (tmp_path / ROSTER).unlink()
    held = OfficeFiles.held(tmp_path)
    assert held is not None
    assert held.roster == b""
    (tmp_path / CARD).unlink()
    assert OfficeFiles.held(tmp_path) is None


def test_a_pinned_card_is_checked_each_time_it_is_read(tmp_path: Path) -> None:
    """A file that was damaged since is refused."""
    FilesRecipe(roots=(1, 2)).make().write(tmp_path)
    with pytest.raises(OfficeError, match="the card cannot be used"):
        read_card(tmp_path)


def test_writing_that_fails_leaves_the_old_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves the office as it was, and no piece of a file."""
    FilesRecipe().make().write(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", _no_space)
        with pytest.raises(OSError, match="no space"):
            FilesRecipe(card=dataclasses.replace(_CARD, name="Another")).make().write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def _no_space(_: int) -> None:
    raise OSError(28, "no space")


def test_a_fingerprint_can_be_read_aloud() -> None:
    """It comes in groups of four, and is the whole hash."""
    text = fingerprint(make_seed("a card"))
    groups = text.split(" ")
    assert [len(group) for group in groups] == [4] * 16
    assert bytes.fromhex("".join(groups)) == make_seed("a card")
