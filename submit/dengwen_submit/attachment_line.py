"""
Attachments at the door: judged at the header by their acceptance, then stored, a few at one time.

Who shows no acceptance, or announces another length than the manifest says, is refused before a
byte of the body is read. The judgement asks the database, so a thread makes it, and the connection
reads nothing meanwhile. An attachment that is here already is let in like a new one: whoever found
a sealed petition and deposited it again would else learn that somebody did so before her.
"""

from __future__ import annotations

import functools
import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from flask import Flask

from dengwen_audit.text import TextError, parse_number
from dengwen_submit.attachment_views import ACCEPTANCE_HEADER, AT_ONE_TIME, PATH, Announced, judge
from dengwen_submit.connection import Answer, Connection, Hall, Later, Request, Tell
from dengwen_submit.door_settings import WatchedSettings
from dengwen_submit.errors import BusyError
from dengwen_submit.intake_group import refusal
from dengwen_submit.wsgi_bridge import ask_safely
from dengwen_vault.attachments import Due
from dengwen_vault.vault import Vault

JUDGES = 2  # threads: one may wait for the database
MAX_JUDGED = 256  # that wait for one of them
MAX_WHOLE = 8  # attachments that came whole, and are stored or wait for it

_CHANCE = random.SystemRandom()
_logger = logging.getLogger(__name__)


@dataclass
class AttachmentLine:
    """
    Lets attachments in, and has them stored by the Flask application.

    Args:
        hall: Tells how much memory all bodies take.
        answer_soon: Calls a function in the thread that serves the connections.
    """

    app: Flask
    vault: Vault
    hall: Hall
    answer_soon: Callable[[Callable[[], None]], object]

    def __post_init__(self) -> None:
        """Begin with nobody inside."""
        self._settings = WatchedSettings(self.vault.settings.folder)
        self._judges = ThreadPoolExecutor(JUDGES)
        self._stores = ThreadPoolExecutor(AT_ONE_TIME)
        self._judged = self._whole = 0

    def begin(self, request: Request) -> Answer | Later:
        """Have the header judged."""
        if self._judged >= MAX_JUDGED:
            return _busy()
        return Later(functools.partial(self._ask, request))

    def handle(self, request: Request, connection: Connection) -> None:
        """Have a whole attachment stored."""
        if self._whole >= MAX_WHOLE:  # there was a place when it was let in
            connection.answer(_busy())
            return
        self._whole += 1
        self._stores.submit(self._store, request, connection)

    def close(self) -> None:
        """Wait for the threads."""
        self._judges.shutdown()
        self._stores.shutdown()

    def _ask(self, request: Request, tell: Tell) -> None:
        self._judged += 1
        self._judges.submit(self._judge, request, tell)

    def _judge(self, request: Request, tell: Tell) -> None:
        try:
            verdict: Due | Answer = judge(self.vault, self._settings, _announced(request))
        except Exception as why:  # noqa: BLE001  # each has its answer, a crash as well
            verdict = refusal(why)
        self.answer_soon(lambda: self._tell(request, verdict, tell))

    def _tell(self, request: Request, verdict: Due | Answer, tell: Tell) -> None:
        self._judged -= 1
        if isinstance(verdict, Due):
            if self._has_place(verdict.part.length):
                request.note = verdict
                tell(None)
                return
            verdict = _busy()
        _logger.info("PUT %s/<number> %dxx", PATH, verdict.status // 100)
        tell(verdict)

    def _has_place(self, length: int) -> bool:
        return self._whole < MAX_WHOLE and self.hall.held + length <= self.hall.max_held

    def _store(self, request: Request, connection: Connection) -> None:
        answer = ask_safely(self.app, request)
        self.answer_soon(lambda: self._stored(connection, answer))

    def _stored(self, connection: Connection, answer: Answer) -> None:
        self._whole -= 1
        connection.answer(answer)


def is_attachment(request: Request) -> bool:
    """Tell whether a request sends an attachment, by an address in its one spelling."""
    folder, _, name = request.path.rpartition("/")
    if request.method != "PUT" or folder != PATH:
        return False
    try:
        parse_number(name, "address")
    except TextError:
        return False
    return True


def _announced(request: Request) -> Announced:
    """Return what a header says of an attachment."""
    return Announced(
        number=request.path.rpartition("/")[2],
        acceptance=request.headers.get(ACCEPTANCE_HEADER.lower(), ""),
        length=None if "transfer-encoding" in request.headers else request.expected,
    )


def _busy() -> Answer:
    return refusal(BusyError("all places are taken", _CHANCE.randrange(1, 4)))
