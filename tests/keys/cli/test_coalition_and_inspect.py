"""What anybody can find out offline: `coalition` and `inspect`."""

from pathlib import Path

import pytest

from dengwen_audit.errors import SignatureError
from dengwen_keys.cli.files import FileError
from dengwen_keys.inspection.files import UnknownFileError
from tests.keys.cli.people import type_command, write_key, write_signed
from tests.small_office import make_card, make_roster, sign_by_roots

TEXT = """\
To open a petition that nobody asked for in the log, it takes 3 institutions:
  Law society + Press club + Charity for the wronged
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the signed card and roster of the small office."""
    write_signed(tmp_path, "card.txt", make_card().to_bytes())
    write_signed(tmp_path, "roster.txt", make_roster().to_bytes())
    return tmp_path


def test_coalition_names_who_would_have_to_collude(folder: Path) -> None:
    """Four sentences, each with the institutions by their names."""
    told = type_command("coalition", folder / "card.txt", folder / "roster.txt")
    assert told.output.startswith(TEXT)
    assert "To open an identity that nobody asked for in the log, it takes 3" in told
    assert "To name other holders, for future petitions and visibly, it takes 2" in told
    assert "To show two people two different logs, it takes 3 institutions:" in told
    assert "  City information services + Law society + Press club" in told


def test_coalition_asks_for_signed_files(folder: Path) -> None:
    """Counting in a roster that nobody signed would comfort without reason."""
    (folder / "roster.txt").write_bytes(sign_by_roots(make_roster().to_bytes(), 1).to_bytes())
    refused = type_command("coalition", folder / "card.txt", folder / "roster.txt")
    assert isinstance(refused.refusal, SignatureError)


def test_inspect_says_what_a_file_is(folder: Path) -> None:
    """By itself, by the card, or with what is missing."""
    card = type_command("inspect", folder / "card.txt")
    assert card.output.startswith("Office card 1\n  of 登闻 Complaints office")
    assert card.output.endswith("It verifies by its own root keys.\n")
    alone = type_command("inspect", folder / "roster.txt")
    assert alone.output.endswith("To see whether it verifies, give the card.\n")
    judged = type_command("inspect", folder / "roster.txt", "--card", folder / "card.txt")
    assert judged.output.endswith("It verifies by the card.\n")
    assert (card.exit_code, alone.exit_code, judged.exit_code) == (0, 0, 0)


def test_inspect_ends_with_exit_code_one_if_it_does_not_verify(folder: Path) -> None:
    """A script can tell, and the reason is a sentence."""
    (folder / "card.txt").write_bytes(make_card().to_bytes())
    found = type_command("inspect", folder / "card.txt")
    assert found.exit_code == 1
    assert "It does not verify: too few known signatures" in found


def test_inspect_tells_no_secret_of_a_key_file(folder: Path) -> None:
    """It names the owner, and warns."""
    found = type_command("inspect", write_key(folder, "reviewer-1"))
    assert found.output.startswith("Key file: keep it to yourself\n  of reviewer-1, it says\n")


def test_inspect_refuses_what_it_does_not_know(folder: Path) -> None:
    """A file of somebody else's, one that is not there, or a roster without its card."""
    (folder / "other").write_bytes(b"hello")
    assert isinstance(type_command("inspect", folder / "other").refusal, UnknownFileError)
    assert isinstance(type_command("inspect", folder / "none").refusal, FileError)
    refused = type_command("inspect", folder / "other", "--roster", folder / "roster.txt")
    assert isinstance(refused.refusal, FileError)
