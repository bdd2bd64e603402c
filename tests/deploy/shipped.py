"""What stands in `deploy/`, and how a test puts other ports and paths into it, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

DEPLOY = ROOT / "deploy"
_UNPACKED = ROOT / "build" / "debian" / "usr"
_PLACES = ("/usr/sbin", "/usr/bin", str(_UNPACKED / "sbin"), str(_UNPACKED / "bin"))


def find_program(name: str, package: str) -> Path:
    """Return a program of the machine, or the one that `make setup-nginx` unpacked."""
    path = os.pathsep.join([*os.get_exec_path(), *_PLACES])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.fail(
            f"{name} is missing: `make setup-nginx`, or on Debian apt-get install {package}"
        )
    return Path(found)


def substitute(text: str, changes: Mapping[str, str]) -> str:
    """Put other values into a shipped file; a value that is not there is a mistake of the test."""
    for old, new in changes.items():
        assert old in text, f"{old} does not stand in the shipped file"
        text = text.replace(old, new)
    return text
