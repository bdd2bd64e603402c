"""
What an operator may change while the door is open: a small file, looked at again each second.

::

    DIR/door.toml      intake = "open"       or "paused": everybody is asked to come back
                       puzzle = "auto"       or "off", or how hard it is for all: 8 to 14
                       queue = 1024          petitions that wait inside at most

Without the file all is as shown. A file that cannot be read changes nothing, and the log says so.
"""

from __future__ import annotations

import logging
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from dengwen_submit.puzzle import MAX_BITS, MIN_BITS
from dengwen_vault.errors import SettingsError

DOOR_FILE = "door.toml"
OPEN, PAUSED = "open", "paused"
AUTO, OFF = "auto", "off"
MIN_QUEUE, MAX_QUEUE = 1, 65_536

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DoorSettings:
    """The switches; the module's docstring tells what they do."""

    intake: str = OPEN
    puzzle: str | int = AUTO
    queue: int = 1024

    @classmethod
    def parse(cls, text: str) -> DoorSettings:
        """
        Read the settings.

        Raises:
            SettingsError: If one is unknown or cannot be.
        """
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{DOOR_FILE} cannot be read") from error
        unknown = values.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise SettingsError(f"{DOOR_FILE}: unknown: {', '.join(sorted(unknown))}")
        settings = cls(**values)
        settings.check()
        return settings

    def check(self) -> None:
        """Raise `SettingsError` if a value cannot be."""
        if self.intake not in (OPEN, PAUSED):
            raise SettingsError(f"{DOOR_FILE}: intake is open or paused")
        hard = type(self.puzzle) is int and MIN_BITS <= int(self.puzzle) <= MAX_BITS
        if self.puzzle not in (AUTO, OFF) and not hard:
            raise SettingsError(f"{DOOR_FILE}: puzzle is auto, off, or {MIN_BITS} to {MAX_BITS}")
        if type(self.queue) is not int or not MIN_QUEUE <= self.queue <= MAX_QUEUE:
            raise SettingsError(f"{DOOR_FILE}: queue is {MIN_QUEUE} to {MAX_QUEUE}")


class WatchedSettings:
    """The settings in a folder, read anew whenever the file is another."""

    def __init__(self, folder: Path) -> None:
        """Read them for the first time; a bad file is refused here."""
        self._path = folder / DOOR_FILE
        self._seen = self._look()
        self.now = self._read()

    def refresh(self) -> None:
        """Look at the file; take it over if it changed and can be read."""
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.now = self._read()
        except SettingsError as error:
            _logger.error("%s; the door goes on as before", error)  # noqa: TRY400  # no traceback
        else:
            _logger.info("the door has new settings")

    def _read(self) -> DoorSettings:
        return DoorSettings.parse(self._path.read_text("utf-8") if self._seen else "")

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
