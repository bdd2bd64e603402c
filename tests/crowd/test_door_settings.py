"""Switches for a bad day: a small file that may change while the door is open."""

import logging
from pathlib import Path

import pytest

from dengwen_submit.door_settings import DOOR_FILE, DoorSettings, WatchedSettings
from dengwen_vault.errors import SettingsError


def test_without_a_file_the_door_is_as_usual(tmp_path: Path) -> None:
    """Nobody has to write one."""
    assert WatchedSettings(tmp_path).now == DoorSettings()


def test_a_changed_file_is_taken_over(tmp_path: Path) -> None:
    """Also one that is new, and one that is gone."""
    settings = WatchedSettings(tmp_path)
    (tmp_path / DOOR_FILE).write_text('intake = "paused"\npuzzle = 9\nqueue = 5\n')
    settings.refresh()
    assert settings.now == DoorSettings("paused", 9, 5)
    (tmp_path / DOOR_FILE).unlink()
    settings.refresh()
    assert settings.now == DoorSettings()


BAD = ["intake = 1", 'intake = "shut"', "puzzle = 7", "puzzle = 15", "puzzle = true", "queue = 0"]


@pytest.mark.parametrize("text", [*BAD, "queue = true", "colour = 1", "queue ="])
def test_what_cannot_be_is_refused(text: str) -> None:
    """At the start, so that the operator sees it."""
    with pytest.raises(SettingsError):
        DoorSettings.parse(text)


def test_a_slip_while_it_is_open_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The door stays as it is, and the log says why."""
    settings = WatchedSettings(tmp_path)
    (tmp_path / DOOR_FILE).write_text('intake = "shut"\n')
    with caplog.at_level(logging.ERROR):
        settings.refresh()
    assert settings.now == DoorSettings()
    assert DOOR_FILE in caplog.text
