"""The units: systemd understands them, they leave little open, and they fit to everything else."""

from __future__ import annotations

import mmap
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dengwen_audit.secret_files import LENT
from dengwen_vault.settings import Settings
from tests.architecture.test_docs import _check_typed, _groups
from tests.deploy.confined import Confinement, to_words
from tests.deploy.shipped import DEPLOY, find_program, substitute
from tests.deploy.stand import BIN
from tests.deploy.units import (
    HARDENING,
    SERVICES,
    UNITS,
    allowed_calls,
    command,
    credentials,
    last,
    read_unit,
    service,
)

pytestmark = pytest.mark.deploy

EXPOSURE = 15  # tenths of systemd's points: 1.5 of 10
INSTALLED = "/opt/dengwen/current/.venv/bin"
VAULT = Path("/srv/dengwen")
NGINX = DEPLOY / "nginx"
OPERATORS = ("door", "desk", "sequencer", "follower")
WRITERS = ["sequencer", "follower"]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _analyze(*words: str) -> subprocess.CompletedProcess[str]:
    program = find_program("systemd-analyze", "systemd")
    return subprocess.run(
        [program, *words, "--no-pager"], capture_output=True, text=True, check=False
    )


def _copy(folder: Path, changes: dict[str, str] | None = None) -> list[Path]:
    """Copy the units, with the commands where they are here; return their paths."""
    (folder / HARDENING.parent.name).mkdir()
    text = substitute(_read(HARDENING), changes or {})
    (folder / HARDENING.parent.name / HARDENING.name).write_text(text, encoding="utf-8")
    for path in UNITS.glob("*.service"):
        text = substitute(_read(path), {INSTALLED: str(BIN)})
        (folder / path.name).write_text(text, encoding="utf-8")
    return sorted(folder.glob("*.service"))


def _exposures(units: list[Path]) -> dict[str, float]:
    found = {}
    for unit in units:
        words = ("security", "--offline=true", f"--threshold={EXPOSURE}", str(unit))
        done = _analyze(*words)
        match = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
        assert match, done.stderr
        found[unit.name] = float(match[1])
        assert (done.returncode == 0) == (float(match[1]) * 10 <= EXPOSURE)
    return found


def test_there_is_a_unit_for_each_service() -> None:
    """No service is forgotten, and none has a unit that nothing tests."""
    assert {path.name for path in UNITS.glob("*.service")} == {
        f"dengwen-{name}.service" for name in SERVICES
    }


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """It warns of what it does not know, and of commands that are not there."""
    units = _copy(tmp_path)
    done = _analyze("verify", "--man=no", *map(str, units))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_line_that_systemd_does_not_know_is_noticed(tmp_path: Path) -> None:
    """The twin of the test above."""
    units = _copy(tmp_path, {"NoNewPrivileges=": "NoNewPrivilegs="})
    assert "NoNewPrivilegs" in _analyze("verify", "--man=no", *map(str, units)).stderr


def test_little_is_left_open(tmp_path: Path) -> None:
    """By systemd's own count, each service is below 1.5 of 10 points."""
    exposures = _exposures(_copy(tmp_path))
    assert {name for name, points in exposures.items() if points * 10 > EXPOSURE} == set()


def test_more_left_open_is_noticed(tmp_path: Path) -> None:
    """Without a filter of system calls and of rights, none stays below it."""
    weaker = {"SystemCallFilter=@system-service": "", "CapabilityBoundingSet=": "Nice=0"}
    exposures = _exposures(_copy(tmp_path, weaker))
    assert min(exposures.values()) * 10 > EXPOSURE


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_of_a_service_gets_onto_a_disk_or_into_the_journal(name: str) -> None:
    """Neither memory, nor output, nor more than what is wrong with it."""
    settings = service(name)
    expected = {
        "LimitCORE": "0",
        "MemorySwapMax": "0",
        "StandardOutput": "null",
        "StandardError": "journal",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "MemoryDenyWriteExecute": "yes",
        "Restart": "always",
    }
    assert {key: last(settings, key) for key in expected} == expected
    assert int(settings["Unit.StartLimitBurst"][-1]) > 0
    assert last(settings, "UMask") == ("0022" if name in WRITERS else "0077")


@pytest.mark.parametrize("name", SERVICES)
def test_every_command_can_be_typed(name: str) -> None:
    """The real command takes the words of the unit, and they name the port that nginx knows."""
    program, *words = command(service(name))
    assert Path(program).parent == Path(INSTALLED)
    _check_typed(" ".join(words), dict(_groups())[Path(program).name], words)


@pytest.mark.parametrize("name", SERVICES)
def test_whoever_never_calls_out_is_kept_from_it(name: str) -> None:
    """Door, desk and witness are asked; the others ask others, too."""
    settings = service(name)
    denied = (last(settings, "IPAddressDeny"), last(settings, "IPAddressAllow"))
    callers = ("sequencer", "follower", "gatekeeper", "mirror")
    assert denied == (("", "") if name in callers else ("any", "localhost"))


def test_ports_are_those_of_nginx() -> None:
    """It asks where door and desk listen, and on this machine only."""
    upstreams = dict(
        re.findall(r"upstream (\w+) \{\s+server (\S+);", _read(NGINX / "upstreams.conf"))
    )
    for name in ("door", "desk"):
        words = command(service(name))
        assert upstreams[name] == f"127.0.0.1:{words[words.index('--port') + 1]}"
        assert "--host" not in words


