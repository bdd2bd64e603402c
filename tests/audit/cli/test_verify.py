"""Tests of `dengwen-audit verify`."""

import subprocess
import sys
import time
from pathlib import Path

from dengwen_audit.note import Note
from dengwen_audit.tile_paths import CHECKPOINT_PATH, tile_path
from dengwen_audit.tile_writer import TileWriter
from tests.audit.cli.conftest import Typed
from tests.audit.public_office import PublicOffice
from tests.small_log import SmallLog, policy_text
from tests.small_office import OFFICE


def test_a_sound_log_ends_with_0(typed: Typed, office: PublicOffice, card: Path) -> None:
    """It says what was verified, who vouched for it, and when."""
    code, said = typed("verify", office.folder, "--card", card)
    assert code == 0
    assert f"{OFFICE}: 10 records" in said
    assert "cosigned by gatekeeper-1 at " in said
    assert said.endswith("Sound.\n")


def test_a_breach_ends_with_1(typed: Typed, office: PublicOffice, card: Path) -> None:
    """Each in a line of its own."""
    (office.folder / f"log/{tile_path(0, 0, 10)}").unlink()
    code, said = typed("verify", office.folder, "--card", card)
    assert code == 1
    assert "BREACH: a file is missing" in said
    assert said.endswith("NOT SOUND: 1 breaches.\n")


def test_no_log_ends_with_2(typed: Typed, tmp_path: Path, card: Path) -> None:
    """Nobody is accused because of a misspelt address."""
    code, said = typed("verify", tmp_path / "nowhere", "--card", card)
    assert code == 2
    assert "Could not be told: there is no log at this address" in said


def test_a_forged_card_ends_with_1(typed: Typed, office: PublicOffice, card: Path) -> None:
    """The pinned card is checked first."""
    note = Note.parse(card.read_bytes())
    card.write_bytes(Note(note.text, note.signatures[:1]).to_bytes())
    code, said = typed("verify", office.folder, "--card", card)
    assert code == 1
    assert said.startswith("Does not hold: ")


def test_card_or_policy_but_not_both(typed: Typed, office: PublicOffice, card: Path) -> None:
    """By what a log is judged must be clear."""
    for options in ((), ("--card", card, "--policy", card)):
        code, said = typed("verify", office.folder, *options)
        assert code == 2
        assert "one of them" in said


def test_a_rollback_is_found_between_two_visits(
    typed: Typed, office: PublicOffice, card: Path, tmp_path: Path
) -> None:
    """The state is kept, and the checkpoint that contradicts it is kept beside it."""
    state = tmp_path / "state"
    verify = ("verify", office.folder, "--card", card, "--state", state)
    assert typed(*verify)[0] == 0
    before = state.read_bytes()
    office.rewrite(5)
    office.sign()
    code, said = typed(*verify)
    assert code == 1
    assert "ROLLBACK: 10 records were shown before, and now 5" in said
    assert state.read_bytes() == before
    kept = Note.parse((tmp_path / "state.breach").read_bytes())
    assert kept == office.checkpoint()


def test_a_second_visit_is_not_the_first(
    typed: Typed, office: PublicOffice, card: Path, tmp_path: Path
) -> None:
    """With a memory nothing is left to note."""
    verify = ("verify", office.folder, "--card", card, "--state", tmp_path / "state")
    assert "Note: first visit" in typed(*verify)[1]
    code, said = typed(*verify)
    assert code == 0
    assert "Note:" not in said
    assert not (tmp_path / "state.breach").exists()


def test_any_c2sp_log_can_be_verified_by_a_policy(typed: Typed, tmp_path: Path) -> None:
    """Without a card the records are just entries."""
    log, folder = SmallLog([b"anything"] * 3), tmp_path / "log"
    TileWriter(folder).append(0, log.entries)
    (folder / CHECKPOINT_PATH).write_bytes(log.note(time=int(time.time())).to_bytes())
    (tmp_path / "policy").write_text(policy_text())
    code, said = typed("verify", folder, "--policy", tmp_path / "policy")
    assert code == 0
    assert "no card is given" in said


def test_verify_needs_no_web_server(office: PublicOffice, card: Path) -> None:
    """An auditor's laptop has neither Flask nor waitress."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('flask', 'waitress', 'sqlalchemy')));"
        f"sys.argv = ['dengwen-audit', 'verify', {str(office.folder)!r}, '--card', {str(card)!r}];"
        "from dengwen_audit.cli.main import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
