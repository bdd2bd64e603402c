"""`dengwen-submit withdraw`: asked once, done once, and then seen in the log."""

import pytest

from dengwen_audit.statements.manifest import Manifest
from tests.submit.door_office import DoorOffice
from tests.submit.terminal import Terminal
from tests.vault.office import words_of

TYPED = f"{words_of('first').to_text()}\n"


def test_a_petition_is_withdrawn(office: DoorOffice, case: Manifest, her: Terminal) -> None:
    """The statement reaches the log; what is printed promises no more than that."""
    shown = her.run("withdraw", "--at-once", typed=f"{TYPED}y\n")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.endswith(
        "The office has it. From when it is in the log, nothing more is opened.\n"
        "Look with `status`; if it is not there after two hours, withdraw once more.\n"
    )
    office.tick()
    office.look(case)
    looked = her.run("status", typed=TYPED)
    assert looked.code == 0
    assert "  2. 2025-01-10  You withdrew the petition.  [proof checked]\n" in looked.out


def test_twice_is_one_withdrawal(office: DoorOffice, case: Manifest, her: Terminal) -> None:
    """In doubt she does it again."""
    assert her.run("withdraw", typed=f"{TYPED}y\n").code == 0
    rows = office.rows()
    assert her.run("withdraw", typed=f"{TYPED}y\n").code == 0
    assert office.rows() == rows


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_only_a_yes_withdraws(
    office: DoorOffice, case: Manifest, her: Terminal, answer: str
) -> None:
    """It cannot be undone, so everything else means no."""
    office.door.calls.clear()
    shown = her.run("withdraw", typed=TYPED + answer)
    assert shown.code == 1
    assert "Aborted!" in shown.err
    assert office.door.calls == []


def test_words_of_no_case_withdraw_nothing(
    office: DoorOffice, case: Manifest, her: Terminal
) -> None:
    """A slip of the tongue that is still twelve words hits no other case."""
    rows = office.rows()
    shown = her.run("withdraw", typed=f"{words_of('nobody').to_text()}\ny\n")
    assert shown.code == 1
    assert "knows no petition of these words" in shown.err
    assert office.rows() == rows


def test_the_words_are_never_shown(case: Manifest, her: Terminal) -> None:
    """Nor left anywhere."""
    shown = her.run("withdraw", typed=f"{TYPED}y\n")
    assert TYPED.strip().encode() not in her.everything(shown)


def test_an_old_folder_is_no_obstacle_to_withdrawing(
    office: DoorOffice, case: Manifest, her: Terminal
) -> None:
    """The card is all that it takes: a log that stands still must not keep her petition."""
    (her.folder / "office/roster.txt").unlink()
    office.now += 60 * 86_400
    assert her.run("withdraw", typed=f"{TYPED}y\n").code == 0
    assert office.rows()["pending_event"] == 1


def test_an_office_that_is_away_is_told(office: DoorOffice, case: Manifest, her: Terminal) -> None:
    """She knows that nothing has happened."""
    office.door.down = True
    shown = her.run("withdraw", typed=f"{TYPED}y\n")
    assert shown.code == 1
    assert "could not be reached" in shown.err
    assert "The office has it" not in shown.out
