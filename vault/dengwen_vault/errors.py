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


class AllowanceError(VaultError):
    """The attachments of the case are together more than the office takes: seal it with less."""


class NotAcceptedError(VaultError):
    """The asker shows no acceptance that this office signed: the same answer whatever is here."""

    def __init__(self) -> None:
        """Say the one sentence that everybody gets who shows none."""
        super().__init__("an attachment takes the office's signed acceptance")


class NoAttachmentError(VaultError):
    """The manifest names no attachment of this number."""

    def __init__(self) -> None:
        """Say so; who may ask knows the manifest."""
        super().__init__("the manifest names no attachment of this number")


class OtherBytesError(VaultError):
    """These are not the bytes that the manifest names: nothing was changed."""


class NotHereYetError(VaultError):
    """The attachment was announced and has not come yet: only the petitioner can send it."""

    def __init__(self) -> None:
        """Say so; who may ask knows the manifest."""
        super().__init__("the attachment has not come yet")


class BlobError(VaultError):
    """What was stored is not there as it was put: an operator has to look."""


class MissingBlobError(BlobError):
    """A blob that was stored is gone."""

    def __init__(self) -> None:
        """Say so, and name nothing."""
        super().__init__("what was stored is gone")


class WrongBlobError(BlobError):
    """A blob holds other bytes than were put."""

    def __init__(self) -> None:
        """Say so, and name nothing."""
        super().__init__("what was stored is no longer what it was")
