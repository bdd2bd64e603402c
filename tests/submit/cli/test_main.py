"""`dengwen-submit` itself: its table of commands, its exit codes, and any terminal."""

import pytest

from dengwen_submit.cli.main import COMMANDS
from tests.submit.door_office import DoorOffice
from tests.submit.terminal import Terminal


def test_the_help_lists_every_command_with_a_sentence(terminal: Terminal) -> None:
    """Who types it for the first time sees where to begin."""
    shown = terminal.run("--help")
    assert shown.code == 0
    assert "Begin with `card`, then `seal`, then `send`; later `status`." in shown.out
    for name in COMMANDS:
        assert f"\n  {name} " in shown.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(terminal: Terminal, name: str) -> None:
    """Without an office, a network or a file."""
    shown = terminal.run(name, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(f"Usage: dengwen-submit {name} ")


@pytest.mark.parametrize(
    "typed",
    [
        ("open",),
        ("seal",),
        ("seal", "no-such-file", "--anonymous", "--out", "x"),
        ("send",),
        ("status", "--wait", "long"),
        ("card", "https://dengwen.example", "--colour"),
    ],
)
def test_what_is_typed_wrong_exits_with_2(terminal: Terminal, typed: tuple[str, ...]) -> None:
    """The message says how it is typed right, and nothing was done."""
    shown = terminal.run(*typed)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith("Usage: dengwen-submit")
    assert terminal.files() == []


def test_a_name_that_a_terminal_cannot_show_is_spelt_out(
    standing_office: DoorOffice, terminal: Terminal
) -> None:
    """An office with a Chinese name can be pinned on any machine."""
    terminal.surroundings = standing_office.surroundings
    shown = terminal.run("card", "https://dengwen.example", charset="latin-1")
    assert shown.code == 0
    assert shown.out.startswith(r"\u767b\u95fb Complaints office")
