"""
The sizes of an age file's parts: plain arithmetic, so that a length can be judged before a byte is.

Source: C2SP age.md v1.1.0; docs/formats/age.md has the picture.
"""

from __future__ import annotations

from dengwen_keys.errors import FormatError

ENCAPSULATION_SIZE = 1120  # bytes: ML-KEM-768 ciphertext, 1,088, then X25519 share, 32
RECIPIENT_SIZE = 1216  # bytes: ML-KEM-768 public key, 1,184, then X25519 public key, 32
SEED_SIZE = 32  # bytes: a hybrid identity
FILE_KEY_SIZE = 16  # bytes
TAG_SIZE = 16  # bytes: Poly1305
BODY_SIZE = FILE_KEY_SIZE + TAG_SIZE
MAC_SIZE = 32  # bytes
NONCE_SIZE = 16  # bytes: before the payload
CHUNK_SIZE = 64 * 1024  # bytes of plaintext
SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE

MAX_HEADER_BYTES = 512 * 1024
MAX_STANZAS = 64

_VERSION_LINE_SIZE = len("age-encryption.org/v1\n")
_MAC_LINE_SIZE = len("--- ") + 43 + 1
STANZA_SIZE = len("-> mlkem768x25519 ") + 1494 + 1 + 43 + 1  # one hybrid recipient


def header_length(recipients: int) -> int:
    """Return the length of the header of a file to this many hybrid recipients."""
    return _VERSION_LINE_SIZE + recipients * STANZA_SIZE + _MAC_LINE_SIZE


def sealed_length(plaintext_length: int, recipients: int) -> int:
    """Return the length of the age file of a plaintext to this many hybrid recipients."""
    chunks = max(1, -(-plaintext_length // CHUNK_SIZE))
    return header_length(recipients) + NONCE_SIZE + plaintext_length + chunks * TAG_SIZE


def plaintext_length(payload_length: int) -> int:
    """
    Return the length of the plaintext in what follows an age header, nonce included.

    Raises:
        FormatError: If no payload has this length.
    """
    chunks, rest = divmod(payload_length - NONCE_SIZE, SEALED_CHUNK_SIZE)
    if rest:
        chunks += 1
    length = payload_length - NONCE_SIZE - chunks * TAG_SIZE
    if chunks < 1 or length < 0 or (0 < rest <= TAG_SIZE and chunks > 1):
        raise FormatError("age: no payload has this length")
    return length
