"""
Signatures at the edges of Ed25519, where libraries disagree: made from points of small order.

The rule of this project is libsodium's: the equation without the factor 8, S below the group's
order, R and the key not of small order, the key in its canonical spelling.
"""

from __future__ import annotations

import hashlib
from itertools import count

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_scalarmult_ed25519_base_noclamp,
)

from tests.small_log import seed

ORDER = 2**252 + 27742317777372353535851937790883648493
IDENTITY = (1).to_bytes(32, "little")
IDENTITY_SPELT_OTHERWISE = (2**255 - 19 + 1).to_bytes(32, "little")
ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")


def edges() -> list[dict[str, object]]:
    """Return a case for each edge; expect is ``ok`` or ``signature``."""
    message = b"dengwen/example/v1\n"
    secret, nonce = _scalar("secret"), _scalar("nonce")
    key, commitment = _point(secret), _point(nonce)
    good = _signature(commitment, nonce, secret, key, message)
    scalar = int.from_bytes(good[32:], "little")
    shifted = crypto_core_ed25519_add(commitment, ORDER_8)
    mixed_key = crypto_core_ed25519_add(key, ORDER_8)
    hits = _messages(commitment, mixed_key, hits=True)
    misses = _messages(commitment, mixed_key, hits=False)
    # With the identity as key, R = S·B satisfies the equation for every message.
    free = commitment + _bytes(nonce)
    rows = [
        ("a plain signature", "ok", key, message, good),
        ("another message", "signature", key, b"another\n", good),
        ("S plus the group's order", "signature", key, message, good[:32] + _bytes(scalar + ORDER)),
        ("a byte too short", "signature", key, message, good[:-1]),
        ("a byte too long", "signature", key, message, good + b"\x00"),
        ("the identity as key", "signature", IDENTITY, message, free),
        (
            "the identity as key, spelt with y not reduced",
            "signature",
            IDENTITY_SPELT_OTHERWISE,
            message,
            free,
        ),
        (
            "the identity as R",
            "signature",
            key,
            message,
            _signature(IDENTITY, 0, secret, key, message),
        ),
        (
            "R with a part of order 8: good only for those who multiply by 8",
            "signature",
            key,
            message,
            _signature(shifted, nonce, secret, key, message),
        ),
        (
            "a key with a part of order 8, where it does not cancel",
            "signature",
            mixed_key,
            misses,
            _signature(commitment, nonce, secret, mixed_key, misses),
        ),
        (
            "a key with a part of order 8, where it happens to cancel",
            "ok",
            mixed_key,
            hits,
            _signature(commitment, nonce, secret, mixed_key, hits),
        ),
    ]
    return [
        {
            "comment": comment,
            "expect": expect,
            "key": key.hex(),
            "message": message.hex(),
            "signature": signature.hex(),
        }
        for comment, expect, key, message, signature in rows
    ]


def _scalar(label: str) -> int:
    return int.from_bytes(hashlib.sha512(seed(label)).digest(), "little") % ORDER


def _bytes(scalar: int) -> bytes:
    return scalar.to_bytes(32, "little")


def _point(scalar: int) -> bytes:
    return crypto_scalarmult_ed25519_base_noclamp(_bytes(scalar))


def _challenge(commitment: bytes, key: bytes, message: bytes) -> int:
    digest = hashlib.sha512(commitment + key + message).digest()
    return int.from_bytes(digest, "little") % ORDER


def _signature(commitment: bytes, nonce: int, secret: int, key: bytes, message: bytes) -> bytes:
    scalar = nonce + _challenge(commitment, key, message) * secret
    return commitment + _bytes(scalar % ORDER)


def _messages(commitment: bytes, key: bytes, *, hits: bool) -> bytes:
    """Return the first message whose challenge is (or is not) a multiple of 8."""
    for number in count():
        message = f"dengwen/example/v1\nnumber {number}\n".encode()
        if (_challenge(commitment, key, message) % 8 == 0) == hits:
            return message
    raise AssertionError("internal error: count() ends")
