"""
Asks all witnesses of a policy at once, and waits no longer than the policy needs.

A witness that hangs is given up for this round. Its call ends by its own timeout, and until then it
is not asked again, so that no two calls to one witness run side by side.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import requests

from dengwen_audit.http_client import UnreachableError
from dengwen_audit.note import Note
from dengwen_audit.policy import Policy
from dengwen_audit.witness_client import Prove, WitnessClient, WitnessRefusalError

ROUND_SECONDS = 5.0  # for the witnesses that the quorum needs
GRACE_SECONDS = 0.5  # for the others, once the quorum is met

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")


class Quorum:
    """
    The witnesses of a *policy* that have an address.

    Attributes:
        policy: Says which witnesses are enough.
        round_seconds: For how long the witnesses are waited for that the quorum needs.
        grace_seconds: For how long the others are, once the quorum is met.
    """

    def __init__(
        self, policy: Policy, session: requests.Session, seconds: float = ROUND_SECONDS
    ) -> None:
        """Ask nothing yet; a round of questions takes at most *seconds*."""
        self.policy = policy
        self.round_seconds = seconds
        self.grace_seconds = GRACE_SECONDS
        self._clients = [
            WitnessClient(witness, session, seconds) for witness in policy.witnesses if witness.url
        ]
        self._threads = ThreadPoolExecutor(max(len(self._clients), 1), "witness")
        self._hanging: dict[str, Future[Any]] = {}
        self._sizes: dict[str, int] = {}

    def sizes(self) -> Mapping[str, int]:
        """
        Return what each witness has cosigned of the log, by its name; each answers this only once.

        Witnesses that do not answer are not in it: ask again later.
        """
        key = self.policy.log_key
        unasked = [client for client in self._clients if client.name not in self._sizes]
        self._sizes |= self._ask(unasked, lambda client: client.size(key), lambda _: False)
        return self._sizes

    def cosign(self, note: Note, prove: Prove) -> Note | None:
        """
        Return the signed checkpoint *note* with its cosignatures, or None if they are too few.

        Raises:
            IncidentError: If one witness says that we contradict what it cosigned before.
        """
        is_quorum = self.policy.is_quorum
        lines = self._ask(self._clients, lambda client: client.cosign(note, prove), is_quorum)
        if not is_quorum(lines.keys()):
            _logger.warning(
                "no quorum: %d of %d witnesses cosigned", len(lines), len(self._clients)
            )
            return None
        cosigned = note.signed_by(*(lines[name] for name in sorted(lines)))
        self.policy.check(cosigned)
        return cosigned

    def close(self) -> None:
        """End the threads; a call that hangs is waited for until its timeout."""
        self._threads.shutdown()

    def _ask(
        self,
        clients: Iterable[WitnessClient],
        call: Callable[[WitnessClient], _T],
        is_enough: Callable[[Collection[str]], bool],
    ) -> dict[str, _T]:
        """Call each witness in a thread of its own; return what came in time, by name."""
        names = {
            self._threads.submit(call, client): client.name
            for client in clients
            if client.name not in self._hanging or self._hanging[client.name].done()
        }
        answers: dict[str, _T] = {}
        waiting, deadline = set(names), time.monotonic() + self.round_seconds
        while waiting and (left := deadline - time.monotonic()) > 0:
            done, waiting = wait(waiting, left, FIRST_COMPLETED)
            for future in done:
                answers |= _answer(names[future], future)
            if is_enough(answers.keys()):
                deadline = min(deadline, time.monotonic() + self.grace_seconds)
        self._hanging |= {names[future]: future for future in waiting}
        return answers


def _answer(name: str, future: Future[_T]) -> dict[str, _T]:
    """Return what a witness answered; one that did not is reported, and a person may look."""
    try:
        return {name: future.result()}
    except (UnreachableError, WitnessRefusalError) as error:
        _logger.warning("witness %s: %s", name, error)
        return {}
