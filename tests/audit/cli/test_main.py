"""Tests of `dengwen-audit` as a whole: help, and the table of commands."""

import pytest

from dengwen_audit.cli.main import COMMANDS
from tests.audit.cli.conftest import Typed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(typed: Typed, name: str) -> None:
    """With what the table says of it, or more."""
    code, said = typed(name, "--help")
    assert code == 0
    assert said.startswith(f"Usage: dengwen-audit {name}")


def test_the_help_lists_every_command(typed: Typed) -> None:
    """And the three exit codes."""
    code, said = typed("--help")
    assert code == 0
    assert all(f"\n  {name} " in said for name in COMMANDS)
    assert "Exit code 0" in said
