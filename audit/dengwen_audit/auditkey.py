"""
The key file of a witness, a mirror or an auditor: two seeds in a file that only its owner reads.

::

    dengwen/audit-key/v1
    id mirror-1                                        the member's id in the roster
    cosigner court-of-audit.example/mirror             the witness's name, never its id
    signing-seed 64 hexadecimal digits                 signs heads, requests to the desk
    cosigning-seed 64 hexadecimal digits               signs checkpoints, and nothing else

It is not sealed with a passphrase: a service must start again by itself after a power cut, in the
middle of the night. Whoever reads the file can cosign in this name; it opens nothing. So the file
belongs to one account, and reading it is refused if anybody else could.

Source: docs/formats/witness-and-mirror.md.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from dengwen_audit.cosignature import Cosigner
from dengwen_audit.errors import AuditError
from dengwen_audit.note import COSIGNATURE_V1, SEED_SIZE, SigningKey, VerificationKey
from dengwen_audit.secret_files import is_open_to_others
from dengwen_audit.text import TextError, TextReader, TextWriter, check_token

KIND = "dengwen/audit-key/v1"
MAX_KEY_BYTES = 4096


class KeyFileError(AuditError):
    """The key file is not there, or not safe to use as it lies."""


@dataclass(frozen=True)
class AuditKey:
    """
    The two keys of one service.

    Attributes:
        id: The member's id.
        cosigner_name: The name of the cosigning key.
    """

    id: str
    cosigner_name: str
    signing_seed: bytes = field(repr=False)
    cosigning_seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse names that no key can bear."""
        check_token(self.id, "audit key: id")
        VerificationKey.parse(self.cosigner.key.verification_key.to_text())
        if self.id == self.cosigner_name:
            raise TextError("audit key: the cosigner has the name of the member")

    @classmethod
    def make(cls, id_: str, cosigner_name: str) -> AuditKey:
        """Draw two new seeds."""
        seeds = (secrets.token_bytes(SEED_SIZE), secrets.token_bytes(SEED_SIZE))
        return cls(id_, cosigner_name, *seeds)

    @property
    def signing_key(self) -> SigningKey:
        """Signs this member's statements and requests; bears the member's id."""
        return SigningKey(self.id, self.signing_seed)

    @property
    def cosigner(self) -> Cosigner:
        """Cosigns checkpoints."""
        return Cosigner(SigningKey(self.cosigner_name, self.cosigning_seed, COSIGNATURE_V1))

    @classmethod
    def parse(cls, data: bytes) -> AuditKey:
        """
        Read a key file.

        Raises:
            TextError: If it is not one.
        """
        reader = TextReader(data, KIND, MAX_KEY_BYTES)
        key = cls(
            reader.take_token("id"),
            reader.take("cosigner"),
            reader.take_hash("signing-seed"),
            reader.take_hash("cosigning-seed"),
        )
        reader.end()
        return key

    def to_bytes(self) -> bytes:
        """Spell the key file."""
        writer = TextWriter(KIND).line("id", self.id).line("cosigner", self.cosigner_name)
        writer.line("signing-seed", self.signing_seed)
        return writer.line("cosigning-seed", self.cosigning_seed).to_bytes()


def write_key(path: Path, key: AuditKey) -> None:
    """
    Write a key file that only its owner can read.

    Raises:
        KeyFileError: If there is such a file already: a key is never overwritten.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileError("there is a file of this name already") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.to_bytes())
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path) -> AuditKey:
    """
    Read a key file.

    Raises:
        KeyFileError: If it is not there, or others could read or change it.
        TextError: If it is no key file.
    """
    try:
        with path.open("rb") as file:
            if is_open_to_others(path, os.fstat(file.fileno()).st_mode):
                raise KeyFileError("others can read the key file: chmod 600")
            return AuditKey.parse(file.read(MAX_KEY_BYTES + 1))
    except OSError as error:
        raise KeyFileError(f"the key file cannot be read: {error.strerror}") from error
