"""
What the door tells whoever signs with a case key: her own case, and nothing to anybody else.

The key itself comes with the request, so the door verifies the signature first, and looks for a
case only then: who cannot sign with a key learns nothing about it. Only a request that is answered
is remembered, so that strangers cause no writing, however many keys they make.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from dengwen_audit.http_signature import check_request, check_unused
from dengwen_audit.note import ED25519, Note, VerificationKey
from dengwen_audit.statements.fields import CaseId
from dengwen_audit.text import HASH_SIZE, parse_hex
from dengwen_vault.errors import NotYoursError
from dengwen_vault.vault import CaseFile, Vault

_HEX_KEY = re.compile(r"[0-9a-f]{64}")


def petitioner_views(vault: Vault, clock: Callable[[], float]) -> Blueprint:
    """Return the views that answer to case keys."""
    views = Blueprint("petitioner", __name__)

    def her_case() -> CaseId:
        return authenticate(vault, clock())

    @views.get("/v1/case/events")
    def events() -> Response:
        return jsonify(case_json(vault.case_events(her_case())))

    @views.get("/v1/case/attachments")
    def attachments() -> Response:
        return jsonify({"arrived": vault.arrived(her_case())})

    @views.post("/v1/case/challenges")
    def challenge() -> tuple[str, int]:
        vault.post_challenge(her_case(), Note.parse(request.get_data()))
        return "", HTTPStatus.ACCEPTED

    @views.get("/v1/case/heads/<nonce>")
    def heads(nonce: str) -> Response:
        found = vault.heads(her_case(), parse_hex(nonce, HASH_SIZE, "nonce"))
        return jsonify({"heads": [head.decode() for head in found]})

    @views.post("/v1/case/statements")
    def statement() -> tuple[str, int]:
        at_once = request.args.get("at-once") == "1"
        vault.post_case_statement(her_case(), Note.parse(request.get_data()), at_once=at_once)
        return "", HTTPStatus.ACCEPTED

    return views


def authenticate(vault: Vault, now: float) -> CaseId:
    """
    Return the case of the key that signed the present request.

    Raises:
        HttpSignatureError: If it is not signed as it must be, or was here before.
        NotYoursError: If no case has this key.
    """
    query = request.query_string.decode("latin-1")
    # As the client saw it: at the card's address, whatever a proxy made of it.
    url = f"{vault.card.door}{request.path}" + (f"?{query}" if query else "")
    headers, body = request.headers.items(), request.get_data()
    signed = check_request(request.method, url, headers, body, _case_key, now)
    case = vault.case_of(bytes.fromhex(signed.key_id))
    if case is None:
        raise NotYoursError
    check_unused(signed, vault.nonces)
    return case


def case_json(case: CaseFile) -> dict[str, object]:
    """Return a case file in the shape in which it travels: exact texts in a list."""
    return {
        "manifest": case.manifest.decode(),
        "events": [
            {
                "event": event.event.decode(),
                "cause": event.cause.decode() if event.cause is not None else None,
                "receipt": event.receipt.decode() if event.receipt is not None else None,
            }
            for event in case.events
        ],
    }


def _case_key(key_id: str) -> VerificationKey | None:
    if not _HEX_KEY.fullmatch(key_id):
        return None
    return VerificationKey("case", ED25519, bytes.fromhex(key_id))
