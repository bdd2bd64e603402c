"""
The gatekeeper on the web: the witness that it also is, and its answer to petitioners.

::

    POST /head                                            a challenge's note; the answer is a head's
    POST /add-checkpoint                                  from the log
    GET  /monitoring/<SHA-256 of the origin>/checkpoint   for monitors

Nothing here reads a request or releases a share: that is the daemon's, which asks the desk and is
asked by nobody.

Source: docs/formats/challenge-head.md; docs/formats/witness-and-mirror.md.
"""

from __future__ import annotations

from flask import Flask

from dengwen_audit.mirror_web import HEAD_LIMITS, head_blueprint
from dengwen_audit.problems import BodyLimits
from dengwen_audit.web import register_problems
from dengwen_audit.witness import Witness
from dengwen_audit.witness_web import WITNESS_LIMITS, WITNESS_PROBLEMS, witness_blueprint
from dengwen_keys.gatekeeper.heads import Heads


def make_gatekeeper_app(heads: Heads, witness: Witness | None) -> Flask:
    """Return the application of a gatekeeper; without *witness* it answers petitioners only."""
    app = Flask(__name__, static_folder=None)
    limits = {**HEAD_LIMITS, **(WITNESS_LIMITS if witness else {})}
    register_problems(app, WITNESS_PROBLEMS, BodyLimits(by_path=limits))
    app.register_blueprint(head_blueprint(heads.answer))
    if witness is not None:
        app.register_blueprint(witness_blueprint(witness))
    return app
