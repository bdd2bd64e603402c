"""
The public door as one Flask application: public files, intake, and each petitioner's own case.

No cookie is set or read, no session exists, and no answer depends on who asks, except to a case
key. What each error means to a visitor stands in one table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask, Response

from dengwen_audit.http_signature import HTTP_SIGNATURE_PROBLEMS
from dengwen_audit.problems import BodyLimits, Problem
from dengwen_audit.web import AUDIT_PROBLEMS, register_problems
from dengwen_keys.errors import KeysError
from dengwen_keys.petition_file import AttachedError
from dengwen_submit.attachment_views import PATH as ATTACHMENTS
from dengwen_submit.attachment_views import attachment_views
from dengwen_submit.errors import BusyError, PausedError
from dengwen_submit.intake import MAX_PETITION_BYTES, PATH, PLACES, intake
from dengwen_submit.petitioner_views import petitioner_views
from dengwen_submit.public_files import public_files
from dengwen_vault.logs import log_routes
from dengwen_vault.problems import VAULT_PROBLEMS
from dengwen_vault.vault import Vault

MAX_NOTE_BYTES = 64 << 10

PROBLEMS: Mapping[type[Exception], Problem] = {
    **AUDIT_PROBLEMS,
    **HTTP_SIGNATURE_PROBLEMS,
    **VAULT_PROBLEMS,
    KeysError: Problem(400, "malformed", "This is not a sealed petition as it should be"),
    AttachedError: Problem(400, "attachments-later", "Send attachments after the acceptance"),
    BusyError: Problem(503, "busy", "Many are here at once: come back in some seconds"),
    PausedError: Problem(503, "paused", "The office takes nothing in at present: come back"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_door(vault: Vault, clock: Callable[[], float]) -> Flask:
    """
    Return the door of the office whose store is *vault*.

    Args:
        vault: The store, which also names the public folder and the card.
        clock: Gives seconds since 1970.
    """
    door = Flask("dengwen-door", static_folder=None)
    door.url_map.strict_slashes = False
    door.url_map.merge_slashes = False
    card = vault.card
    limits = {PATH: MAX_PETITION_BYTES, PLACES: 0, ATTACHMENTS: vault.settings.allowance}
    register_problems(door, PROBLEMS, BodyLimits(MAX_NOTE_BYTES, limits))
    log_routes(door)
    door.register_blueprint(intake(vault))
    door.register_blueprint(attachment_views(vault))
    door.register_blueprint(petitioner_views(vault, clock))
    door.register_blueprint(public_files(vault.public_folder, card.door, card.tick))

    @door.after_request
    def add_headers(answer: Response) -> Response:
        answer.headers.update(HEADERS)
        if "Cache-Control" not in answer.headers:
            answer.cache_control.no_store = True
        return answer

    return door
