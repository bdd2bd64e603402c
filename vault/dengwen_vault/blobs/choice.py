"""Which place for blobs the settings of an office name."""

from __future__ import annotations

from dengwen_vault.blobs.local import LocalBlobs
from dengwen_vault.blobs.store import Blobs
from dengwen_vault.settings import Settings


def open_blobs(settings: Settings) -> Blobs:
    """
    Return the place for blobs; nothing is opened yet.

    Raises:
        SettingsError: If it is S3, and what speaks it is not installed.
    """
    if settings.blob_folder is not None:
        return LocalBlobs(settings.blob_folder)
    from dengwen_vault.blobs.s3 import S3Blobs  # noqa: PLC0415  # an extra that few offices install

    return S3Blobs(settings.blobs)
