"""
Bech32: the spelling of age keys, a prefix, data in 32 letters, and a checksum of six.

A hybrid recipient has 1,959 characters, and the textbook loop over single bits takes 2 ms for them.
Here base 32 is left to Python's own integers, and the checksum takes two letters a step with a
table: about 0.1 ms. As age does, the limit of 90 characters is lifted.

Source: BIP 173; C2SP age.md v1.1.0, "Conventions used in this document".
"""

from __future__ import annotations

import base64
import functools

from dengwen_keys.errors import FormatError

_LETTERS = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_DIGITS = b"0123456789abcdefghijklmnopqrstuv"  # as `int(…, 32)` reads them
_RFC4648 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # as `base64.b32encode` writes them
_CHECKSUM_SIZE = 6  # letters
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_NO_LETTER = 0xFF


def _table(source: bytes, target: bytes, otherwise: bytes) -> bytes:
    """Return a table for `bytes.translate`; what is not in *source* goes to *otherwise*."""
    pairs = dict(zip(source, target, strict=True))
    return bytes(pairs.get(byte, otherwise[0]) for byte in range(256))


_TO_VALUE = _table(_LETTERS, bytes(range(32)), bytes([_NO_LETTER]))
_TO_DIGIT = _table(_LETTERS, _DIGITS, b"!")
_FROM_RFC4648 = bytes.maketrans(_RFC4648, _LETTERS)
_FROM_VALUE = bytes.maketrans(bytes(range(32)), _LETTERS)


def _shift(state: int) -> int:
    """Feed one zero to the checksum's shift register of six letters."""
    top = state >> 25
    state = (state & 0x1FFFFFF) << 5
    for bit, value in enumerate(_GENERATOR):
        if top >> bit & 1:
            state ^= value
    return state


_SHIFT_TWICE = tuple(_shift(_shift(top << 20)) for top in range(1 << 10))


def _feed(state: int, values: bytes) -> int:
    """Feed *values*, each below 32, to the checksum's shift register."""
    if len(values) % 2:
        state = _shift(state) ^ values[0]
        values = values[1:]
    shift_twice = _SHIFT_TWICE
    for first, second in zip(values[::2], values[1::2], strict=True):
        state = (state & 0xFFFFF) << 10 ^ first << 5 ^ second ^ shift_twice[state >> 20]
    return state


@functools.lru_cache(maxsize=16)
def _start(prefix: str) -> int:
    """Return the register's state after the prefix."""
    data = prefix.encode("ascii")
    return _feed(1, bytes(byte >> 5 for byte in data) + b"\0" + bytes(byte & 31 for byte in data))


def encode(prefix: str, data: bytes) -> str:
    """Spell *data* in small letters, after *prefix* (small letters) and the figure 1."""
    letters = base64.b32encode(data).rstrip(b"=").translate(_FROM_RFC4648)
    state = _feed(_start(prefix), letters.translate(_TO_VALUE) + bytes(_CHECKSUM_SIZE)) ^ 1
    checksum = bytes(state >> 5 * (_CHECKSUM_SIZE - 1 - i) & 31 for i in range(_CHECKSUM_SIZE))
    return f"{prefix}1{(letters + checksum.translate(_FROM_VALUE)).decode('ascii')}"


def decode(prefix: str, text: str, size: int) -> bytes:
    """
    Return the *size* bytes that *text*, in small letters and after *prefix*, spells.

    Raises:
        FormatError: If the prefix, length, a letter, the checksum or the padding is wrong.
    """
    letter_count = -(-size * 8 // 5)
    start = f"{prefix}1"
    if not text.startswith(start) or len(text) != len(start) + letter_count + _CHECKSUM_SIZE:
        raise FormatError(f"bech32: not {size} bytes after {prefix}")
    letters = text[len(start) :].encode("ascii", "replace")
    values = letters.translate(_TO_VALUE)
    if _NO_LETTER in values or _feed(_start(prefix), values) != 1:
        raise FormatError("bech32: the checksum is wrong, so a letter is")
    number = int(b"0" + letters[:letter_count].translate(_TO_DIGIT), 32)
    padding = letter_count * 5 - size * 8
    if number & (1 << padding) - 1:
        raise FormatError("bech32: the padding is not zero")
    return (number >> padding).to_bytes(size, "big")
