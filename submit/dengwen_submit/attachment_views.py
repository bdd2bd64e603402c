"""
Taking attachments in, one to a request, from whoever shows the office's signed acceptance.

The acceptance stands in a header, not in the address, since addresses are logged. It is judged
before the body is read, with the length that is announced; the body is then held against the
manifest, byte for byte. Nobody learns here whether an attachment has come before.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, Response, request

from dengwen_audit.text import parse_number
from dengwen_submit.door_settings import PAUSED, WatchedSettings
from dengwen_submit.errors import BusyError, PausedError
from dengwen_vault.attachments import Due
from dengwen_vault.vault import Vault

PATH = "/v1/attachments"
ACCEPTANCE_HEADER = "Dengwen-Acceptance"
AT_ONE_TIME = 2  # of the door's threads: the others are for whoever follows a case
PAUSE = 300  # seconds: when to ask again whether intake is open

_CHANCE = random.SystemRandom()


@dataclass(frozen=True)
class Announced:
    """
    What the header of a request says of an attachment.

    Attributes:
        number: As it stands in the address.
        acceptance: As it stands in its header; empty if there is none.
        length: Bytes of the body; None if it comes in pieces and does not say.
    """

    number: str
    acceptance: str
    length: int | None


def judge(vault: Vault, settings: WatchedSettings, announced: Announced) -> Due:
    """
    Return the attachment that may come, by what its header says.

    Raises:
        PausedError: If the operator has paused intake.
        TextError: If the number has another spelling.
        NotAcceptedError: If the acceptance is missing, or not of this office.
        NoAttachmentError: If the manifest names no attachment of this number.
        OtherBytesError: If it has another length than the manifest says.
    """
    check_open(settings)
    due = vault.due_attachment(announced.acceptance, parse_number(announced.number, "address"))
    if announced.length is not None:
        due.check_length(announced.length)
    return due


def attachment_views(vault: Vault) -> Blueprint:
    """Return the view that takes attachments."""
    views = Blueprint("attachments", __name__)
    settings = WatchedSettings(vault.settings.folder)
    places = threading.BoundedSemaphore(AT_ONE_TIME)

    @views.put(f"{PATH}/<number>")
    def attach(number: str) -> Response:
        acceptance = request.headers.get(ACCEPTANCE_HEADER, "")
        due = judge(vault, settings, Announced(number, acceptance, request.content_length))
        with taking(places):
            vault.put_attachment(due, request.get_data(cache=False))
        return Response(status=HTTPStatus.NO_CONTENT)

    return views


def check_open(settings: WatchedSettings) -> None:
    """
    Check that the operator has not paused intake.

    Raises:
        PausedError: If so; not everybody is to come back in the same second.
    """
    settings.refresh()
    if settings.now.intake == PAUSED:
        raise PausedError("intake is paused", PAUSE + _CHANCE.randrange(PAUSE))


@contextlib.contextmanager
def taking(places: threading.Semaphore) -> Iterator[None]:
    """
    Take one of the *places* for a while.

    Raises:
        BusyError: If there is none.
    """
    if not places.acquire(blocking=False):
        raise BusyError("all places are taken", _CHANCE.randrange(1, 4))
    try:
        yield
    finally:
        places.release()
