"""
Sealing to age's hybrid recipients: X25519 and ML-KEM-768 together, so that both must be broken.

Only ``age1pq1…`` recipients exist here. A classical recipient in the same file would undo what the
hybrid ones are for, so there is no way to name one.

Source: C2SP age.md v1.1.0, "The hybrid recipient type".
"""

from __future__ import annotations

import functools
import hashlib
import io
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

from dengwen_keys.age import bech32, filekey, header, sizes, stream, x25519
from dengwen_keys.errors import FormatError, SealError

if TYPE_CHECKING:
    from collections.abc import Collection

PREFIX = "age1pq"


@dataclass(frozen=True)
class Recipient:
    """
    A public key to seal to, spelt ``age1pq1…`` in 1,959 characters.

    Two recipients are equal if their spellings are.
    """

    text: str
    _key: MLKEM768X25519PublicKey = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Recipient:
        """
        Read a recipient; the last thousand different ones are remembered.

        Raises:
            FormatError: If it is not the one spelling of a hybrid recipient; `age1…` is not.
        """
        return _parse(text)

    @classmethod
    def from_bytes(cls, data: bytes) -> Recipient:
        """
        Make a recipient of its 1,216 bytes.

        Raises:
            FormatError: If they are no hybrid public key.
        """
        return cls(bech32.encode(PREFIX, data), _load(data))

    @property
    def hash(self) -> bytes:
        """SHA-256 of the spelling: what a manifest commits to."""
        return hashlib.sha256(self.text.encode("ascii")).digest()

    def to_text(self) -> str:
        """Spell the recipient."""
        return self.text

    def wrap(self, file_key: filekey.FileKey) -> header.Stanza:
        """Return a stanza that only this recipient's identity can unwrap. About 0.12 ms."""
        wrapped = filekey.SUITE.encrypt(file_key, self._key, filekey.INFO)
        encapsulation = header.to_base64(wrapped[: sizes.ENCAPSULATION_SIZE])
        return header.Stanza(header.HYBRID, (encapsulation,), wrapped[sizes.ENCAPSULATION_SIZE :])


def encrypt(recipients: Collection[Recipient], plaintext: bytes) -> bytes:
    """
    Seal *plaintext* as one age file that each of the *recipients* can open.

    Raises:
        SealError: If there is no recipient, or more than 64.
    """
    destination = io.BytesIO()
    encrypt_stream(recipients, io.BytesIO(plaintext), destination)
    return destination.getvalue()


def encrypt_stream(
    recipients: Collection[Recipient], source: BinaryIO, destination: BinaryIO
) -> None:
    """
    Seal all that *source* still holds, reading a chunk of 64 KiB at a time.

    Raises:
        SealError: If there is no recipient, or more than 64. Nothing is written then.
    """
    if not 1 <= len(recipients) <= sizes.MAX_STANZAS:
        raise SealError(f"age: not between 1 and {sizes.MAX_STANZAS} recipients")
    file_key = filekey.FileKey(secrets.token_bytes(sizes.FILE_KEY_SIZE))
    stanzas = tuple(recipient.wrap(file_key) for recipient in recipients)
    mac = filekey.header_mac(file_key, header.authenticated_bytes(stanzas))
    nonce = secrets.token_bytes(sizes.NONCE_SIZE)
    destination.write(header.Header(stanzas, mac).to_bytes() + nonce)
    stream.encrypt_stream(filekey.payload_key(file_key, nonce), source, destination)


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> Recipient:
    return Recipient(text, _load(bech32.decode(PREFIX, text, sizes.RECIPIENT_SIZE)))


def _load(data: bytes) -> MLKEM768X25519PublicKey:
    share = data[-x25519.SHARE_SIZE :]
    if x25519.is_small_order(share):
        raise FormatError("age: an X25519 share of small order")
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(data[: -x25519.SHARE_SIZE]),
            X25519PublicKey.from_public_bytes(share),
        )
    except ValueError:
        raise FormatError("age: not a hybrid public key") from None
