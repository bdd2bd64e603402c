"""
A mirror on the web: the views of a witness, and an answer to petitioners.

::

    POST /head          a challenge's note; the answer is a head's note

Gatekeepers answer petitioners by the same view.

Source: docs/formats/witness-and-mirror.md; docs/formats/challenge-head.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Flask, Response, request

from dengwen_audit.http_client import UnreachableError
from dengwen_audit.mirror import Mirror
from dengwen_audit.note import Note
from dengwen_audit.problems import BodyLimits, Problem
from dengwen_audit.web import register_problems
from dengwen_audit.witness import Witness
from dengwen_audit.witness_web import (
    NOTE_TYPE,
    WITNESS_LIMITS,
    WITNESS_PROBLEMS,
    witness_blueprint,
)

MAX_CHALLENGE_NOTE_BYTES = 16 * 1024

HEAD_LIMITS: Mapping[str, int] = {"/head": MAX_CHALLENGE_NOTE_BYTES}
MIRROR_PROBLEMS: Mapping[type[Exception], Problem] = {
    **WITNESS_PROBLEMS,
    UnreachableError: Problem(503, "epochs-missing", "The epochs are not all here", retry_after=60),
}


def head_blueprint(answer: Callable[[Note], Note]) -> Blueprint:
    """Return the view by which a petitioner is told what was seen of her case."""
    views = Blueprint("head", __name__)

    @views.post("/head")
    def head() -> Response:
        challenge = Note.parse(request.get_data(), MAX_CHALLENGE_NOTE_BYTES)
        return Response(answer(challenge).to_bytes(), content_type=NOTE_TYPE)

    return views


def make_mirror_app(witness: Witness, mirror: Mirror) -> Flask:
    """Return the application of a mirror; *witness* must call `mirror.hold` before it cosigns."""
    app = Flask(__name__, static_folder=None)
    limits = BodyLimits(by_path={**WITNESS_LIMITS, **HEAD_LIMITS})
    register_problems(app, MIRROR_PROBLEMS, limits)
    app.register_blueprint(witness_blueprint(witness))
    app.register_blueprint(head_blueprint(mirror.answer))
    return app
