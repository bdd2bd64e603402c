"""The container files: one story with the units, nginx and PostgreSQL, and nothing left over."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.test_docs import _check_typed, _groups
from tests.architecture.tree import ROOT, files
from tests.deploy.shipped import DEPLOY, substitute
from tests.deploy.units import command, last, service

pytestmark = pytest.mark.deploy

CONTAINER = DEPLOY / "container"
OFFICE = ("door", "desk", "sequencer")
NGINX = DEPLOY / "nginx"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_read(CONTAINER / "compose.yaml"))
    return found


def _instructions() -> list[tuple[str, str]]:
    """Return each instruction of the Containerfile and what it is given."""
    text = re.sub(r"\\\n", " ", _read(CONTAINER / "Containerfile"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def _stages() -> dict[str, list[tuple[str, str]]]:
    stages: dict[str, list[tuple[str, str]]] = {}
    for word, rest in _instructions():
        if word == "FROM":
            stages[rest.split()[-1]] = [(word, rest)]
        elif stages:
            stages[list(stages)[-1]].append((word, rest))
    return stages


def test_every_service_is_hardened() -> None:
    """No right of root, no writing into an image, no core file, whatever runs in it."""
    for name, found in _compose()["services"].items():
        assert found["read_only"] is True, name
        assert found["cap_drop"] == ["ALL"]
        assert found["security_opt"] == ["no-new-privileges:true"]
        assert found["ulimits"]["core"] == 0
        assert found["restart"] == "always"
        assert "privileged" not in found


def test_nginx_may_open_as_many_files_as_it_asks_for() -> None:
    """Without a right of root it cannot raise its limit, and would only say so in its log."""
    asked = re.search(r"^worker_rlimit_nofile ([0-9]+);", _read(NGINX / "nginx.conf"), re.MULTILINE)
    assert asked
    assert _compose()["services"]["front"]["ulimits"]["nofile"] >= int(asked[1])


def test_nobody_reaches_a_database_that_is_being_made() -> None:
    """Else the health check would let the office begin before its role and database are there."""
    begin, _, rest = _read(CONTAINER / "run-database").partition('if [ ! -e "$data/is-whole" ]')
    making, _, _ = rest.partition("touch")
    assert "-k /run/postgresql" in begin
    assert '-o "$* -k /tmp" start' in making
    asked = re.findall(r"/(?:createuser|createdb|psql)\b(.*)", making)
    assert len(asked) == 3
    assert all("-h /tmp " in options for options in asked)


@pytest.mark.parametrize("name", OFFICE)
def test_a_service_runs_the_command_of_its_unit(name: str) -> None:
    """Word for word, but for where it listens and where the program lies."""
    words = _compose()["services"][name]["command"]
    program, *expected = command(service(name))
    assert words[0] == Path(program).name
    if "--host" in words:
        place = words.index("--host")
        assert words[place + 1] == "0.0.0.0"  # noqa: S104  # inside its own network
        del words[place : place + 2]
    assert words[1:] == expected
    _check_typed(" ".join(words), dict(_groups())[words[0]], words[1:])
    user, group = _compose()["services"][name]["user"].split(":")
    assert (user, group) == (last(service(name), "User"), last(service(name), "Group"))


def test_only_nginx_and_the_sequencer_reach_beyond_the_machine() -> None:
    """Door and desk are on a network without a way out, and the database is on none."""
    compose = _compose()
    assert compose["networks"]["inside"]["internal"] is True
    reach = {
        name: sorted(found.get("networks", [found.get("network_mode")]))
        for name, found in compose["services"].items()
    }
    assert reach == {
        "database": ["none"],
        "door": ["inside"],
        "desk": ["inside"],
        "sequencer": ["outside"],
        "front": ["inside", "outside"],
    }
    assert {name for name, found in compose["services"].items() if "ports" in found} == {"front"}


def test_only_the_sequencer_writes_what_everybody_reads() -> None:
    """Settings and keys are read-only for all; public files for all but one."""
    writers = set()
    for name, found in _compose()["services"].items():
        for volume in found["volumes"]:
            source, _, options = volume.partition(":")
            if not options.endswith(":ro"):
                writers.add((name, source))
    database = {("database", "data"), ("database", "socket")}
    assert writers == {("sequencer", "public"), ("door", "blobs"), *database}


def test_nginx_asks_where_door_and_desk_listen() -> None:
    """The addresses are those of compose.yaml, and all else is what is shipped."""
    services, shipped = _compose()["services"], _read(NGINX / "upstreams.conf")
    places = {
        name: services[name]["networks"]["inside"]["ipv4_address"] for name in ("door", "desk")
    }
    expected = substitute(
        shipped,
        {
            "127.0.0.1:8080": f"{places['door']}:8080",
            "127.0.0.1:8081": f"{places['desk']}:8081",
            "the door and the desk listen": "the door and the desk of compose.yaml listen",
        },
    )
    assert _read(CONTAINER / "upstreams.conf") == expected


def test_each_account_has_one_number_in_all_images() -> None:
    """PostgreSQL is told a number by the kernel, and looks for its name in its own image."""
    (accounts,) = [rest for word, rest in _stages()["base"] if word == "RUN"]
    found = dict(re.findall(r"--uid (\d+) --gid dengwen \S+ --shell \S+ (\S+)", accounts))
    assert set(found.values()) == {last(service(name), "User") for name in OFFICE}
    for stage, instructions in _stages().items():
        assert instructions[0][1].split()[0] in ("${BASE}", "base", "python"), stage


def test_nobody_is_root_and_nothing_that_builds_is_left() -> None:
    """The last stages take a virtual environment without pip, and name an account."""
    stages = _stages()
    for name in ("office", "front", "database"):
        (user,) = [rest for word, rest in stages[name] if word == "USER"]
        assert not user.startswith(("root", "0"))
    (built,) = [rest for word, rest in stages["build"] if "--require-hashes" in rest]
    assert "requirements" not in built
    (removed,) = [rest for _, rest in stages["build"] if "uninstall" in rest]
    assert removed.endswith("uninstall --quiet -y hatchling pip setuptools")
    for name in ("python", "office", "front", "database"):
        assert not re.search(
            r"venv(?!-)\b.*install|gcc|build-essential|python3-pip", str(stages[name])
        )


def test_everything_that_is_copied_is_there() -> None:
    """And reaches the builder: nothing else of the repository does."""
    tracked = {str(path) for path in files()}
    ignored = [line for line in _read(ROOT / ".containerignore").splitlines() if line[:1] != "#"]
    assert ignored[0] == "*"
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    for word, rest in _instructions():
        sources = [] if word != "COPY" or rest.startswith("--from") else rest.split()[:-1]
        for source in sources:
            assert any(name == source or name.startswith(f"{source}/") for name in tracked), source
            assert any(source == a or source.startswith(f"{a}/") for a in allowed), source
    assert (ROOT / ".dockerignore").resolve() == ROOT / ".containerignore"


def test_nginx_gets_every_file_that_it_includes() -> None:
    """What nginx.conf and its files include is copied into the image, or made in it."""
    included = set()
    for path in NGINX.glob("*.conf"):
        included |= set(re.findall(r"include /etc/nginx/dengwen/(\S+);", _read(path)))
    copied = {
        Path(source).name
        for word, rest in _stages()["front"]
        if word == "COPY"
        for source in rest.split()[:-1]
    }
    assert included - copied == {"tls-groups.conf"}
    runs = [rest for word, rest in _stages()["front"] if word == "RUN"]
    assert any("/etc/nginx/dengwen/choose-tls-groups" in rest for rest in runs)
    assert re.search(r"^pid .*;$", _read(NGINX / "nginx.conf"), re.MULTILINE)  # what it replaces


def test_what_is_installed_is_whole(tmp_path: Path) -> None:
    """The wheel that the image installs has the commands, and the migrations of the database."""
    for name in ("audit", "keys", "vault", "submit"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    words = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *words, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    migrations = [name for name in names if "migrations/versions/" in name]
    shipped = list((ROOT / "vault/dengwen_vault/migrations/versions").glob("*.py"))
    assert len(migrations) == len(shipped) > 0
    (entry,) = [name for name in names if name.endswith("entry_points.txt")]
    commands = zipfile.ZipFile(wheel).read(entry).decode()
    assert all(f"{name} = " in commands for name in dict(_groups()))
    assert not any(name.startswith("tests") for name in names)


def test_the_database_is_made_by_a_script_that_a_shell_can_read() -> None:
    """It is run for real where containers run; here its grammar is checked, and its paths are."""
    script = CONTAINER / "run-database"
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    volumes = " ".join(_compose()["services"]["database"]["volumes"])
    for path in ("/var/lib/postgresql/data", "/run/postgresql"):
        assert path in _read(script)
        assert path in volumes
