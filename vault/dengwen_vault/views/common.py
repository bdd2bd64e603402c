"""What several roles ask: to say something of a case, and to read whole epochs."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from dengwen_vault.shapes import epoch_json
from dengwen_vault.vault import Vault
from dengwen_vault.views.asking import Ask, accepted, number_of, sent_note


def common_views(vault: Vault, ask: Ask) -> Blueprint:
    """Return the views of members of several roles."""
    views = Blueprint("common", __name__)

    @views.post("/v1/statements")
    def statement() -> Response:
        vault.post_statement(ask(), sent_note())
        return accepted()

    @views.get("/v1/epochs")
    def epochs() -> Response:
        member, causes = ask(), request.args.get("causes") == "1"
        bundles = vault.epochs(member, number_of("from"), number_of("to"), causes=causes)
        return jsonify({"epochs": [epoch_json(bundle, causes=causes) for bundle in bundles]})

    return views
