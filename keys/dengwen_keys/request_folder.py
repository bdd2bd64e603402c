"""
The folder of one request, from the asking to the opened petition, on a reviewer's own computer.

::

    request.txt             the signed request
    fresh-key.age           the key its answers are sealed to, itself sealed to the reviewer's own;
                            gone once the petition and all her files are open
    petition.md             what the petitioner wrote
    exclusions.txt          whom she excluded, a code a line; no referral may go there
    attachments/01-NAME     her files, under the names she gave them

The folder is for its owner alone. Nothing in it is ever shown on a screen unasked.

Source: docs/runbooks/reviewer.md.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from dengwen_audit.note import Note
from dengwen_audit.statements.request import Request
from dengwen_keys.age.identities import Identity, decrypt
from dengwen_keys.age.recipients import encrypt
from dengwen_keys.errors import KeysError
from dengwen_keys.opening import OpenedPetition
from dengwen_keys.released import Asked
from dengwen_keys.reviewer import NotHereYetError

REQUEST = "request.txt"
FRESH_KEY = "fresh-key.age"
PETITION = "petition.md"
EXCLUSIONS = "exclusions.txt"
ATTACHMENTS = "attachments"

FetchAttachment = Callable[[int, BinaryIO, BinaryIO], None]


class RequestFolderError(KeysError):
    """The folder is not that of a request that is still open."""


def save_request(folder: Path, asked: Asked, own: Identity) -> None:
    """
    Make the folder of a request; return once the disk has it.

    Args:
        folder: Must not be there yet.
        own: The reviewer's sealing identity.

    Raises:
        RequestFolderError: If the folder cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise RequestFolderError(f"the folder cannot be made: {error.strerror}") from None
    sealed = encrypt([own.recipient], asked.fresh.to_text().encode())
    _write(folder / REQUEST, asked.note.to_bytes())
    _write(folder / FRESH_KEY, sealed)


def load_request(folder: Path, own: Identity) -> Asked:
    """
    Read a request that was saved.

    Raises:
        RequestFolderError: If there is none, or its fresh key is gone.
        NoMatchError: If it is another reviewer's.
    """
    try:
        note = Note.parse((folder / REQUEST).read_bytes())
        sealed = (folder / FRESH_KEY).read_bytes()
    except OSError:
        raise RequestFolderError("the folder holds no open request") from None
    fresh = Identity.parse(decrypt([own], sealed).decode("ascii"))
    request = Request.parse(note.text)
    if fresh.recipient.to_text() != request.recipient:
        raise RequestFolderError("the fresh key is not that of the request")
    return Asked(note, request, fresh)


def save_petition(folder: Path, opened: OpenedPetition, fetch: FetchAttachment) -> tuple[str, ...]:
    """
    Write an opened petition and its files into its request's folder; return names that are missing.

    The fresh key is destroyed once nothing is missing; until then the request can be opened again.

    Args:
        fetch: Fetches a sealed attachment by its number into one file, and opens it into another;
            raises `NotHereYetError` if it has not come.
    """
    _write(folder / PETITION, opened.petition.body.encode())
    codes = "".join(f"{code}\n" for code in opened.petition.exclude)
    _write(folder / EXCLUSIONS, codes.encode())
    if opened.petition.attachments:
        (folder / ATTACHMENTS).mkdir(mode=0o700, exist_ok=True)
    missing = tuple(
        path.name
        for number, line in enumerate(opened.petition.attachments, start=1)
        if not _save_attachment(
            path := folder / ATTACHMENTS / f"{number:02}-{line.name}", number, fetch
        )
    )
    if not missing:
        (folder / FRESH_KEY).unlink()
    return missing


def _save_attachment(path: Path, number: int, fetch: FetchAttachment) -> bool:
    """Write one attachment; tell whether it has come. One that has not leaves nothing."""
    try:
        with tempfile.TemporaryFile(dir=path.parent) as spool, _create(path) as file:
            fetch(number, spool, file)
    except NotHereYetError:
        path.unlink()
        return False
    return True


def discard(folder: Path) -> None:
    """Remove the folder of a request that the office did not take."""
    for name in (REQUEST, FRESH_KEY):
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()


def _create(path: Path) -> BinaryIO:
    """Open a file for its owner alone; one of an opening that was cut off is written anew."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _write(path: Path, data: bytes) -> None:
    with _create(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
