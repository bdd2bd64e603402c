"""Signed requests for ``http_signature.json``; `statement_vectors` writes the file."""

from __future__ import annotations

import base64
import hashlib

from tests.small_office import make_key
from tests.vectors.spelling import Case

NOW = 1736500000
COVERED = '("@method" "@authority" "@path" "@query" "content-digest")'
NONCE = "000102030405060708090a0b0c0d0e0f"
PARAMETERS = f';created={NOW};keyid="reviewer-1";nonce="{NONCE}";alg="ed25519";tag="dengwen"'

# What is wrong, the edit of a field, and the end of the problem's type.
EDITS = (
    ("another tag", "signature-input", 'tag="dengwen"', 'tag="other"', "coverage"),
    ("another algorithm", "signature-input", "ed25519", "rsa-pss-sha512", "coverage"),
    ("a component missing", "signature-input", ' "@query"', "", "coverage"),
    ("a component more", "signature-input", '"@query"', '"@query" "date"', "coverage"),
    ("an unknown parameter", "signature-input", ";alg", ";age=1;alg", "coverage"),
    ("a short nonce", "signature-input", NONCE, NONCE[2:], "malformed"),
    ("another nonce", "signature-input", NONCE, NONCE[::-1], "wrong"),
    ("another time", "signature-input", f"{NOW}", f"{NOW + 1}", "wrong"),
    ("too old", "signature-input", f"{NOW}", f"{NOW - 301}", "time"),
    ("from the future", "signature-input", f"{NOW}", f"{NOW + 301}", "time"),
    ("another key", "signature-input", "reviewer-1", "reviewer-3", "wrong"),
    ("an unknown key", "signature-input", "reviewer-1", "reviewer-9", "key"),
    ("two labels", "signature", "dengwen=", "other=", "malformed"),
)


def request_vectors(source: str) -> Case:
    """Return the content of ``http_signature.json``."""
    requests = [
        _signed("POST", "https://desk.dengwen.example", "/v1/requests", "", b"hello"),
        _signed("GET", "https://desk.dengwen.example", "/v1/epochs", "?from=0&to=9", b""),
        _signed("GET", "http://127.0.0.1:8000", "/", "", b""),
    ]
    return {
        "source": source,
        "comment": (
            "requests: base is what is signed, by the key of this seed; the fields are those of "
            "the request. edits: in that field of the first request, `old` becomes `new`, and it "
            "is refused under urn:dengwen:problem:http-signature-`expect`, at the time `now`, by "
            "who knows reviewer-1 and reviewer-3."
        ),
        "now": NOW,
        "seed": make_key("reviewer-1").seed.hex(),
        "requests": requests,
        "edits": [
            {"comment": comment, "field": field, "old": old, "new": new, "expect": expect}
            for comment, field, old, new, expect in EDITS
        ],
    }


def _signed(method: str, origin: str, path: str, query: str, body: bytes) -> Case:
    digest = f"sha-256=:{_base64(hashlib.sha256(body).digest())}:"
    base = "\n".join(
        (
            f'"@method": {method}',
            f'"@authority": {origin.partition("//")[2]}',
            f'"@path": {path}',
            f'"@query": {query or "?"}',
            f'"content-digest": {digest}',
            f'"@signature-params": {COVERED}{PARAMETERS}',
        )
    )
    signature = make_key("reviewer-1").sign_bytes(base.encode())
    return {
        "method": method,
        "url": origin + path + query,
        "body": body.decode(),
        "base": base,
        "fields": {
            "content-digest": digest,
            "signature-input": f"dengwen={COVERED}{PARAMETERS}",
            "signature": f"dengwen=:{_base64(signature)}:",
        },
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
