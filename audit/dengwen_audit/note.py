"""
Signed notes: a text, an empty line, and one signature line per signer.

::

    dengwen/roster/v1                                   the text: every line ends in LF;
    office example.org/log                              these bytes are what is signed
    …
                                                        one empty line
    — example.org/root-a Az3grlgtzPICa5OS8npVmf1Myq/…   EM DASH, key name, base64(id ‖ signature)

A line by an unknown key says nothing and is passed over. A line that carries a known key's name and
id but does not verify condemns the whole note. A note's *hash* is SHA-256 of its text alone, so
that a further signature does not make it another note.

Ed25519 is strict (libsodium refuses small-order and non-canonical keys and signatures), the same
as the browser must be; docs/formats/note.md names the shared vectors.

Source: C2SP signed-note.md v1.0.0; C2SP tlog-cosignature.md v1.0.1 for type 0x04.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NewType

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey as _SigningKey
from nacl.signing import VerifyKey as _VerifyKey

from dengwen_audit.errors import SignatureError
from dengwen_audit.text import TextError, parse_base64, to_base64

if TYPE_CHECKING:
    from collections.abc import Iterable

NoteHash = NewType("NoteHash", bytes)

ED25519 = 0x01  # signs the text itself
COSIGNATURE_V1 = 0x04  # signs "cosignature/v1", a time and a checkpoint

KEY_SIZE = 32  # bytes: an Ed25519 public key
SEED_SIZE = 32  # bytes
SIGNATURE_SIZE = 64  # bytes
ID_SIZE = 4  # bytes
TIME_SIZE = 8  # bytes: seconds since 1970 before a cosignature
MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 64

_DASH = "\u2014 "
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f]{1,255}")
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_CONTROLS = bytes({*range(32)} - {0x0A})  # LF is the only one allowed


@dataclass(frozen=True)
class VerificationKey:
    """
    A public key with its name, spelt ``name+id+base64`` (a *vkey*).

    Attributes:
        name: Who signs; no white space and no plus sign.
        algorithm: `ED25519` or `COSIGNATURE_V1`; a key serves one of them only.
        public_key: 32 bytes.
    """

    name: str
    algorithm: int
    public_key: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that, with the name, point a signature line to its key."""
        head = self.name.encode() + b"\n" + bytes([self.algorithm])
        return hashlib.sha256(head + self.public_key).digest()[:ID_SIZE]

    @classmethod
    def parse(cls, text: str) -> VerificationKey:
        """
        Read a vkey.

        Raises:
            TextError: If it is not the one spelling of a key of a known algorithm.
        """
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        data = parse_base64(encoded, "vkey")
        if not _KEY_NAME.fullmatch(name) or not _KEY_ID.fullmatch(key_id):
            raise TextError("vkey: not of the form name+id+key")
        if len(data) != 1 + KEY_SIZE or data[0] not in (ED25519, COSIGNATURE_V1):
            raise TextError("vkey: unknown algorithm or wrong length")
        key = cls(name, data[0], data[1:])
        if key.id.hex() != key_id:
            raise TextError("vkey: the id is not that of the key")
        return key

    def to_text(self) -> str:
        """Spell the vkey."""
        encoded = to_base64(bytes([self.algorithm]) + self.public_key)
        return f"{self.name}+{self.id.hex()}+{encoded}"

    def is_signature(self, signature: bytes, message: bytes) -> bool:
        """Tell whether *signature* (64 bytes) is this key's Ed25519 signature of *message*."""
        try:
            _VerifyKey(self.public_key).verify(message, signature)
        except (BadSignatureError, ValueError):
            return False
        return True


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: the key's name, and the key's id followed by the signature."""

    name: str
    blob: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the line's base64."""
        return self.blob[:ID_SIZE]

    @property
    def signature(self) -> bytes:
        """What follows the id: 64 bytes, or a time and 64 bytes."""
        return self.blob[ID_SIZE:]

    @classmethod
    def parse(cls, line: str) -> NoteSignature:
        """
        Read one signature line, without its LF.

        Raises:
            TextError: If it is not a dash, a name and canonical base64 of more than four bytes.
        """
        if not line.startswith(_DASH):
            raise TextError("note: a signature line does not begin with a dash")
        name, _, encoded = line[len(_DASH) :].partition(" ")
        blob = parse_base64(encoded, "note: signature")
        if not _KEY_NAME.fullmatch(name) or len(blob) <= ID_SIZE:
            raise TextError("note: not a signature line")
        return cls(name, blob)

    def to_line(self) -> str:
        """Spell the line, its LF included."""
        return f"{_DASH}{self.name} {to_base64(self.blob)}\n"

    def is_by(self, key: VerificationKey) -> bool:
        """Tell whether this line claims to be by *key*; it says nothing of whether it verifies."""
        return self.name == key.name and self.key_id == key.id


