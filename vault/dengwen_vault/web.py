"""
The desk as one Flask application: what members of the office ask, each by a signed request.

vault/openapi.yaml describes it, and a test compares the two. What each error means to a caller
stands in one table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask, Response

from dengwen_audit.http_signature import HTTP_SIGNATURE_PROBLEMS
from dengwen_audit.problems import BodyLimits, Problem
from dengwen_audit.statements.member import Member
from dengwen_audit.web import AUDIT_PROBLEMS, register_problems
from dengwen_keys.errors import KeysError
from dengwen_vault.logs import log_routes
from dengwen_vault.problems import VAULT_PROBLEMS
from dengwen_vault.vault import Vault
from dengwen_vault.views.asking import asking_member
from dengwen_vault.views.common import common_views
from dengwen_vault.views.holder import holder_views
from dengwen_vault.views.reviewer import reviewer_views

MAX_NOTE_BYTES = 64 << 10
MAX_ANSWER_BYTES = 256 << 10  # a note, and 64 KiB in base64
MAX_HEAD_BYTES = 272 << 10

PROBLEMS: Mapping[type[Exception], Problem] = {
    **AUDIT_PROBLEMS,
    **HTTP_SIGNATURE_PROBLEMS,
    **VAULT_PROBLEMS,
    KeysError: Problem(400, "malformed", "The request is not of the form it should have"),
}
LIMITS = BodyLimits(MAX_NOTE_BYTES, {"/v1/answers": MAX_ANSWER_BYTES, "/v1/heads": MAX_HEAD_BYTES})


def create_desk(vault: Vault, clock: Callable[[], float]) -> Flask:
    """
    Return the desk of the office whose store is *vault*.

    Args:
        clock: Gives seconds since 1970, by which signed requests are judged.
    """

    def ask() -> Member:
        return asking_member(vault, clock())

    desk = Flask("dengwen-desk", static_folder=None)
    desk.url_map.strict_slashes = False
    desk.url_map.merge_slashes = False
    register_problems(desk, PROBLEMS, LIMITS)
    log_routes(desk)
    for views in (reviewer_views, holder_views, common_views):
        desk.register_blueprint(views(vault, ask))

    @desk.after_request
    def add_headers(answer: Response) -> Response:
        answer.cache_control.no_store = True
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer

    return desk
