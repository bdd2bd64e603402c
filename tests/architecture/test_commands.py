"""One command for each task: described in the Makefile, run alike by people and CI."""

import re
import subprocess

from tests.architecture.tree import ROOT, read

TARGET = re.compile(r"^([a-z][a-z-]*):(?!=)(.*)$", re.MULTILINE)
IN_CODE = re.compile(r"`make ([a-z][a-z-]*)|^[ $>]*make ([a-z][a-z-]*)", re.MULTILINE)


def _targets() -> dict[str, str]:
    return dict(TARGET.findall(read("Makefile")))


def test_every_target_is_described() -> None:
    """`make help` leaves nothing out."""
    targets = _targets()
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert {"setup", "test", "demo", "check"} <= targets.keys()
    assert [name for name, rest in targets.items() if "## " not in rest] == []
    assert [name for name in targets if f"\n  {name} " not in "\n" + shown.stdout] == []


def test_no_target_can_be_hidden_by_a_file_of_its_name() -> None:
    """`make test` runs the tests even if a file is called test."""
    phony = re.findall(r"^\.PHONY: (\S+)$", read("Makefile"), re.MULTILINE)
    assert sorted(phony) == sorted(_targets())


def test_the_readme_names_only_targets_that_exist() -> None:
    """A command that the README shows can be typed."""
    if not (ROOT / "README.md").exists():
        return
    shown = {name or other for name, other in IN_CODE.findall(read("README.md"))}
    assert shown <= _targets().keys()


def test_ci_runs_make_test_and_nothing_else() -> None:
    """What passes here passes there."""
    lines = [line for line in read(".ci/run").splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make test"]
