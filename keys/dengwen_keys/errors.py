"""
What can go wrong on the first floor, split by what the caller will do next.

`FormatError` is also the ground floor's `dengwen_audit.errors.FormatError`: whoever catches that
one catches every malformed input of both floors.
"""

from __future__ import annotations

from dengwen_audit import errors as ground


class KeysError(Exception):
    """Any refusal of this package. The message names the step and never holds a secret."""


class FormatError(KeysError, ground.FormatError):
    """The bytes are not of the format they claim: refuse them, a retry will not help."""


class NoMatchError(KeysError):
    """None of the given identities opens this file: try another key."""


class DamagedError(KeysError):
    """A file sealed to this key was changed or cut since: fetch it again, and tell somebody."""


class SealError(KeysError):
    """Something cannot be sealed as asked: too many recipients, or more than fits."""


class PassphraseError(KeysError):
    """The passphrase does not open the key file, or the key file was changed: type it again."""


class ShareError(KeysError):
    """Shares are malformed, too few, or of one seat twice: they cannot be combined."""


class WordsError(FormatError):
    """
    Receipt words were mistyped. What was typed is never repeated, since messages reach logs.

    Attributes:
        position: Which word is wrong, counted from 1; nothing if the fault is in all of them.
        suggestions: Words of the list near the one typed, for the screen only.
    """

    def __init__(
        self, message: str, position: int | None = None, suggestions: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.position = position
        self.suggestions = suggestions
