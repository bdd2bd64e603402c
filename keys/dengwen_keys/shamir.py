"""
Shamir's secret sharing: n shares of a 32-byte secret, any k of which give it back.

::

    share = y (32 bytes) ‖ x (1 byte)          x = the seat's number, 1 to n

Each byte of the secret is the constant term of its own polynomial of degree k - 1 over GF(2^8), the
field of AES (x^8 + x^4 + x^3 + x + 1); the other coefficients are random. Fewer than k shares say
nothing about the secret, and k wrong ones give a wrong secret without complaint: whoever combines
must compare the result with something that was committed to.

All 32 bytes are computed at once, as one integer with a byte in each lane: multiplying by a public
number is at most eight shifts and no table, so no secret byte ever chooses an address or a branch.

Source: Shamir 1979; the layout of HashiCorp Vault and npm `shamir-secret-sharing`;
docs/formats/shamir.md, docs/decisions/0004-shamir.md.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NewType

from dengwen_keys.errors import ShareError

if TYPE_CHECKING:
    from collections.abc import Sequence

Share = NewType("Share", bytes)

SECRET_SIZE = 32  # bytes
SHARE_SIZE = SECRET_SIZE + 1  # bytes
MAX_SHARES = 255

_REDUCTION = 0x1B  # x^8 = x^4 + x^3 + x + 1
_ONES = int.from_bytes(b"\x01" * SECRET_SIZE, "big")
_LOW_BITS = 0x7F * _ONES


def split(secret: bytes, k: int, n: int) -> list[Share]:
    """
    Return n shares of a 32-byte *secret*, for seats 1 to n, of which any k give it back.

    Raises:
        ShareError: If the secret has another length, or not 2 ≤ k ≤ n ≤ 255.
    """
    if len(secret) != SECRET_SIZE:
        raise ShareError(f"shamir: a secret of other than {SECRET_SIZE} bytes")
    if not 2 <= k <= n <= MAX_SHARES:
        raise ShareError(f"shamir: not 2 ≤ k ≤ n ≤ {MAX_SHARES}")
    # A leading coefficient may be zero in some bytes: excluding it would tell something.
    coefficients = [secret] + [secrets.token_bytes(SECRET_SIZE) for _ in range(k - 1)]
    lanes = [int.from_bytes(coefficient, "big") for coefficient in coefficients]
    return [_share(_evaluate(lanes, seat), seat) for seat in range(1, n + 1)]


def combine(shares: Sequence[Share]) -> bytes:
    """
    Return the secret that these shares, at least k of them, were split from.

    Any distinct seats will do, in any order. Nothing here can tell a wrong share from a right one.

    Raises:
        ShareError: If there are fewer than two, a length is wrong, a seat is 0 or comes twice.
    """
    seats = [seat_of(share) for share in shares]
    if len(seats) < 2:
        raise ShareError("shamir: fewer than two shares")
    if len(set(seats)) != len(seats):
        raise ShareError("shamir: two shares of one seat")
    secret = 0
    for share, seat in zip(shares, seats, strict=True):
        value = int.from_bytes(share[:SECRET_SIZE], "big")
        secret ^= _multiply_lanes(value, _weight(seat, seats))
    return secret.to_bytes(SECRET_SIZE, "big")


def seat_of(share: Share) -> int:
    """
    Return the seat that a share is for, 1 to 255.

    Raises:
        ShareError: If the length is wrong, or the seat is 0.
    """
    if len(share) != SHARE_SIZE:
        raise ShareError(f"shamir: a share of other than {SHARE_SIZE} bytes")
    if share[-1] == 0:
        raise ShareError("shamir: a share of seat 0, which would be the secret itself")
    return share[-1]


def _share(lanes: int, seat: int) -> Share:
    return Share(lanes.to_bytes(SECRET_SIZE, "big") + bytes([seat]))


def _evaluate(coefficients: list[int], x: int) -> int:
    """Evaluate the polynomials, one per lane, at a public x by Horner's rule."""
    value = 0
    for coefficient in reversed(coefficients):
        value = _multiply_lanes(value, x) ^ coefficient
    return value


def _multiply_lanes(lanes: int, factor: int) -> int:
    """Multiply the byte in every lane by a public *factor* in GF(2^8)."""
    product = 0
    while factor:
        if factor & 1:
            product ^= lanes
        overflow = lanes >> 7 & _ONES
        lanes = (lanes & _LOW_BITS) << 1 ^ overflow * _REDUCTION
        factor >>= 1
    return product


def _weight(seat: int, seats: Sequence[int]) -> int:
    """Return what the share of *seat* is multiplied by: Lagrange's polynomial at 0. All public."""
    numerator = denominator = 1
    for other in seats:
        if other != seat:
            numerator = _multiply(numerator, other)
            denominator = _multiply(denominator, other ^ seat)
    return _multiply(numerator, _invert(denominator))


def _multiply(a: int, b: int) -> int:
    """Multiply two public field elements."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (a >> 7) * (0x100 | _REDUCTION)
        b >>= 1
    return product


def _invert(a: int) -> int:
    """Return a^254 = 1/a of a public field element other than 0."""
    inverse = 1
    for _ in range(7):
        a = _multiply(a, a)
        inverse = _multiply(inverse, a)
    return inverse
