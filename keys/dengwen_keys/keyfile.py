"""
A member's key file: signing, sealing and cosigning seeds under a passphrase.

::

    dengwen/keyfile/v1
    member gate-1
    kdf argon2id
    memory 65536                          KiB
    passes 3
    lanes 1
    salt 7f3a…                            16 bytes
    box BASE64                            24-byte nonce ‖ XSalsa20-Poly1305 of the inner text

    dengwen/member-keys/v1                the inner text
    member gate-1
    signing HEX32
    sealing HEX32|-
    cosigning HEX32|-

The costs stand in the file so that they can grow; a reader refuses costs beyond its own limits
before it spends them, so a hostile file cannot take the memory of the machine. The id outside is
for the eye; it counts only if the sealed text repeats it.

Source: RFC 9106; docs/formats/keyfile.md.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass

from argon2.low_level import Type, hash_secret_raw
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from dengwen_audit.text import (
    TextReader,
    TextWriter,
    check_token,
    parse_base64,
    parse_hex,
    to_base64,
)
from dengwen_keys.errors import FormatError, PassphraseError

KIND = "dengwen/keyfile/v1"
INNER_KIND = "dengwen/member-keys/v1"
MAX_BYTES = 4096
SEED_SIZE = 32  # bytes
SALT_SIZE = 16  # bytes
MIN_MEMORY_KIB, MAX_MEMORY_KIB = 8 * 1024, 1024 * 1024
MAX_PASSES = 16
MAX_LANES = 4


@dataclass(frozen=True)
class Cost:
    """
    What one guess at a passphrase costs: Argon2id's parameters. The default takes about 0.2 s.

    Raises:
        FormatError: If a parameter is beyond what this reader would ever spend.
    """

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 1

    def __post_init__(self) -> None:
        within = (
            MIN_MEMORY_KIB <= self.memory_kib <= MAX_MEMORY_KIB
            and 1 <= self.passes <= MAX_PASSES
            and 1 <= self.lanes <= MAX_LANES
        )
        if not within:
            raise FormatError("keyfile: costs out of bounds")


STANDARD_COST = Cost()


@dataclass(frozen=True, repr=False)
class MemberKeys:
    """
    The secrets of one member.

    Attributes:
        id: The member's id in the roster.
        signing_seed: 32 bytes, Ed25519.
        sealing_seed: 32 bytes, an age identity; mirrors and auditors have none.
        cosigning_seed: 32 bytes, Ed25519; only witnesses of the log have one.
    """

    id: str
    signing_seed: bytes
    sealing_seed: bytes | None
    cosigning_seed: bytes | None

    def __repr__(self) -> str:
        """Name the member without the seeds."""
        return f"MemberKeys({self.id!r})"

    @classmethod
    def parse(cls, data: bytes) -> MemberKeys:
        """
        Read the inner text.

        Raises:
            TextError: If it is not the one spelling of a member's keys.
        """
        reader = TextReader(data, INNER_KIND, MAX_BYTES)
        member = reader.take_token("member")
        signing = reader.take_hash("signing")
        sealing, cosigning = (_optional(reader, name) for name in ("sealing", "cosigning"))
        reader.end()
        return cls(member, signing, sealing, cosigning)

    def to_bytes(self) -> bytes:
        """Spell the inner text: a secret."""
        for seed in (self.signing_seed, self.sealing_seed, self.cosigning_seed):
            if seed is not None and len(seed) != SEED_SIZE:
                raise FormatError(f"keyfile: a seed of other than {SEED_SIZE} bytes")
        writer = TextWriter(INNER_KIND)
        writer.line("member", check_token(self.id, "keyfile: member"))
        writer.line("signing", self.signing_seed)
        writer.line("sealing", self.sealing_seed or "-")
        writer.line("cosigning", self.cosigning_seed or "-")
        return writer.to_bytes()


def seal_keyfile(keys: MemberKeys, passphrase: str, cost: Cost = STANDARD_COST) -> bytes:
    """
    Return *keys* sealed under a passphrase.

    Raises:
        PassphraseError: If the passphrase is empty.
    """
    if not passphrase:
        raise PassphraseError("keyfile: an empty passphrase")
    salt = secrets.token_bytes(SALT_SIZE)
    box = SecretBox(_stretch(passphrase, salt, cost)).encrypt(keys.to_bytes())
    writer = TextWriter(KIND).line("member", keys.id).line("kdf", "argon2id")
    writer.line("memory", cost.memory_kib).line("passes", cost.passes).line("lanes", cost.lanes)
    return writer.line("salt", salt).line("box", to_base64(bytes(box))).to_bytes()


def open_keyfile(data: bytes, passphrase: str) -> MemberKeys:
    """
    Return the keys in a key file. Takes as long and as much memory as the file says, within limits.

    Raises:
        FormatError: If it is not a key file, or would cost more than 1 GiB or 16 passes.
        PassphraseError: If the passphrase is wrong, or the sealed part or its costs were changed.
    """
    reader = TextReader(data, KIND, MAX_BYTES)
    member = reader.take_token("member")
    if reader.take("kdf") != "argon2id":
        raise FormatError("keyfile: an unknown way of stretching")
    cost = Cost(*(reader.take_number(name) for name in ("memory", "passes", "lanes")))
    salt = parse_hex(reader.take("salt"), SALT_SIZE, "keyfile: salt")
    box = parse_base64(reader.take("box"), "keyfile: box")
    reader.end()
    try:
        inner = SecretBox(_stretch(passphrase, salt, cost)).decrypt(box)
    except (CryptoError, ValueError):  # ValueError: shorter than a nonce
        raise PassphraseError("keyfile: the passphrase does not open it") from None
    keys = MemberKeys.parse(inner)
    if keys.id != member:
        raise PassphraseError("keyfile: the id outside is not the one inside")
    return keys


def _optional(reader: TextReader, name: str) -> bytes | None:
    value = reader.take(name)
    return None if value == "-" else parse_hex(value, SEED_SIZE, f"keyfile: {name}")


def _stretch(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    # One passphrase, one byte string, whichever keyboard typed it.
    typed = unicodedata.normalize("NFKC", passphrase).encode()
    return hash_secret_raw(
        typed,
        salt,
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=cost.lanes,
        hash_len=SecretBox.KEY_SIZE,
        type=Type.ID,
    )
