"""What holders and mirrors ask: what waits for them, and to be believed when they have answered."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from dengwen_audit.note import Note
from dengwen_vault.shapes import parse_answer, waiting_json, work_json
from dengwen_vault.vault import Vault
from dengwen_vault.views.asking import Ask, accepted, hash_of, sent_note


def holder_views(vault: Vault, ask: Ask) -> Blueprint:
    """Return the views of holders and mirrors."""
    views = Blueprint("holder", __name__)

    @views.get("/v1/work")
    def work() -> Response:
        return jsonify(waiting_json(vault.work(ask())))

    @views.get("/v1/work/<hash_>")
    def work_item(hash_: str) -> Response:
        return jsonify(work_json(vault.work_item(ask(), hash_of(hash_))))

    @views.post("/v1/answers")
    def answer() -> Response:
        member, (note, sealed) = ask(), parse_answer(request.get_data())
        vault.answer(member, Note.parse(note), sealed)
        return accepted()

    @views.post("/v1/heads")
    def head() -> Response:
        vault.post_head(ask(), sent_note())
        return accepted()

    return views
