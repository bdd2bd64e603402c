"""What a reviewer asks: the desk, the cases of the own panels, and to open a compartment."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from dengwen_audit.statements.fields import CaseId
from dengwen_vault.shapes import case_json, desk_json, request_json
from dengwen_vault.vault import Vault
from dengwen_vault.views.asking import Ask, hash_of, sent_note, text_answer


def reviewer_views(vault: Vault, ask: Ask) -> Blueprint:
    """Return the views of reviewers."""
    views = Blueprint("reviewer", __name__)

    @views.get("/v1/desk")
    def desk() -> Response:
        member, after = ask(), request.args.get("after", "")
        return jsonify(desk_json(vault.desk(member, hash_of(after) if after else b"")))

    @views.get("/v1/cases/<case>/manifest")
    def manifest(case: str) -> Response:
        return text_answer(vault.manifest(ask(), CaseId(hash_of(case))))

    @views.get("/v1/cases/<case>/parts/<path:name>")
    def part(case: str, name: str) -> Response:
        data = vault.part(ask(), CaseId(hash_of(case)), name)
        return Response(data, content_type="application/octet-stream")

    @views.get("/v1/cases/<case>/events")
    def events(case: str) -> Response:
        return jsonify(case_json(vault.panel_events(ask(), CaseId(hash_of(case)))))

    @views.post("/v1/requests")
    def post_request() -> tuple[Response, int]:
        posted = vault.post_request(ask(), sent_note())
        return jsonify({"request": posted.hex()}), HTTPStatus.ACCEPTED

    @views.get("/v1/requests/<hash_>")
    def request_state(hash_: str) -> Response:
        return jsonify(request_json(vault.request_state(ask(), hash_of(hash_))))

    return views
