"""Imports only go downward; a planted import against each contract is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGE_FOLDERS, ROOT

STAIRCASE = "One staircase: submit, vault, keys, audit"
OPENING = "No server can import the code that opens"
IDENTITIES = "No server can import age identities"
SEALING = "The public door never seals: it sees no plaintext"

# Module names of every tree; each imports nothing unless a case says so.
MODULES = (
    "dengwen_audit.log",
    "dengwen_keys.age",
    "dengwen_keys.age.identities",
    "dengwen_keys.cli",
    "dengwen_keys.manifest",
    "dengwen_keys.opening",
    "dengwen_keys.sealing",
    "dengwen_submit.cli",
    "dengwen_submit.door_server",
    "dengwen_submit.intake",
    "dengwen_submit.receipt",
    "dengwen_submit.web",
    "dengwen_vault.deposit",
    "dengwen_vault.web",
)

REFUSED = {
    "the vault looks up to submit": (STAIRCASE, [("dengwen_vault.web", "dengwen_submit.web")]),
    "keys look up to the vault": (STAIRCASE, [("dengwen_keys.cli", "dengwen_vault.web")]),
    "audit looks up to keys": (STAIRCASE, [("dengwen_audit.log", "dengwen_keys.age")]),
    "the vault opens": (OPENING, [("dengwen_vault.deposit", "dengwen_keys.opening")]),
    "the petitioner's command opens": (OPENING, [("dengwen_submit.cli", "dengwen_keys.opening")]),
    "the vault opens by way of keys": (
        OPENING,
        [
            ("dengwen_vault.deposit", "dengwen_keys.manifest"),
            ("dengwen_keys.manifest", "dengwen_keys.opening"),
        ],
    ),
    "the vault holds identities": (
        IDENTITIES,
        [("dengwen_vault.web", "dengwen_keys.age.identities")],
    ),
    "the door holds identities by way of sealing": (
        IDENTITIES,
        [
            ("dengwen_submit.intake", "dengwen_keys.sealing"),
            ("dengwen_keys.sealing", "dengwen_keys.age.identities"),
        ],
    ),
    "the door seals": (SEALING, [("dengwen_submit.web", "dengwen_keys.sealing")]),
    "the door's server seals": (
        SEALING,
        [("dengwen_submit.door_server", "dengwen_keys.sealing")],
    ),
    "the door's server holds identities": (
        IDENTITIES,
        [("dengwen_submit.door_server", "dengwen_keys.age.identities")],
    ),
    "the door seals by way of receipts": (
        SEALING,
        [
            ("dengwen_submit.intake", "dengwen_submit.receipt"),
            ("dengwen_submit.receipt", "dengwen_keys.sealing"),
        ],
    ),
}

ALLOWED = [
    ("dengwen_submit.web", "dengwen_vault.deposit"),
    ("dengwen_vault.deposit", "dengwen_keys.manifest"),
    ("dengwen_keys.manifest", "dengwen_audit.log"),
    ("dengwen_keys.cli", "dengwen_keys.opening"),
    ("dengwen_keys.opening", "dengwen_keys.age.identities"),
    ("dengwen_submit.cli", "dengwen_keys.sealing"),
    ("dengwen_submit.cli", "dengwen_keys.age.identities"),
]


def _check_contracts(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of *root* over the packages that stand in *root*."""
    search = os.pathsep.join(str(root / folder) for folder in PACKAGE_FOLDERS)
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": search, "COLUMNS": "200", "NO_COLOR": "1"},
        check=False,
        capture_output=True,
        text=True,
    )


def _plant(root: Path, imports: list[tuple[str, str]]) -> None:
    """Write a tree of almost empty modules with our contracts, and *imports* between them."""
    shutil.copy(ROOT / "pyproject.toml", root)
    for name in MODULES:
        package, *inner = name.split(".")
        folder = root / package.removeprefix("dengwen_") / package
        is_package = any(other.startswith(f"{name}.") for other in MODULES)
        path = folder.joinpath(*inner, "__init__.py" if is_package else "")
        path = path if is_package else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
        path.write_text("".join(f"import {low}\n" for high, low in imports if high == name))


def test_the_contracts_hold() -> None:
    """Our own tree keeps every contract."""
    result = _check_contracts(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_imports_downward_are_allowed(tmp_path: Path) -> None:
    """The reviewer's tool opens, and the petitioner's own command seals."""
    _plant(tmp_path, ALLOWED)
    result = _check_contracts(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("case", REFUSED)
def test_a_forbidden_import_is_refused(case: str, tmp_path: Path) -> None:
    """Each contract finds what it is there for, also by way of a third module."""
    contract, imports = REFUSED[case]
    _plant(tmp_path, imports)
    result = _check_contracts(tmp_path)
    assert result.returncode != 0
    assert f"{contract} BROKEN" in result.stdout
