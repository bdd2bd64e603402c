"""
What a petitioner's tool remembers between two attempts to get in: her ticket, and her work.

The door may ask for work when very many are there. Here it is done only up to `MAX_BITS`, whatever
a door asks: nobody's device is kept busy for long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dengwen_audit.statements.fields import CaseId
from dengwen_submit.errors import DoorError
from dengwen_submit.puzzle import MAX_BITS, solve
from dengwen_submit.ticket import case_hash

CASE_HEADER = "Dengwen-Case"
TICKET_HEADER = "Dengwen-Ticket"
PUZZLE_HEADER = "Dengwen-Puzzle"

_TICKET = re.compile(r"[0-9a-f.]{1,80}")
_PUZZLE = re.compile(r"([0-9]{1,2}) ([0-9a-f]{64})")


@dataclass
class WayIn:
    """
    One petition's way in.

    Attributes:
        case: The case id; only its hash is told before the petition itself.
    """

    case: CaseId
    _ticket: str = ""
    _solution: str = ""
    _hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Hash the case id."""
        self._hash = case_hash(self.case)

    def headers(self) -> dict[str, str]:
        """Return what to send along."""
        found = {TICKET_HEADER: self._ticket, PUZZLE_HEADER: self._solution}
        return {CASE_HEADER: self._hash.hex()} | {k: v for k, v in found.items() if v}

    def keep(self, answer: Mapping[str, str]) -> None:
        """Keep the ticket that came with the headers of an *answer*, if there is one."""
        ticket = answer.get(TICKET_HEADER, "")
        if _TICKET.fullmatch(ticket):
            self._ticket = ticket

    def asked_work(self, refusal: DoorError) -> tuple[int, bytes] | None:
        """Return how many bits of work a *refusal* asks for, and for which roster."""
        asked = _PUZZLE.fullmatch(refusal.headers.get(PUZZLE_HEADER, ""))
        if refusal.problem != "puzzle" or asked is None or int(asked[1]) > MAX_BITS:
            return None
        return int(asked[1]), bytes.fromhex(asked[2])

    def work(self, bits: int, roster: bytes, progress: Callable[[int], object]) -> None:
        """Do the work that was asked for; some seconds at most."""
        self._solution = solve(self._hash, roster, bits, progress)
