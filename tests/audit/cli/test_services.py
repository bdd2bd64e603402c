"""Tests of `dengwen-audit key`, `witness run` and `mirror run`."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests

from dengwen_audit.auditkey import read_key
from dengwen_audit.note import Note
from dengwen_audit.witness import hash_origin
from tests.audit.cli.conftest import Typed
from tests.audit.public_office import PublicOffice
from tests.patience import PATIENCE
from tests.small_log import ORIGIN, SmallLog, policy_text


def test_a_key_file_is_made_once(typed: Typed, tmp_path: Path) -> None:
    """What is printed is what the office file needs, and no secret."""
    path = tmp_path / "key"
    code, said = typed("key", "create", "mirror-1", "--key", path)
    key = read_key(path)
    assert code == 0
    assert f'key = "{key.signing_key.verification_key.to_text()}"' in said
    assert f'key = "{key.cosigner.key.verification_key.to_text()}"' in said
    assert key.signing_seed.hex() not in said
    assert typed("key", "show", "--key", path) == (0, said)
    code, refusal = typed("key", "create", "mirror-1", "--key", path)
    assert (code, read_key(path)) == (2, key)
    assert "already" in refusal


@pytest.mark.parametrize(
    ("role", "member", "witness"),
    [("mirror", True, True), ("auditor", True, False), ("witness", False, True)],
)
def test_each_role_is_told_what_it_needs(
    typed: Typed, tmp_path: Path, role: str, member: bool, witness: bool
) -> None:
    """An auditor witnesses nothing; a plain witness is no member."""
    _, said = typed("key", "create", "some-one", "--role", role, "--key", tmp_path / "key")
    assert ("[[member]]" in said, "[[witness]]" in said) == (member, witness)


class Service:
    """A service in a process of its own."""

    def __init__(self, words: Sequence[object], folder: Path) -> None:
        """Start it, and wait until it listens."""
        code = "from dengwen_audit.cli.main import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Listening on port "), self.end()
        self.url = f"http://127.0.0.1:{line.split()[-1].rstrip('.')}"

    def end(self) -> tuple[int, str]:
        """Ask it to stop; return its exit code and what it said on the way."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out + err


def test_a_witness_runs_and_stops(typed: Typed, tmp_path: Path) -> None:
    """It cosigns, remembers over a restart, and ends with 0 when it is told to."""
    typed("key", "create", "hill", "--role", "witness", "--key", tmp_path / "key")
    (tmp_path / "policy").write_text(policy_text())
    words = ("witness", "run", "--policy", "policy", "--key", "key", "--data", "data")
    log = SmallLog([b"a", b"b", b"c"])
    body = b"old 0\n\n" + log.note([]).to_bytes()
    service = Service(words, tmp_path)
    assert (
        requests.post(f"{service.url}/add-checkpoint", data=body, timeout=PATIENCE).status_code
        == 200
    )
    assert service.end() == (0, "")
    service = Service(words, tmp_path)
    shown = requests.get(
        f"{service.url}/monitoring/{hash_origin(ORIGIN)}/checkpoint", timeout=PATIENCE
    )
    again = requests.post(f"{service.url}/add-checkpoint", data=body, timeout=PATIENCE)
    assert (shown.status_code, again.status_code, again.text) == (200, 409, "3\n")
    assert service.end() == (0, "")


def test_a_mirror_runs_and_stops(typed: Typed, tmp_path: Path, card: Path) -> None:
    """Without its desk it cosigns nothing, and says so."""
    typed("key", "create", "mirror-1", "--key", tmp_path / "key")
    words = ("mirror", "run", "--card", card, "--key", "key", "--data", "data", "--poll", "60")
    office = PublicOffice(tmp_path / "public")
    office.tick()
    note = office.checkpoint()
    body = b"old 0\n\n" + Note(note.text, note.signatures[:1]).to_bytes()
    service = Service(words, tmp_path)
    answer = requests.post(f"{service.url}/add-checkpoint", data=body, timeout=PATIENCE)
    assert answer.status_code == 503
    assert "Server" not in answer.headers
    assert service.end()[0] == 0


def test_a_witness_of_nothing_is_refused(typed: Typed, tmp_path: Path) -> None:
    """Neither card nor policy: nothing to witness."""
    typed("key", "create", "hill", "--role", "witness", "--key", tmp_path / "key")
    code, said = typed("witness", "run", "--key", tmp_path / "key", "--data", tmp_path / "data")
    assert code == 2
    assert "give a --card or a --policy" in said
