"""
Opening with age's hybrid identities. No server process may load this module.

An identity is a seed of 32 bytes; SHAKE256 stretches it to the ML-KEM-768 seed (64 bytes) and the
X25519 scalar (32 bytes). It is never printed: its `repr` is empty, and it has no `str` of its own.

Source: C2SP age.md v1.1.0, "The hybrid recipient type".
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import io
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from dengwen_keys.age import bech32, filekey, header, sizes, stream, x25519
from dengwen_keys.age.recipients import Recipient
from dengwen_keys.errors import DamagedError, FormatError, NoMatchError

if TYPE_CHECKING:
    from collections.abc import Collection

PREFIX = "age-secret-key-pq-"
_MLKEM_SEED_SIZE = 64  # bytes


@dataclass(frozen=True, repr=False)
class Identity:
    """
    A private key that opens what was sealed to its `recipient`.

    Attributes:
        seed: 32 secret bytes.
    """

    seed: bytes

    def __repr__(self) -> str:
        """Say nothing of the seed."""
        return "Identity(…)"

    @classmethod
    def generate(cls) -> Identity:
        """Return a new identity of 32 random bytes."""
        return cls.from_seed(secrets.token_bytes(sizes.SEED_SIZE))

    @classmethod
    def from_seed(cls, seed: bytes) -> Identity:
        """
        Return the identity of a 32-byte *seed*.

        Raises:
            FormatError: If the seed is not 32 bytes long.
        """
        if len(seed) != sizes.SEED_SIZE:
            raise FormatError(f"age: a seed of other than {sizes.SEED_SIZE} bytes")
        return cls(bytes(seed))

    @classmethod
    def parse(cls, text: str) -> Identity:
        """
        Read an identity, spelt ``AGE-SECRET-KEY-PQ-1…``.

        Raises:
            FormatError: If it is not the one spelling of a hybrid identity, in capitals.
        """
        if text != text.upper() or not text.isascii():
            raise FormatError("age: an identity not in capitals")
        return cls(bech32.decode(PREFIX, text.lower(), sizes.SEED_SIZE))

    def to_text(self) -> str:
        """Spell the identity: a secret."""
        return bech32.encode(PREFIX, self.seed).upper()

    @functools.cached_property
    def recipient(self) -> Recipient:
        """The public half."""
        mlkem_key, x25519_key = self._halves
        public = x25519_key.public_key().public_bytes_raw()
        return Recipient.from_bytes(mlkem_key.public_key().public_bytes_raw() + public)

    def unwrap(self, encapsulation: bytes, body: bytes) -> filekey.FileKey | None:
        """Return the file key if this stanza was wrapped for this identity. About 0.09 ms."""
        try:
            file_key = filekey.SUITE.decrypt(encapsulation + body, self._key, filekey.INFO)
        except InvalidTag:
            return None
        return filekey.FileKey(file_key)

    @functools.cached_property
    def _halves(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        stretched = hashlib.shake_256(self.seed).digest(_MLKEM_SEED_SIZE + x25519.SHARE_SIZE)
        return (
            MLKEM768PrivateKey.from_seed_bytes(stretched[:_MLKEM_SEED_SIZE]),
            X25519PrivateKey.from_private_bytes(stretched[_MLKEM_SEED_SIZE:]),
        )

    @functools.cached_property
    def _key(self) -> MLKEM768X25519PrivateKey:
        return MLKEM768X25519PrivateKey(*self._halves)


def decrypt(identities: Collection[Identity], data: bytes) -> bytes:
    """
    Open an age file with whichever of the *identities* fits.

    Raises:
        FormatError: If *data* is not an age file.
        NoMatchError: If it was sealed to none of the identities.
        DamagedError: If it was changed or cut. Nothing of the plaintext is returned.
    """
    destination = io.BytesIO()
    decrypt_stream(identities, io.BytesIO(data), destination)
    return destination.getvalue()


def decrypt_stream(
    identities: Collection[Identity], source: BinaryIO, destination: BinaryIO
) -> None:
    """
    Open an age file chunk by chunk; what was written is worth nothing if this raises.

    Raises:
        FormatError: If *source* is not an age file.
        NoMatchError: If it was sealed to none of the identities.
        DamagedError: If it was changed or cut.
    """
    head = header.read_header(source)
    open_payload(_unwrap(identities, head), head, source, destination)


def open_payload(
    file_key: filekey.FileKey, head: header.Header, source: BinaryIO, destination: BinaryIO
) -> None:
    """
    Open what follows the header, once its file key is known.

    Raises:
        FormatError: If the file ends before the payload.
        DamagedError: If header or payload were changed or cut.
    """
    mac = filekey.header_mac(file_key, header.authenticated_bytes(head.stanzas))
    if not hmac.compare_digest(mac, head.mac):
        raise DamagedError("age: the header was changed")
    nonce = stream.read_up_to(source, sizes.NONCE_SIZE)
    if len(nonce) != sizes.NONCE_SIZE:
        raise FormatError("age: the payload has no nonce")
    stream.decrypt_stream(filekey.payload_key(file_key, nonce), source, destination)


def _unwrap(identities: Collection[Identity], head: header.Header) -> filekey.FileKey:
    stanzas = head.hybrid_stanzas()  # all are checked before the first is decapsulated
    for identity in identities:
        for encapsulation, body in stanzas:
            file_key = identity.unwrap(encapsulation, body)
            if file_key is not None:
                return file_key
    raise NoMatchError("age: sealed to none of these identities")
