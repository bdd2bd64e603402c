"""`gatekeeper run` as a service: one process that answers petitioners and stops when it is told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import requests

from dengwen_audit.note import Note, sign_note
from dengwen_audit.statements.challenge import Challenge
from dengwen_audit.statements.head import check_head
from dengwen_keys.keyfile import Cost, seal_keyfile
from tests.keys.gatekeeper_fixture import seal_petition
from tests.keys.working_office import keys_of
from tests.patience import PATIENCE
from tests.small_office import OFFICE, make_card, make_roster, make_seed, sign_by_roots

COMMAND = (sys.executable, "-c", "from dengwen_keys.cli.main import main; main()")
NOWHERE = "http://127.0.0.1:1"  # an office that is down


def _write_files(folder: Path) -> tuple[str, ...]:
    """Write card, key file and passphrase; return the options that name them."""
    card = replace(make_card(), door=NOWHERE, desk=NOWHERE)
    keys = seal_keyfile(keys_of("gatekeeper-1", is_witness=True), "a passphrase", Cost(8192, 1))
    files = {
        "card": sign_by_roots(card.to_bytes()).to_bytes(),
        "key": keys,
        "passphrase-file": b"a passphrase\n",
        "roster": sign_by_roots(make_roster().to_bytes()).to_bytes(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return tuple(word for name in files for word in (f"--{name}", str(folder / name)))


@contextmanager
def _running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the service; give the process and its port."""
    words = [*COMMAND, "gatekeeper", "run", *options, "--data", str(folder / "data")]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        try:
            found = re.fullmatch(r"Listening on port (\d+)\.\n", process.stdout.readline())
            assert found is not None, process.communicate(timeout=PATIENCE)
            yield process, int(found[1])
        finally:
            process.kill()


def _challenge() -> bytes:
    petition = seal_petition()
    key = petition.words.signing_key()
    public = key.verification_key.public_key
    mailbox, nonce = petition.manifest.mailbox, make_seed("nonce")
    challenge = Challenge(OFFICE, petition.case, public, mailbox, nonce)
    return sign_note(challenge.to_bytes(), key).to_bytes()


def test_the_service_answers_while_its_office_is_down_and_stops_when_told(tmp_path: Path) -> None:
    """A head is signed, the office is waited for, and SIGTERM ends it all with exit code 0."""
    with _running(tmp_path, *_write_files(tmp_path)) as (process, port):
        sent = _challenge()
        answer = requests.post(f"http://127.0.0.1:{port}/head", data=sent, timeout=PATIENCE)
        challenge = Challenge.parse(Note.parse(sent).text)
        head = check_head(Note.parse(answer.content), make_roster(), challenge)
        assert (head.holder, head.seen_number) == ("gatekeeper-1", 0)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "round not done: OfficeError" in log
    assert "Traceback" not in log


def test_a_folder_of_another_office_is_refused(tmp_path: Path) -> None:
    """A gatekeeper's memory serves one office; a card that does not succeed its own is refused."""
    options = _write_files(tmp_path)
    with _running(tmp_path, *options):
        pass
    other = replace(make_card(), name="Another office")
    (tmp_path / "card").write_bytes(sign_by_roots(other.to_bytes()).to_bytes())
    words = [*COMMAND, "gatekeeper", "run", *options, "--data", str(tmp_path / "data")]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Not done: ")


def test_the_reviewers_commands_load_no_web_server() -> None:
    """A reviewer's laptop installs none, so none may be needed."""
    code = (
        "import sys; import dengwen_keys.cli.desk, dengwen_keys.cli.open, dengwen_keys.cli.request;"
        "print({'flask', 'waitress', 'werkzeug', 'sqlalchemy'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"
