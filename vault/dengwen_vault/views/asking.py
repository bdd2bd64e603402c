"""What every view of the desk needs: who asks, and what was sent."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

from flask import Response, request

from dengwen_audit.note import Note
from dengwen_audit.statements.member import Member
from dengwen_audit.text import HASH_SIZE, TextError, parse_hex, parse_number
from dengwen_vault.access import SignedRequest
from dengwen_vault.vault import Vault

Ask = Callable[[], Member]  # who signed the present request

_UNQUOTED = "/:@!$&'()*+,;="  # what a client leaves as it is in a path, beside letters and digits


def asking_member(vault: Vault, now: float) -> Member:
    """
    Return the member who signed the present request.

    Raises:
        HttpSignatureError: If nobody did who may ask here.
    """
    query = request.query_string.decode("latin-1")
    target = quote(request.path, safe=_UNQUOTED) + (f"?{query}" if query else "")
    headers = list(request.headers.items())
    asked = SignedRequest(request.method, target, headers, request.get_data())
    return vault.check_member(asked, now)


def sent_note() -> Note:
    """Return the body as a note."""
    return Note.parse(request.get_data())


def hash_of(value: str) -> bytes:
    """Return the hash in an address."""
    return parse_hex(value, HASH_SIZE, "address")


def number_of(name: str) -> int:
    """Return a number that the query must have."""
    values = request.args.getlist(name)
    if len(values) != 1:
        raise TextError(f"query: expected {name} once")
    return parse_number(values[0], f"query: {name}")


def text_answer(data: bytes) -> Response:
    """Answer with a signed text."""
    return Response(data, content_type="text/plain; charset=utf-8")


def accepted() -> Response:
    """Answer that what was posted is on disk, and will be in the log."""
    return Response(status=HTTPStatus.ACCEPTED, content_type="text/plain; charset=utf-8")
