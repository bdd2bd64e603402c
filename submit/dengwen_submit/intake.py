"""
Taking a sealed petition in: the one thing that the public door does for strangers.

What is posted is its letter; attachments follow (`dengwen_submit.attachment_views`). The body is
opaque here: the vault checks that it is the letter of a well-formed, well-signed sealed petition,
and no code in this process could open it. Nothing about the sender is looked at.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from dengwen_keys.petition_file import MAX_LETTER_BYTES
from dengwen_vault.vault import Vault

MAX_PETITION_BYTES = MAX_LETTER_BYTES
PATH = "/v1/petitions"


def intake(vault: Vault) -> Blueprint:
    """Return the view that takes petitions."""
    views = Blueprint("intake", __name__)

    @views.post(PATH)
    def accept() -> Response:
        at_once = request.args.get("at-once") == "1"
        acceptance = vault.accept(request.get_data(cache=False), at_once=at_once)
        return Response(acceptance.to_bytes(), content_type="text/plain; charset=utf-8")

    return views
