"""What can go wrong at the public door and in the petitioner's own tools."""

from __future__ import annotations

from collections.abc import Mapping

FETCH_ANEW = (
    "fetch the office anew with `dengwen-submit card`; if that does not help, look at the clock "
    "of this device"
)


class SubmitError(Exception):
    """Any refusal of this package; the message is what the person at the terminal reads."""


class OfficeError(SubmitError):
    """The card, the roster or the latest proof cannot be trusted as they are: fetch them anew."""


class StaleOfficeError(OfficeError):
    """Card, roster and latest proof hold, but not of today: fetch them anew."""

    def __init__(self, what: str) -> None:
        """Say *what* is old, and what to do."""
        super().__init__(f"{what}: {FETCH_ANEW}")


class DoorError(SubmitError):
    """
    The door could not be reached, or it refused.

    Attributes:
        problem: The slug of the refusal, such as ``second-manifest``; empty if there was no answer.
        retry_after: Seconds after which the door asks to be tried again; 0 if it does not say.
        headers: What came with the refusal, by names in any case of letters.
    """

    def __init__(
        self,
        message: str,
        problem: str = "",
        retry_after: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what the caller decides by beside the sentence."""
        super().__init__(message)
        self.problem = problem
        self.retry_after = retry_after
        self.headers = headers or {}


class CaseError(SubmitError):
    """What the office says of the case contradicts itself or the log: keep it and tell somebody."""


class ComeBackError(SubmitError):
    """
    The door cannot take this now, and asks to be tried again.

    Attributes:
        retry_after: Seconds until then.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        """Keep the seconds for the answer's header."""
        super().__init__(message)
        self.retry_after = retry_after


class PausedError(ComeBackError):
    """The operator has paused intake."""


class BusyError(ComeBackError):
    """As many attachments as may be are being stored."""
