"""
X25519 shares that would leave the classical half of the hybrid without a secret.

Libraries differ in when they notice such a share: at parsing, at the exchange, or not at all. Here
it is refused wherever one is read, so that none of them has to.

Source: RFC 7748, sections 6.1 and 7; C2SP age.md v1.1.0, which asks to abort.
"""

from __future__ import annotations

SHARE_SIZE = 32  # bytes

_PRIME = 2**255 - 19
# The u coordinates of the points of small order, on the curve and on its twist.
_SMALL_ORDER = frozenset(
    (
        0,
        1,
        _PRIME - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    )
)


def is_small_order(share: bytes) -> bool:
    """Tell whether a share has small order; its highest bit does not count, as in X25519 itself."""
    u = int.from_bytes(share, "little") & ((1 << 255) - 1)
    return u % _PRIME in _SMALL_ORDER


def small_order_shares() -> list[bytes]:
    """Return every spelling of the shares of small order: reduced or not, the top bit on or off."""
    reduced = [u for u in _SMALL_ORDER if u < _PRIME]
    spellings = [*reduced, *(u + _PRIME for u in reduced if u + _PRIME < 1 << 255)]
    tops = (0, 1 << 255)
    return [(u | top).to_bytes(SHARE_SIZE, "little") for u in spellings for top in tops]
