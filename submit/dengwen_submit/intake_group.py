"""
A group of petitions on its way through the vault, and what each sender is told.

The same in the process that holds the connections and in a worker beside it. An answer is given
after its group is on disk, and never before.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus

from dengwen_audit.note import Note
from dengwen_audit.problems import PROBLEM_TYPE, Problem, http_problem, problem_bytes
from dengwen_submit.connection import Answer
from dengwen_submit.intake import PATH
from dengwen_submit.web import HEADERS, PROBLEMS
from dengwen_vault.admission import Arrival
from dengwen_vault.errors import VaultError
from dengwen_vault.vault import Vault

AcceptGroup = Callable[[Sequence[Arrival]], list[Answer]]

FIXED = [*HEADERS.items(), ("Cache-Control", "no-store")]
_logger = logging.getLogger(__name__)


def accept_group(vault: Vault, arrivals: Sequence[Arrival]) -> list[Answer]:
    """Check and store a group in one commit; return an answer for each, in their order."""
    try:
        outcome = vault.accept_all(arrivals)
    except VaultError as refusal:  # of the database: it concerns them all
        outcome = [refusal] * len(arrivals)
    except Exception as crash:  # noqa: BLE001  # whoever serves them must outlive it
        _logger.error("%s at intake; its message is withheld", type(crash).__name__)  # noqa: TRY400  # no trace
        return [problem(http_problem(HTTPStatus.INTERNAL_SERVER_ERROR))] * len(arrivals)
    answers = [_answer(what) for what in outcome]
    for kind, count in sorted(Counter(answer.status // 100 for answer in answers).items()):
        _logger.info("POST %s %dxx, %d times", PATH, kind, count)
    return answers


def problem(
    what: Problem, detail: str | None = None, headers: Sequence[tuple[str, str]] = ()
) -> Answer:
    """Return a refusal, with further *headers*."""
    pause = [] if what.retry_after is None else [("Retry-After", str(what.retry_after))]
    fixed = [*FIXED, ("Content-Type", PROBLEM_TYPE), *pause, *headers]
    return Answer(what.status, fixed, _problem_body(what, detail))


def refusal(error: Exception) -> Answer:
    """Return what an *error* means to a caller, as the application would answer it."""
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            what, pause = PROBLEMS[kind], getattr(error, "retry_after", None)
            return problem(replace(what, retry_after=pause) if pause else what, str(error))
    _logger.error("%s at the door; its message is withheld", type(error).__name__)
    return problem(http_problem(HTTPStatus.INTERNAL_SERVER_ERROR))


def _answer(outcome: Note | Exception) -> Answer:
    if isinstance(outcome, Note):
        headers = [*FIXED, ("Content-Type", "text/plain; charset=utf-8")]
        return Answer(HTTPStatus.OK, headers, outcome.to_bytes())
    return refusal(outcome)


@lru_cache(64)  # a crowd is told the same thing
def _problem_body(what: Problem, detail: str | None) -> bytes:
    return problem_bytes(what, detail)
