"""`desk`, `request` and `open`, as a reviewer types them; what must not be left behind or shown."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dengwen_audit.note import sign_note
from dengwen_audit.statements.manifest import Manifest
from dengwen_audit.statements.statement import Statement
from dengwen_keys.cli import desk, open, request  # noqa: A004  # the command's name
from dengwen_keys.cli.reviewing import Outside
from dengwen_keys.errors import KeysError, NoMatchError
from dengwen_keys.keyfile import Cost, seal_keyfile
from dengwen_keys.office_client import OfficeRefusalError
from dengwen_keys.request_folder import RequestFolderError
from dengwen_keys.sealing import Attachment
from tests.keys.gatekeeper_fixture import Petition, seal_petition
from tests.keys.working_office import WorkingOffice, keys_of
from tests.small_office import OFFICE, make_card, sign_by_roots

CHEAP = Cost(memory_kib=8 * 1024, passes=1)
PHOTO = b"not really a photo"


class Person:
    """
    A reviewer with a card, a key file and a shell.

    Attributes:
        folder: Where the person keeps files.
    """

    def __init__(self, office: WorkingOffice, folder: Path, name: str) -> None:
        self.folder = folder / f"home of {name}"
        self.folder.mkdir()
        self._office = office
        self._write("card.txt", sign_by_roots(make_card().to_bytes()).to_bytes())
        self._write("keys", seal_keyfile(keys_of(name), "a passphrase", CHEAP))
        self._write("passphrase", b"a passphrase\n")

    def types(self, command: click.Command, *args: str) -> Result:
        """Run a command; a refusal comes back as the exception."""
        files = [("--card", "card.txt"), ("--key", "keys"), ("--passphrase-file", "passphrase")]
        own = [word for option, name in files for word in (option, str(self.folder / name))]
        return CliRunner().invoke(
            command, [*args, *own], obj=Outside(self._office.session, self._office.clock)
        )

    def _write(self, name: str, data: bytes) -> None:
        (self.folder / name).write_bytes(data)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[WorkingOffice]:
    """Give an office with three gatekeepers."""
    office = WorkingOffice(tmp_path)
    yield office
    office.close()


@pytest.fixture
def petition() -> Petition:
    """Give a petition with a file."""
    return seal_petition(
        urgent=True,
        exclusions=("jurisdiction:CN-4401",),
        attachments=(Attachment.of_bytes("photo.jpg", "image/jpeg", PHOTO),),
    )


@pytest.fixture
def manifest(office: WorkingOffice, petition: Petition) -> Manifest:
    """Give the manifest of that petition, received."""
    return office.take_in(petition.sealed)


@pytest.fixture
def reviewer(office: WorkingOffice, manifest: Manifest, tmp_path: Path) -> Person:
    """Give the first member of its panel."""
    return Person(office, tmp_path, manifest.panel[0])


def _refused(result: Result) -> KeysError:
    assert isinstance(result.exception, KeysError), result.output
    return result.exception


def test_the_desk_lists_cases_with_language_and_urgency(
    reviewer: Person, manifest: Manifest
) -> None:
    """A line for each case; nothing is opened for it."""
    result = reviewer.types(desk.command)
    assert result.output == f"{manifest.case.hex()}  2025-01-10  en  urgent\n"


def test_an_empty_desk_says_so(office: WorkingOffice, tmp_path: Path) -> None:
    """Rather than nothing."""
    assert Person(office, tmp_path, "reviewer-1").types(desk.command).output == "No cases.\n"


def test_a_request_is_kept_for_its_owner_alone(
    reviewer: Person, manifest: Manifest, tmp_path: Path
) -> None:
    """The folder, its files, and a fresh key that only the reviewer's own key opens."""
    folder = tmp_path / "request"
    result = reviewer.types(request.command, manifest.case.hex()[:12], "--folder", str(folder))
    assert result.exit_code == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} == {"request.txt", "fresh-key.age"}
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"AGE-SECRET-KEY" not in (folder / "fresh-key.age").read_bytes()


def test_a_request_that_the_office_refuses_leaves_nothing(
    office: WorkingOffice, manifest: Manifest, reviewer: Person, tmp_path: Path
) -> None:
    """There is nothing to open, so there is no folder."""
    folder = tmp_path / "request"
    office.desk.refuse = "/v1/requests"
    result = reviewer.types(request.command, manifest.case.hex(), "--folder", str(folder))
    assert isinstance(_refused(result), OfficeRefusalError)
    assert not folder.exists()


def test_a_request_whose_arrival_is_unknown_is_kept(
    office: WorkingOffice, manifest: Manifest, reviewer: Person, tmp_path: Path
) -> None:
    """The office may have logged it; its key must not be lost."""
    folder = tmp_path / "request"
    office.desk.cut = "/v1/requests"
    _refused(reviewer.types(request.command, manifest.case.hex(), "--folder", str(folder)))
    assert (folder / "fresh-key.age").exists()