@dataclass(frozen=True)
class Note:
    """A text and its signatures, parsed but not verified: `check` says who really signed."""

    text: bytes
    signatures: tuple[NoteSignature, ...]

    @cached_property
    def hash(self) -> NoteHash:
        """SHA-256 of the text: what other statements call this note by."""
        return NoteHash(hashlib.sha256(self.text).digest())

    @classmethod
    def parse(cls, data: bytes, max_bytes: int = MAX_NOTE_BYTES) -> Note:
        """
        Split a note at its last empty line and read its signature lines.

        Raises:
            TextError: If *data* is longer than *max_bytes* or not a note in its one spelling.
        """
        if len(data) > max_bytes:
            raise TextError(f"note: longer than {max_bytes} bytes")
        text, separator, tail = data.rpartition(b"\n\n")
        if not separator or not tail.endswith(b"\n"):
            raise TextError("note: no text, no empty line, or no signature line")
        try:
            text.decode("utf-8")
            lines = tail.decode("utf-8")[:-1].split("\n")
        except UnicodeDecodeError:
            raise TextError("note: not UTF-8") from None
        if len(data.translate(None, _CONTROLS)) != len(data):
            raise TextError("note: a control character")
        if len(lines) > MAX_SIGNATURES:
            raise TextError(f"note: more than {MAX_SIGNATURES} signature lines")
        return cls(text + b"\n", tuple(NoteSignature.parse(line) for line in lines))

    def to_bytes(self) -> bytes:
        """Spell the note."""
        lines = "".join(signature.to_line() for signature in self.signatures)
        return self.text + b"\n" + lines.encode()

    def signed_by(self, *signatures: NoteSignature) -> Note:
        """Return the note with further signature lines at its end."""
        return Note(self.text, self.signatures + signatures)

    def check(
        self, keys: Iterable[VerificationKey], threshold: int = 1
    ) -> tuple[VerificationKey, ...]:
        """
        Check that at least *threshold* different *keys* signed this text; return those that did.

        Costs one Ed25519 verification (about 0.1 ms) per line by a known key.

        Raises:
            SignatureError: If a line by a known key does not verify, or too few keys signed.
        """
        signers: list[VerificationKey] = []
        for key in dict.fromkeys(keys):
            lines = [line for line in self.signatures if line.is_by(key)]
            if not all(key.is_signature(line.signature, self.text) for line in lines):
                raise SignatureError(f"the signature by {key.name} is wrong")
            if lines and key.algorithm == ED25519:
                signers.append(key)
        if len({key.public_key for key in signers}) < threshold:
            raise SignatureError(f"too few known signatures: {len(signers)} of {threshold}")
        return tuple(signers)


@dataclass(frozen=True, repr=False)
class SigningKey:
    """
    A private Ed25519 key with its name; the seed is never printed.

    Attributes:
        name: Who signs.
        seed: 32 secret bytes.
        algorithm: `ED25519` or `COSIGNATURE_V1`.
    """

    name: str
    seed: bytes
    algorithm: int = ED25519

    def __repr__(self) -> str:
        """Name the key without its seed."""
        return f"SigningKey({self.name!r})"

    @cached_property
    def _key(self) -> _SigningKey:
        return _SigningKey(self.seed)

    @cached_property
    def verification_key(self) -> VerificationKey:
        """The public half."""
        return VerificationKey(self.name, self.algorithm, bytes(self._key.verify_key))

    def sign_bytes(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of *message*; deterministic."""
        return self._key.sign(message).signature

    def sign(self, text: bytes) -> NoteSignature:
        """Sign a note's *text*; the key must be of type `ED25519`."""
        if self.algorithm != ED25519:
            raise AssertionError("internal error: a cosigning key signs checkpoints only")
        return NoteSignature(self.name, self.verification_key.id + self.sign_bytes(text))


def sign_note(text: bytes, *keys: SigningKey) -> Note:
    """Return *text* as a note signed by every one of *keys*."""
    return Note(text, tuple(key.sign(text) for key in keys))
