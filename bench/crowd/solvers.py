"""
The devices of people who are asked for some work: the petitioner's own solver, in other processes.

They run with the lowest priority, since the devices of a crowd are not the door's machine: they get
what the door and the generator leave.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

from dengwen_submit.puzzle import solve

PROCESSES = os.cpu_count() or 1
LOWEST = 19


class Solvers:
    """Solves puzzles by the number of the petition."""

    def __init__(self) -> None:
        """Start the processes."""
        self._pool = ProcessPoolExecutor(
            PROCESSES, get_context("spawn"), initializer=os.nice, initargs=(LOWEST,)
        )
        self._asked: dict[int, Future[str]] = {}

    def ask(self, number: int, announced: bytes, asked: bytes) -> None:
        """Begin to solve what a refusal asked: difficulty and roster, as the header spells them."""
        bits, roster = asked.decode().split(" ")
        task = (announced, bytes.fromhex(roster), int(bits))
        self._asked[number] = self._pool.submit(_solve, *task)

    def is_working(self, number: int) -> bool:
        """Tell whether one who was asked has not solved it yet."""
        return number in self._asked and not self._asked[number].done()

    def take(self, number: int) -> bytes:
        """Return the header line with the solution; nothing if none was asked."""
        solved = self._asked.pop(number, None)
        return b"Dengwen-Puzzle: %s\r\n" % solved.result().encode() if solved else b""

    def close(self) -> None:
        """End the processes, whatever they are at."""
        self._pool.shutdown(cancel_futures=True)


def _solve(announced: bytes, roster: bytes, bits: int) -> str:
    return solve(announced, roster, bits, lambda _: None)
