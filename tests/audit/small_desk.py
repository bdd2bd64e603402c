"""An office's desk as mirrors and auditors see it: epochs, challenges, heads, and ways to cheat."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import flask

from dengwen_audit.epoch import Epoch
from dengwen_audit.event import Event
from dengwen_audit.http_signature import HTTP_SIGNATURE_PROBLEMS, check_request
from dengwen_audit.note import VerificationKey
from dengwen_audit.web import AUDIT_PROBLEMS, register_problems
from tests.small_log import SmallLog, seed

DAY = datetime.date(2026, 2, 2)
ROSTER = seed("roster")


def make_event(case: str, number: int, label: str = "", previous: bytes | None = None) -> Event:
    """Return an event whose fields follow from its arguments; it chains only if told how."""
    return Event(
        type="petition.received" if number == 1 else "message.posted",
        case=seed(case),
        number=number,
        previous=previous or seed(f"{case} {number} previous"),
        actor="office" if number == 1 else "petitioner",
        day=DAY,
        salt=seed(f"{case} {number} {label} salt"),
        cause=seed(f"{case} {number} {label} cause"),
    )


class SmallDesk:
    """
    A desk over a small log.

    Attributes:
        log: The records.
        epochs: What is under them, in the shape in which it is given.
        keys: Who may ask, by id.
        most: The longest answer, in epochs.
        bend: Changes an answer before it leaves.
        challenges: What waits for holders and mirrors.
        heads: What was posted.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin with an empty log."""
        self.log = SmallLog()
        self.epochs: list[dict[str, object]] = []
        self.keys: dict[str, VerificationKey] = {}
        self.most = 256
        self.bend: Callable[[list[dict[str, object]]], object] = lambda epochs: epochs
        self.challenges: list[str] = []
        self.heads: list[bytes] = []
        self._now = now
        self.app = self._make_app()

    def tick(self, events: Sequence[Event] = (), **more: object) -> None:
        """Append one epoch."""
        index = len(self.epochs)
        leaves = [event.to_bytes() for event in events]
        epoch = Epoch.build(leaves, seed(f"epoch {index}"), ROSTER)
        record = epoch.record.to_bytes()
        texts = [leaf.decode() for leaf in epoch.leaves]
        self.epochs.append({"index": index, "record": record.decode(), "leaves": texts, **more})
        self.log.entries.append(record)

    def _make_app(self) -> flask.Flask:
        app = flask.Flask("desk")
        register_problems(app, {**AUDIT_PROBLEMS, **HTTP_SIGNATURE_PROBLEMS})

        @app.before_request
        def check() -> None:
            call = flask.request
            headers = list(call.headers.items())
            check_request(
                call.method, call.url, headers, call.get_data(), self.keys.get, self._now()
            )

        @app.get("/v1/epochs")
        def epochs() -> flask.Response:
            start, stop = int(flask.request.args["from"]), int(flask.request.args["to"])
            chosen = [dict(epoch) for epoch in self.epochs[start:stop][: self.most]]
            return flask.jsonify({"epochs": self.bend(chosen)})

        @app.get("/v1/work")
        def work() -> flask.Response:
            return flask.jsonify({"requests": [], "challenges": self.challenges})

        @app.post("/v1/heads")
        def heads() -> tuple[str, int]:
            self.heads.append(flask.request.get_data())
            return "", 202

        return app
