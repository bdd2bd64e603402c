"""The commands of an office's staff, as they are typed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from dengwen_audit.note import VerificationKey
from dengwen_audit.statements.grant import Grant
from dengwen_vault.cli.main import group
from tests.patience import PATIENCE
from tests.small_office import OFFICE, TODAY, make_card, make_roster, sign_by_roots
from tests.vault.office import VaultOffice


def _run(*arguments: object) -> Result:
    result = CliRunner().invoke(group, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_keys_are_made_and_their_public_halves_told(tmp_path: Path) -> None:
    """What is printed is what root keepers sign for; the private halves stay in the folder."""
    result = _run("keys", tmp_path / "office", "--office", OFFICE)
    log, intake = (line.split(" ", 1) for line in result.output.splitlines())
    assert (log[0], VerificationKey.parse(log[1]).name) == ("log", OFFICE)
    assert (intake[0], VerificationKey.parse(intake[1]).name) == ("intake", "intake")
    for name in ("log", "intake"):
        private = (tmp_path / "office" / "keys" / f"{name}.key").read_text()
        assert private.split("+")[4].strip() not in result.output


def test_an_office_is_begun_looked_at_and_kept(small_office: VaultOffice, tmp_path: Path) -> None:
    """Each command does what it says, and says what it did."""
    card, roster, grant = (tmp_path / name for name in ("card", "roster", "grant"))
    card.write_bytes(sign_by_roots(make_card().to_bytes()).to_bytes())
    roster.write_bytes(sign_by_roots(make_roster().to_bytes()).to_bytes())
    text = Grant(OFFICE, "auditor-1", "court-of-audit", 0, TODAY.replace(year=2099)).to_bytes()
    grant.write_bytes(sign_by_roots(text).to_bytes())
    folder, archive = small_office.folder, tmp_path / "backup.tar"
    before = small_office.rows()
    for command in (
        ("init", folder, "--card", card, "--roster", roster),
        ("card", folder, card),
        ("roster", folder, roster),
        ("backup", folder, archive),
        ("restore", archive, tmp_path / "restored"),
        ("status", folder),
    ):
        assert _run(*command).exit_code == 0, command
    assert small_office.rows() == before
    assert _run("grant", folder, grant).exit_code == 0
    assert small_office.rows()["audit_grant"] == 1
    status = _run("status", folder).output
    assert "1 public, 1 committed" in status
    assert "in line     1 to 9" in status


def test_the_doctor_ends_with_a_code(small_office: VaultOffice) -> None:
    """A timer can run it and call somebody: these records are of the year 2025."""
    result = _run("doctor", small_office.folder)
    assert result.exit_code == 1
    assert "fault    the roster in force has ended" in result.output


@contextmanager
def _process(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run `dengwen-vault` as people do."""
    command = [str(Path(sys.executable).with_name("dengwen-vault")), *map(str, arguments)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_a_refusal_is_one_sentence(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "empty").mkdir()
    with _process("status", tmp_path / "empty") as process:
        output, error = process.communicate()
    assert (process.returncode, output) == (1, "")
    assert error.startswith("Not done: ")
    assert error.count("\n") == 1


@pytest.mark.slow
def test_the_desk_serves_until_it_is_told_to_stop(small_office: VaultOffice) -> None:
    """And its log names no address, no path and no hour."""
    days = {_today()}
    with _process("serve", small_office.folder, "--port", "0") as process:
        assert process.stdout is not None
        port = process.stdout.readline().rsplit(" ", 1)[1].strip(".\n")
        url = f"http://127.0.0.1:{port}/v1/cases/{'ab' * 32}/events"
        with requests.get(url, timeout=PATIENCE) as answer:
            assert answer.json()["type"] == "urn:dengwen:problem:http-signature-missing"
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    (line,) = (line for line in log.splitlines() if "4xx" in line)
    days |= {_today()}  # midnight may have passed
    assert line in {f"{day} INFO GET /v1/cases/<case>/events 4xx" for day in days}
    assert "127.0.0.1" not in log


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.localtime())


def test_a_server_that_might_open_is_not_started(small_office: VaultOffice) -> None:
    """What the desk's process has loaded holds neither identities nor the code that opens."""
    code = (
        "import sys; import dengwen_vault.web, dengwen_vault.cli.serve, dengwen_vault.epoch_store;"
        "print([name for name in sys.modules if name in"
        " {'dengwen_keys.opening', 'dengwen_keys.sealing', 'dengwen_keys.age.identities'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
