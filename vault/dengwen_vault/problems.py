"""What the vault's errors mean to a caller: the one table that the desk and the door share."""

from __future__ import annotations

from collections.abc import Mapping

from dengwen_audit.problems import Problem
from dengwen_vault.errors import (
    AllowanceError,
    BlobError,
    NoAttachmentError,
    NotAcceptedError,
    NotHereYetError,
    NotReadyError,
    NotYoursError,
    OtherBytesError,
    SealAgainError,
    SecondAnswerError,
    SecondManifestError,
    SettingsError,
    TooManyError,
    UnavailableError,
    VaultError,
)

A_DAY = 86_400  # seconds

VAULT_PROBLEMS: Mapping[type[Exception], Problem] = {
    VaultError: Problem(400, "refused", "The request was refused"),
    NotYoursError: Problem(404, "not-yours", "There is nothing here for this key"),
    SecondManifestError: Problem(409, "second-manifest", "The case has another manifest"),
    SecondAnswerError: Problem(409, "second-answer", "The request has another answer"),
    SealAgainError: Problem(409, "seal-again", "The roster it was sealed for is too old"),
    TooManyError: Problem(429, "tomorrow", "Today's allowance is used up", retry_after=A_DAY),
    NotReadyError: Problem(503, "not-ready", "The office has not begun yet", retry_after=60),
    UnavailableError: Problem(503, "unavailable", "The store is not there now", retry_after=10),
    AllowanceError: Problem(413, "allowance", "The attachments are more than a case may have"),
    NotAcceptedError: Problem(403, "not-accepted", "This takes the office's signed acceptance"),
    NoAttachmentError: Problem(404, "no-attachment", "There is no attachment of this number"),
    OtherBytesError: Problem(422, "other-bytes", "These are not the bytes of the manifest"),
    NotHereYetError: Problem(404, "not-here-yet", "The attachment has not come yet"),
    BlobError: Problem(500, "damaged", "What was stored is gone or changed"),
    SettingsError: Problem(503, "settings", "The office is not set up", retry_after=3600),
}
