"""The one clock of a town, which a test sets."""

from __future__ import annotations


class Clock:
    """The one clock of a town, which a test sets."""

    def __init__(self, now: float) -> None:
        """Begin at *now*, in seconds since 1970."""
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now