def test_folders_are_one_and_the_same() -> None:
    """What the sequencer writes is what nginx serves, and nobody else writes it."""
    settings = Settings(VAULT, "", VAULT / "public")
    for name in OPERATORS:
        assert str(VAULT) in command(service(name))
    assert f"root {settings.public};" in _read(NGINX / "door.conf")
    writers = [n for n in SERVICES if last(service(n), "ReadWritePaths") == str(settings.public)]
    assert writers == WRITERS
    assert last(service("door"), "ReadWritePaths") == str(settings.blob_folder)
    folders = _folders()
    assert folders[str(settings.public)] == ("0755", "dengwen-sequencer", "dengwen")
    assert folders[str(settings.blob_folder)] == ("0700", "dengwen-door", "dengwen")
    assert folders[str(VAULT)] == ("0751", "root", "dengwen")
    assert folders[str(settings.log_key_file.parent)] == ("0711", "root", "root")


def _folders() -> dict[str, tuple[str, str, str]]:
    lines = (line.split() for line in _read(UNITS / "tmpfiles.conf").splitlines())
    return {line[1]: (line[2], line[3], line[4]) for line in lines if line and line[0] == "d"}


def test_each_service_is_lent_its_own_key() -> None:
    """The data folder's links lead to where systemd lends what root alone can read."""
    settings = Settings(VAULT, "", VAULT / "public")
    lines = [line.split() for line in _read(UNITS / "tmpfiles.conf").splitlines()]
    links = {line[1]: line[6] for line in lines if line and line[0] == "L"}
    owners = {settings.log_key_file: "sequencer", settings.intake_key_file: "door"}
    assert links == {
        str(key): str(LENT / f"dengwen-{name}.service" / key.name) for key, name in owners.items()
    }
    for key, name in owners.items():
        assert credentials(service(name)) == {key.name: f"/etc/dengwen/{key.name}"}
    assert credentials(service("desk")) == credentials(service("follower")) == {}
    closed = {line[1]: line[2] for line in lines if line and line[0] == "z"}
    assert closed["/etc/dengwen/*.key"] == closed["/etc/dengwen/passphrase"] == "0600"


def test_accounts_are_one_and_the_same() -> None:
    """Systemd makes them, the units run as them, PostgreSQL knows them, and nobody else."""
    users = {last(service(name), "User") for name in OPERATORS}
    made = set(re.findall(r"^u (\S+)", _read(UNITS / "sysusers.conf"), re.MULTILINE))
    ident = re.findall(
        r"^dengwen +(\S+) +dengwen$", _read(DEPLOY / "postgresql" / "pg_ident.conf"), re.MULTILINE
    )
    assert users == made == set(ident) - {"root"}
    assert all(last(service(name), "Group") == "dengwen" for name in OPERATORS)
    assert last(service("desk"), "InaccessiblePaths") == "/proc"  # it has the door's account
    others = set(SERVICES) - set(OPERATORS)
    assert all(last(service(name), "DynamicUser") == "yes" for name in others)


def test_what_systemd_calls_a_name_is_one() -> None:
    """A colon in the name of an account's owner would be refused."""
    names = re.findall(r'^u \S+ +- "(.*)"$', _read(UNITS / "sysusers.conf"), re.MULTILINE)
    assert len(names) == 2
    assert not any(":" in name for name in names)


def test_nginx_finds_its_folders() -> None:
    """Sockets lie in memory, proofs for the certificate where the tool puts them."""
    text = _read(NGINX / "nginx.conf")
    dropped = read_unit(UNITS / "nginx.service.d" / "dengwen.conf")
    assert f"unix:/run/{last(dropped, 'RuntimeDirectory')}/onion.sock" in text
    assert last(dropped, "LimitCORE") == last(dropped, "MemorySwapMax") == "0"
    assert "root /var/lib/dengwen-acme;" in text
    assert "/var/lib/dengwen-acme" in _folders()


TRIALS = {
    "another family of addresses": "from socket import *; socket(AF_NETLINK, SOCK_DGRAM)",
    "memory that is written and run": "import mmap; mmap.mmap(-1, 4096, prot=7)",
    "another account": "import os; os.setuid(65534)",
    "a core file": "import resource; resource.setrlimit(resource.RLIMIT_CORE, (1, 1))",
}
ALLOWED = (
    "import os, resource; os.nice(5); resource.setrlimit(resource.RLIMIT_NOFILE, (999, 999));"
    "import argon2, nacl.signing, psycopg, sqlalchemy, httptools;"
    "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey as Key;"
    "Key.generate().sign(b''); nacl.signing.SigningKey.generate().sign(b'');"
    "argon2.PasswordHasher(1, 8, 1).hash('')"
)


def _try(code: str) -> subprocess.CompletedProcess[str]:
    """Run some Python as the door would run."""
    settings = service("door")
    confinement = Confinement(
        calls=sorted(allowed_calls(settings)),
        families=last(settings, "RestrictAddressFamilies").split(),
        writable=[],
        umask=0o077,
        files=32768,
    )
    words = to_words(confinement, [sys.executable, "-c", code])
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("trial", TRIALS)
def test_what_a_unit_forbids_is_refused(trial: str) -> None:
    """The kernel itself refuses it, so that the office's tests ran under what the units say."""
    done = _try(TRIALS[trial])
    assert done.returncode == 1
    assert re.search(r"(?:OSError|PermissionError|ValueError): ", done.stderr), done.stderr


def test_what_the_services_need_is_allowed() -> None:
    """Cryptography through cffi, among others, does without memory that is written and run."""
    done = _try(ALLOWED)
    assert done.returncode == 0, done.stderr


def test_without_confinement_all_of_it_would_pass() -> None:
    """The trials fail because of the units, not because of this machine."""
    socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM).close()
    mmap.mmap(-1, 4096, prot=7).close()
