"""
How long a test waits: one limit for everything, and a way to wait for the thing itself.

The limit is for a machine that does much else, whose disk may stand still for seconds. A test that
passes does not wait for it, so that it costs nothing to be patient; one that fails says what it
waited for. tests/architecture/test_waiting.py keeps other limits out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dengwen_audit.log import Sequencer

PATIENCE = 180.0  # seconds


def wait_until(
    is_so: Callable[[], object],
    otherwise: str | Callable[[], object] = "never",
    pause: float = 0.02,
    seconds: float = PATIENCE,
) -> None:
    """
    Return as soon as something is true.

    Args:
        otherwise: What to say if it never is: words, or what tells the state at that moment.
        pause: How many seconds to let pass between two looks.
        seconds: How long to wait, for what takes longer than anything else by its nature.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise() if callable(otherwise) else otherwise)
        time.sleep(pause)


def patient(sequencer: Sequencer) -> Sequencer:
    """
    Let a sequencer wait for each of its witnesses, who work in this process, however slowly.

    Otherwise a disk that stands still for five seconds means that there is no quorum, and half a
    second that one witness has not seen what the test asks it for.
    """
    sequencer._quorum.round_seconds = sequencer._quorum.grace_seconds = PATIENCE
    return sequencer


async def until(is_so: Callable[[], object]) -> None:
    """Let the loop go on until something is true."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not is_so():
        assert asyncio.get_running_loop().time() < deadline, "never"
        await asyncio.sleep(0.001)
