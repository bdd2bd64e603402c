"""
Taking attachments in, one to a request, from whoever shows the office's signed acceptance.

The acceptance stands in a header, not in the address, since addresses are logged. It is looked at
before the body is read; the body is then held against the manifest, byte for byte. Nobody learns
here whether an attachment has come before.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from http import HTTPStatus

from flask import Blueprint, Response, request

from dengwen_audit.text import parse_number
from dengwen_submit.door_settings import PAUSED, WatchedSettings
from dengwen_submit.errors import BusyError, PausedError
from dengwen_vault.vault import Vault

PATH = "/v1/attachments"
ACCEPTANCE_HEADER = "Dengwen-Acceptance"
AT_ONE_TIME = 2  # of the door's threads: the others are for whoever follows a case
PAUSE = 300  # seconds: when to ask again whether intake is open

_CHANCE = random.SystemRandom()


def attachment_views(vault: Vault) -> Blueprint:
    """Return the view that takes attachments."""
    views = Blueprint("attachments", __name__)
    settings = WatchedSettings(vault.settings.folder)
    places = threading.BoundedSemaphore(AT_ONE_TIME)

    @views.put(f"{PATH}/<number>")
    def attach(number: str) -> Response:
        check_open(settings)
        acceptance = request.headers.get(ACCEPTANCE_HEADER, "")
        due = vault.due_attachment(acceptance, parse_number(number, "address"))
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
