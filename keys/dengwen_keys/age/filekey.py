"""
What is derived from an age file's key: the header's MAC and the payload's key.

Source: C2SP age.md v1.1.0, "Header MAC" and "Payload".
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NewType

from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FileKey = NewType("FileKey", bytes)
PayloadKey = NewType("PayloadKey", bytes)

SUITE: Final = hpke.Suite(
    hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305
)
INFO: Final = b"age-encryption.org/mlkem768x25519"


def derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """Return 32 bytes of HKDF-SHA-256; an empty salt is RFC 5869's default."""
    return HKDF(hashes.SHA256(), 32, salt or None, info).derive(secret)


def header_mac(file_key: FileKey, header: bytes) -> bytes:
    """Return the MAC of a header's bytes, from the version line through the three hyphens."""
    return hmac.digest(derive(file_key, b"", b"header"), header, hashlib.sha256)


def payload_key(file_key: FileKey, nonce: bytes) -> PayloadKey:
    """Return the key of the payload that begins with this 16-byte *nonce*."""
    return PayloadKey(derive(file_key, nonce, b"payload"))
