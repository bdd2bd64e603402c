"""
A table of a TOML file that people write, read word by word so that no typing error goes unseen.

Source: docs/formats/office-file.md.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TypeVar

from dengwen_keys.errors import FormatError

_T = TypeVar("_T")


class OfficeFileError(FormatError):
    """The office file does not say what it must, or says what nobody knows: correct it."""


class Table:
    """
    One table of the file, read word by word; what is left over at the end is refused.

    Raises:
        OfficeFileError: From every method, if a word is missing or of another type.
    """

    def __init__(self, name: str, words: object) -> None:
        """Take the table as TOML gives it."""
        if not isinstance(words, Mapping):
            raise OfficeFileError(f"office file: {name} is no table")
        self.name = name
        self._words = dict(words)

    def take(self, word: str, kind: type[_T]) -> _T:
        """Return the value of *word*."""
        value = self._words.pop(word, None)
        # By the exact type: to Python True is a number, and a time of day is a day.
        if not isinstance(value, kind) or type(value) is not kind:
            wanted = _NAMES[kind]
            raise OfficeFileError(f"office file: {self.name}: {word}: missing, or not {wanted}")
        return value

    def take_text(self, word: str) -> str:
        """Return the value of *word*, without white space around it."""
        return self.take(word, str).strip()

    def take_optional(self, word: str) -> str | None:
        """Return the value of *word*, or None if it is missing or empty."""
        return self.take_text(word) or None if word in self._words else None

    def take_number(self, word: str, otherwise: int) -> int:
        """Return the value of *word*, or *otherwise* if it is missing."""
        return self.take(word, int) if word in self._words else otherwise

    def take_day(self, word: str) -> datetime.date:
        """Return the value of *word*, a day written without quotes."""
        return self.take(word, datetime.date)

    def take_list(self, word: str) -> list[object]:
        """Return the value of *word*, a list of tables; empty if it is missing."""
        return list(self.take(word, list)) if word in self._words else []

    def end(self) -> None:
        """Check that every word was known."""
        if self._words:
            raise OfficeFileError(f"office file: {self.name}: unknown word {min(self._words)!r}")


_NAMES: dict[type, str] = {
    str: "text",
    int: "a number",
    datetime.date: "a day",
    list: "a list",
    dict: "a table",
}
