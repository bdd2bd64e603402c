"""Sending something until the door takes it: how often, and how long to wait in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click

from dengwen_submit.errors import DoorError

ATTEMPTS = 5  # that fail
CALLS = 40  # times that the door says when to come back
QUEUEING = {"busy", "puzzle"}
LONGEST_PAUSE = 120  # seconds

_T = TypeVar("_T")


@dataclass(frozen=True)
class Attempts:
    """
    Tries again and again.

    Attributes:
        sleep: Waits for so many seconds.
        answer: Does what a refusal asks for, and tells whether to try again at once.
    """

    sleep: Callable[[float], None]
    answer: Callable[[DoorError], bool] = lambda _: False

    def until_taken(self, send: Callable[[], _T]) -> _T:
        """
        Return what *send* returns at last; it must be harmless to repeat.

        Raises:
            DoorError: If the door refused for good, or too often.
        """
        failures = calls = 0
        while True:
            try:
                return send()
            except DoorError as error:
                if error.problem in QUEUEING:
                    calls += 1
                else:
                    failures += 1
                pause = error.retry_after or 2**failures
                is_final = bool(error.problem) and not error.retry_after
                is_enough = failures == ATTEMPTS or calls == CALLS
                if is_final or is_enough or pause > LONGEST_PAUSE:
                    raise
                if self.answer(error):
                    continue
                click.echo(f"Not yet: {error}. Trying again in {pause} seconds.", err=True)
                self.sleep(pause)
