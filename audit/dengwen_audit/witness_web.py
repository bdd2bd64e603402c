"""
A witness on the web: where logs send checkpoints, and where anyone sees what was cosigned.

::

    POST /add-checkpoint                                  from logs
    GET  /monitoring/<SHA-256 of the origin>/checkpoint   for monitors

Source: C2SP tlog-witness.md v1.0.0; docs/formats/witness-and-mirror.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Flask, Response, request

from dengwen_audit.problems import BodyLimits, Problem
from dengwen_audit.web import AUDIT_PROBLEMS, register_problems
from dengwen_audit.witness import MAX_BODY_BYTES, ConflictError, UnknownLogError, Witness

SIZE_TYPE = "text/x.tlog.size"
NOTE_TYPE = "text/plain; charset=utf-8"

WITNESS_PROBLEMS: Mapping[type[Exception], Problem] = {
    **AUDIT_PROBLEMS,
    UnknownLogError: Problem(404, "unknown-log", "This log is not known here"),
}
WITNESS_LIMITS: Mapping[str, int] = {"/add-checkpoint": MAX_BODY_BYTES}


def witness_blueprint(witness: Witness) -> Blueprint:
    """Return the views of *witness*; the application's problems must include `WITNESS_PROBLEMS`."""
    views = Blueprint("witness", __name__)

    @views.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        return Response(witness.add_checkpoint(request.get_data()), content_type=NOTE_TYPE)

    @views.get("/monitoring/<origin_hash>/checkpoint")
    def checkpoint(origin_hash: str) -> Response:
        return Response(witness.checkpoint(origin_hash), content_type=NOTE_TYPE)

    @views.errorhandler(ConflictError)
    def conflict(error: ConflictError) -> Response:
        return Response(f"{error.size}\n", 409, content_type=SIZE_TYPE)

    return views


def make_witness_app(witness: Witness) -> Flask:
    """Return the application of a witness that is nothing else."""
    app = Flask(__name__, static_folder=None)
    register_problems(app, WITNESS_PROBLEMS, BodyLimits(by_path=WITNESS_LIMITS))
    app.register_blueprint(witness_blueprint(witness))
    return app
