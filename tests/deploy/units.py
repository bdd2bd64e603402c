"""The shipped units of systemd, read as systemd reads them: the unit, then what is dropped in."""

from __future__ import annotations

import functools
import shlex
import subprocess
from collections import defaultdict
from pathlib import Path

from tests.deploy.shipped import DEPLOY, find_program

UNITS = DEPLOY / "systemd"
HARDENING = UNITS / "dengwen-.service.d" / "hardening.conf"
SERVICES = ("door", "desk", "sequencer", "follower", "gatekeeper", "mirror", "witness")

Settings = dict[str, list[str]]


def read_unit(path: Path) -> Settings:
    """Return what stands under each name of a unit, in order, with its section before the name."""
    section, found = "", defaultdict[str, list[str]](list)
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = raw.strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[f"{section}.{name}"].append(value)
    return dict(found)


def service(name: str) -> Settings:
    """Return the settings of a service of Dengwen, with those that hold for all."""
    merged = read_unit(UNITS / f"dengwen-{name}.service")
    for key, values in read_unit(HARDENING).items():
        merged[key] = merged.get(key, []) + values
    return merged


def last(settings: Settings, name: str) -> str:
    """Return what holds of a setting that can be set once: the last of it."""
    return settings.get(f"Service.{name}", [""])[-1]


def command(settings: Settings) -> list[str]:
    """Return the words of the command that a service runs."""
    (line,) = settings["Service.ExecStart"]
    return shlex.split(line)


def credentials(settings: Settings) -> dict[str, str]:
    """Return from where each credential of a service is taken."""
    pairs = [value.partition(":") for value in settings.get("Service.LoadCredential", [])]
    return {name: path for name, _, path in pairs}


def allowed_calls(settings: Settings) -> frozenset[str]:
    """Return the system calls that `SystemCallFilter=` leaves."""
    allowed: set[str] = set()
    for line in settings["Service.SystemCallFilter"]:
        calls = set[str]()
        for word in line.removeprefix("~").split():
            calls |= _calls_of(word)
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return frozenset(allowed) | _calls_of("@default")


@functools.cache
def _calls_of(word: str) -> frozenset[str]:
    """Return the system calls of a group, by systemd's own list; a call is itself."""
    if not word.startswith("@"):
        return frozenset({word})
    program = find_program("systemd-analyze", "systemd")
    shown = subprocess.run(
        [program, "syscall-filter", "--no-pager", word], check=True, capture_output=True, text=True
    ).stdout
    lines = [line.strip() for line in shown.splitlines()[1:]]
    found = set[str]()
    for line in lines:
        if line and not line.startswith("#"):
            found |= _calls_of(line)
    return frozenset(found)