def test_a_folder_is_never_used_twice(reviewer: Person, manifest: Manifest, tmp_path: Path) -> None:
    """A second request would overwrite the first one's key."""
    result = reviewer.types(request.command, manifest.case.hex(), "--folder", str(tmp_path))
    assert isinstance(_refused(result), RequestFolderError)


def _ask(reviewer: Person, manifest: Manifest, folder: Path) -> None:
    result = reviewer.types(request.command, manifest.case.hex(), "--folder", str(folder))
    assert result.exit_code == 0, result.output


def test_an_opened_petition_lies_in_its_folder_and_on_no_screen(
    office: WorkingOffice, manifest: Manifest, reviewer: Person, tmp_path: Path
) -> None:
    """Text, exclusions and files are for the owner alone; the fresh key is gone."""
    folder = tmp_path / "request"
    _ask(reviewer, manifest, folder)
    office.tick()
    office.round()
    result = reviewer.types(open.command, "--folder", str(folder))
    assert result.exit_code == 0, result.output
    assert (folder / "petition.md").read_text(encoding="utf-8") == "The dam leaks.\n"
    assert (folder / "exclusions.txt").read_text(encoding="utf-8") == "jurisdiction:CN-4401\n"
    assert (folder / "attachments/01-photo.jpg").read_bytes() == PHOTO
    assert not (folder / "fresh-key.age").exists()
    assert "dam" not in result.output
    assert "CN-4401" not in result.output
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_files_that_have_not_come_are_named_and_fetched_later(
    office: WorkingOffice, petition: Petition, tmp_path: Path
) -> None:
    """The text is there at once; the same folder brings the rest, and only then the key goes."""
    manifest = office.take_in(petition.sealed, attach=False)
    reviewer, folder = Person(office, tmp_path, manifest.panel[0]), tmp_path / "request"
    _ask(reviewer, manifest, folder)
    office.tick()
    office.round()
    early = reviewer.types(open.command, "--folder", str(folder))
    assert early.exit_code == 0, early.output
    assert "Not come yet: 01-photo.jpg." in early.output
    assert (folder / "petition.md").exists()
    assert (folder / "fresh-key.age").exists()
    assert list((folder / "attachments").iterdir()) == []
    office.take_in(petition.sealed)
    late = reviewer.types(open.command, "--folder", str(folder))
    assert late.exit_code == 0, late.output
    assert "Not come yet" not in late.output
    assert (folder / "attachments/01-photo.jpg").read_bytes() == PHOTO
    assert not (folder / "fresh-key.age").exists()


def test_a_petition_is_shown_if_asked_for(
    office: WorkingOffice, manifest: Manifest, reviewer: Person, tmp_path: Path
) -> None:
    """With `--print` the text comes last."""
    _ask(reviewer, manifest, tmp_path / "request")
    office.tick()
    office.round("gatekeeper-2", "gatekeeper-3")
    result = reviewer.types(open.command, "--folder", str(tmp_path / "request"), "--print")
    assert "Gatekeeper 2 of 3 released." in result.output
    assert "The request is in the log." in result.output
    assert result.output.endswith("The dam leaks.\n\n")


def test_too_few_shares_leave_the_request_open(
    office: WorkingOffice, manifest: Manifest, reviewer: Person, tmp_path: Path
) -> None:
    """Whoever does not want to wait longer tries again later."""
    folder = tmp_path / "request"
    _ask(reviewer, manifest, folder)
    office.tick()
    office.round("gatekeeper-1")
    result = reviewer.types(open.command, "--folder", str(folder), "--wait", "0")
    assert isinstance(_refused(result), open.NotOpenedError)
    office.round()
    assert reviewer.types(open.command, "--folder", str(folder)).exit_code == 0


def test_refusals_are_told_and_waiting_ends(
    office: WorkingOffice, manifest: Manifest, reviewer: Person, tmp_path: Path
) -> None:
    """When so many refuse that the rest is too few, nobody waits ten minutes."""
    folder = tmp_path / "request"
    _ask(reviewer, manifest, folder)
    text = Statement(OFFICE, manifest.case, "case.withdrawn").to_bytes()
    key = seal_petition().words.signing_key()
    office.vault.post_case_statement(manifest.case, sign_note(text, key), at_once=True)
    office.tick()
    office.round()
    result = reviewer.types(open.command, "--folder", str(folder))
    assert isinstance(_refused(result), open.NotOpenedError)
    assert "refused: the case was withdrawn (case-withdrawn)." in result.output


def test_another_reviewer_cannot_take_a_request_over(
    office: WorkingOffice, manifest: Manifest, reviewer: Person, tmp_path: Path
) -> None:
    """The fresh key is sealed to the one who asked."""
    folder = tmp_path / "request"
    _ask(reviewer, manifest, folder)
    other = Person(office, tmp_path, manifest.panel[1])
    result = other.types(open.command, "--folder", str(folder))
    assert isinstance(_refused(result), NoMatchError)


def test_a_folder_without_a_request_opens_nothing(reviewer: Person, tmp_path: Path) -> None:
    """Nor one whose petition is open already."""
    result = reviewer.types(open.command, "--folder", str(tmp_path))
    assert isinstance(_refused(result), RequestFolderError)
