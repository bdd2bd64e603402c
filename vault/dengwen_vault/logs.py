"""
What a server of the office logs: which kind of question was answered how, on which day.

No address, no path (it may name a case), no hour: a line is the route's template and the class of
the status, under a date. Counting them is all that an operator can do with them, and all that is
needed.
"""

from __future__ import annotations

import logging
import os
import sys

from flask import Flask, Response, request

DAY_FORMAT = "%Y-%m-%d"
LINE_FORMAT = "%(asctime)s %(levelname)s %(message)s"

_logger = logging.getLogger(__name__)


def configure_logging() -> None:
    """
    Send what this process logs to standard error, each line under its day.

    A journal puts the time beside each line, to the microsecond. So where standard error is one
    (the service manager says so), it gets only what an operator has to look into, and not what
    was asked.
    """
    is_journal = "JOURNAL_STREAM" in os.environ
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(LINE_FORMAT, DAY_FORMAT))
    level = logging.WARNING if is_journal else logging.INFO
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # which database it is, nobody asked


def log_routes(app: Flask) -> None:
    """Log each answer of *app* by its route's template and the class of its status."""

    @app.after_request
    def log_route(answer: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else "no route"
        _logger.info("%s %s %dxx", request.method, rule, answer.status_code // 100)
        return answer
