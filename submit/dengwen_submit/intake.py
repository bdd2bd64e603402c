"""
Taking a sealed petition in: the one thing that the public door does for strangers.

Whoever wants to send one asks first whether there is a place, so that nobody sends a petition
only to be told to come back; `dengwen_submit.intake_line` answers that where people stand in line.
What is posted is its letter; attachments follow (`dengwen_submit.attachment_views`). The body is
opaque here: the vault checks that it is the letter of a well-formed, well-signed sealed petition,
and no code in this process could open it. Nothing about the sender is looked at.
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, request

from dengwen_keys.petition_file import MAX_LETTER_BYTES
from dengwen_vault.vault import Vault

MAX_PETITION_BYTES = MAX_LETTER_BYTES
PATH = "/v1/petitions"
PLACES = "/v1/places"


def intake(vault: Vault) -> Blueprint:
    """Return the view that takes petitions."""
    views = Blueprint("intake", __name__)

    @views.post(PATH)
    def accept() -> Response:
        at_once = request.args.get("at-once") == "1"
        acceptance = vault.accept(request.get_data(cache=False), at_once=at_once)
        return Response(acceptance.to_bytes(), content_type="text/plain; charset=utf-8")

    @views.post(PLACES)
    def place() -> Response:
        return Response(status=HTTPStatus.NO_CONTENT)  # here nobody stands in line

    return views
