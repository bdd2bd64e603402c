"""
What can go wrong in the vault, split by what the caller will do next.

`dengwen_vault.web` maps each class to one status; the door does the same for its own visitors.
Refused formats, signatures and rules come as the ground floor's own errors and are not wrapped.
"""

from __future__ import annotations


class VaultError(Exception):
    """Any refusal of this package. The message never names a case, an address or a secret."""


class NotYoursError(VaultError):
    """There is no such thing, or it is not the asker's: the same answer for both."""

    def __init__(self) -> None:
        """Say the one sentence that everybody gets who may not know more."""
        super().__init__("there is nothing here for this key")


class SecondManifestError(VaultError):
    """Another manifest of this case is here already: the first one stands."""


class SecondAnswerError(VaultError):
    """This holder has answered this request already, and otherwise: the first answer stands."""


class SealAgainError(VaultError):
    """The petition was sealed for a roster that is unknown or too old: seal it for the newest."""


class NotReadyError(VaultError):
    """The office has no record in its log yet, or the asked-for record is not public: come back."""


class UnavailableError(VaultError):
    """
    The database is locked, full, failing over or away: nothing is acknowledged, try again.

    Most often nothing was changed. If a commit was under way, it may have been: the same again is
    harmless, and its answer is certain.
    """


class TooManyError(VaultError):
    """The daily allowance for this is used up: come back tomorrow."""


class SettingsError(VaultError):
    """The data folder or its settings are not as they must be: an operator has to look."""


class DiskError(VaultError):
    """A file could not be written or flushed: what is on the disk is not known until it is read."""
