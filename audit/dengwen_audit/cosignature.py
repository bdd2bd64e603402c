"""
Cosignatures: a witness says that, at this time, this checkpoint is the newest it has seen.

::

    — witness.example/w base64(id ‖ time, uint64 big-endian ‖ Ed25519 signature)

    signed:   cosignature/v1
              time 1679315147
              example.org/log                           the whole text of the checkpoint
              …

The signed bytes do not hold the witness's name, so one key must never serve two witnesses; a policy
that lists one key twice is refused.

Source: C2SP tlog-cosignature.md v1.0.1, type 0x04; docs/formats/log.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from dengwen_audit.checkpoint import Checkpoint
from dengwen_audit.errors import SignatureError
from dengwen_audit.note import (
    COSIGNATURE_V1,
    SIGNATURE_SIZE,
    TIME_SIZE,
    NoteSignature,
    SigningKey,
    VerificationKey,
)
from dengwen_audit.text import MAX_NUMBER

_TIME = struct.Struct(">Q")


@dataclass(frozen=True)
class Cosigner:
    """A witness's pen: it writes cosignatures and nothing else. The key is of `COSIGNATURE_V1`."""

    key: SigningKey

    def __post_init__(self) -> None:
        """Refuse a key that signs notes."""
        if self.key.algorithm != COSIGNATURE_V1:
            raise AssertionError("internal error: not a cosigning key")

    def cosign(self, text: bytes, time: int) -> NoteSignature:
        """
        Cosign a checkpoint's *text* as seen at *time*, in seconds since 1970.

        Raises:
            TextError: If the text is not that of a checkpoint.
        """
        Checkpoint.parse(text)
        if not 0 <= time <= MAX_NUMBER:
            raise AssertionError("internal error: no such time")
        signature = self.key.sign_bytes(_message(text, time))
        key = self.key.verification_key
        return NoteSignature(key.name, key.id + _TIME.pack(time) + signature)


def check_cosignature(line: NoteSignature, key: VerificationKey, text: bytes) -> int:
    """
    Check that *line* is the cosignature of a checkpoint's *text* by *key*; return its time.

    Raises:
        SignatureError: If it is by another key, or wrong.
    """
    if key.algorithm != COSIGNATURE_V1 or not line.is_by(key):
        raise SignatureError("the cosignature is by another key")
    if len(line.signature) != TIME_SIZE + SIGNATURE_SIZE:
        raise SignatureError(f"the cosignature by {key.name} has another length")
    (time,) = _TIME.unpack_from(line.signature)
    # The standard allows times up to 2**63 - 1; a browser's numbers end here, and so does any need.
    if time > MAX_NUMBER or not key.is_signature(line.signature[TIME_SIZE:], _message(text, time)):
        raise SignatureError(f"the cosignature by {key.name} is wrong")
    return int(time)


def _message(text: bytes, time: int) -> bytes:
    """Return the bytes that a witness signs."""
    return f"cosignature/v1\ntime {time}\n".encode("ascii") + text
