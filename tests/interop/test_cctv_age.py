"""
The C2SP test vectors of age (npm `cctv-age`), as far as they concern what this package reads.

Files to hybrid identities go through `identities.decrypt_stream` as they are. The others test the
header and the payload behind a classical recipient, which this package does not know: for them the
file key is unwrapped here, by `_unwrap_x25519` and `_unwrap_scrypt`, and injected.
"""

import hashlib
import io
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from dengwen_keys.age import bech32
from dengwen_keys.age.filekey import FileKey, derive
from dengwen_keys.age.header import Header, Stanza, parse_base64, read_header
from dengwen_keys.age.identities import Identity, decrypt_stream, open_payload
from dengwen_keys.age.recipients import Recipient
from dengwen_keys.age.x25519 import is_small_order
from dengwen_keys.errors import DamagedError, FormatError, NoMatchError
from tests.interop.node import from_json, run_node

pytestmark = pytest.mark.interop

VECTOR_COUNT = 143
ARMORED_COUNT = 33
HYBRID_COUNT = 17
MAX_WORK_FACTOR = 20
PQ_PREFIX = "AGE-SECRET-KEY-PQ-"


@dataclass(frozen=True)
class Vector:
    """One file of the collection: its head of ``name: value`` lines, and the age file."""

    head: dict[str, list[str]]
    file: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Vector":
        """Split one file of the collection at its first empty line."""
        text, _, file = data.partition(b"\n\n")
        head: dict[str, list[str]] = {}
        for line in text.decode().split("\n"):
            name, _, value = line.partition(": ")
            head.setdefault(name, []).append(value)
        return cls(head, zlib.decompress(file) if "compressed" in head else file)

    @property
    def identities(self) -> list[str]:
        """The identities to open with, of either type."""
        return self.head.get("identity", [])

    @property
    def is_armored(self) -> bool:
        """Whether the file is in armor."""
        return "armored" in self.head

    @property
    def is_hybrid(self) -> bool:
        """Whether our own identities suffice."""
        return bool(self.identities) and all(i.startswith(PQ_PREFIX) for i in self.identities)


@pytest.fixture(scope="module")
def vectors() -> dict[str, Vector]:
    """Give all vectors by name."""
    return {name: Vector.parse(from_json(data)) for name, data in run_node("cctv_age.mjs").items()}


@pytest.fixture(scope="module")
def binary_vectors(vectors: dict[str, Vector]) -> dict[str, Vector]:
    """Give those that are not armored."""
    return {name: vector for name, vector in vectors.items() if not vector.is_armored}


def _open_stanza(wrap_key: bytes, body: bytes) -> FileKey | None:
    if len(body) != 32:
        raise FormatError("test: a body of the wrong length")
    try:
        return FileKey(ChaCha20Poly1305(wrap_key).decrypt(bytes(12), body, None))
    except InvalidTag:
        return None


def _unwrap_x25519(stanza: Stanza, identity: str) -> FileKey | None:
    key = X25519PrivateKey.from_private_bytes(
        bech32.decode("age-secret-key-", identity.lower(), 32)
    )
    if len(stanza.args) != 1:
        raise FormatError("test: not one argument")
    share = parse_base64(stanza.args[0].encode(), "share")
    if len(share) != 32 or is_small_order(share):
        raise FormatError("test: not a share")
    secret = key.exchange(X25519PublicKey.from_public_bytes(share))
    salt = share + key.public_key().public_bytes_raw()
    return _open_stanza(derive(secret, salt, b"age-encryption.org/v1/X25519"), stanza.body)


def _unwrap_scrypt(stanza: Stanza, passphrase: str) -> FileKey | None:
    if len(stanza.args) != 2 or not stanza.args[1].isdecimal() or stanza.args[1][0] == "0":
        raise FormatError("test: not a salt and a work factor")
    salt = parse_base64(stanza.args[0].encode(), "salt")
    if len(salt) != 16 or len(stanza.args[1]) > 2 or int(stanza.args[1]) > MAX_WORK_FACTOR:
        raise FormatError("test: salt or work factor out of bounds")
    stretched = Scrypt(b"age-encryption.org/v1/scrypt" + salt, 32, 1 << int(stanza.args[1]), 8, 1)
    return _open_stanza(stretched.derive(passphrase.encode()), stanza.body)


def _unwrap(head: Header, vector: Vector) -> FileKey:
    """Do what a reader that knows every type of recipient would do."""
    kinds = Counter(stanza.type for stanza in head.stanzas)
    if kinds["scrypt"] and kinds.total() > 1:
        raise FormatError("test: scrypt is not alone")
    classical = [text for text in vector.identities if not text.startswith(PQ_PREFIX)]
    passphrases = vector.head.get("passphrase", [])
    keys = [_unwrap_x25519(s, i) for s in head.stanzas if s.type == "X25519" for i in classical]
    keys += [_unwrap_scrypt(s, p) for s in head.stanzas if s.type == "scrypt" for p in passphrases]
    for key in keys:
        if key is not None:
            return key
    raise NoMatchError("test: sealed to none of these")


def _open(vector: Vector, source: BinaryIO, destination: BinaryIO) -> None:
    if vector.is_hybrid:
        identities = [Identity.parse(text) for text in vector.identities]
        decrypt_stream(identities, source, destination)
    else:
        head = read_header(source)
        open_payload(_unwrap(head, vector), head, source, destination)


def _outcome(vector: Vector, destination: BinaryIO) -> str:
    try:
        _open(vector, io.BytesIO(vector.file), destination)
    except FormatError:
        return "header failure"
    except NoMatchError:
        return "no match"
    except DamagedError as error:
        return "HMAC failure" if "header" in str(error) else "payload failure"
    return "success"


def test_the_collection_is_the_one_that_was_counted(vectors: dict[str, Vector]) -> None:
    """Of 143 vectors 33 are armored, which this package does not read; all others are run."""
    assert len(vectors) == VECTOR_COUNT
    assert sum(vector.is_armored for vector in vectors.values()) == ARMORED_COUNT
    assert sum(v.is_hybrid and not v.is_armored for v in vectors.values()) == HYBRID_COUNT


def test_every_binary_vector_ends_as_it_says(binary_vectors: dict[str, Vector]) -> None:
    """Success, header failure, HMAC failure, payload failure and no match are told apart."""
    expected = {name: vector.head["expect"][0] for name, vector in binary_vectors.items()}
    found = {name: _outcome(vector, io.BytesIO()) for name, vector in binary_vectors.items()}
    assert len(found) == VECTOR_COUNT - ARMORED_COUNT
    assert found == expected


def test_what_was_released_is_what_the_vector_allows(binary_vectors: dict[str, Vector]) -> None:
    """A stream hands over the chunks before a damaged one, and none after."""
    found = {}
    for name, vector in binary_vectors.items():
        if "payload" in vector.head:
            destination = io.BytesIO()
            _outcome(vector, destination)
            found[name] = hashlib.sha256(destination.getvalue()).hexdigest()
    assert len(found) == 37
    assert found == {name: binary_vectors[name].head["payload"][0] for name in found}


def test_every_header_that_parses_is_spelt_back(binary_vectors: dict[str, Vector]) -> None:
    """A header has one spelling."""
    count = 0
    for vector in binary_vectors.values():
        source = io.BytesIO(vector.file)
        try:
            head = read_header(source)
        except FormatError:
            continue
        assert head.to_bytes() == vector.file[: source.tell()]
        count += 1
    assert count > 60


def test_armor_is_no_file_of_ours(vectors: dict[str, Vector]) -> None:
    """An armored file is refused as malformed, whatever is in it."""
    for vector in vectors.values():
        if vector.is_armored:
            assert _outcome(vector, io.BytesIO()) == "header failure"


def test_no_classical_recipient_is_accepted(vectors: dict[str, Vector]) -> None:
    """A recipient of type X25519 cannot even be named, so that it cannot stand beside a hybrid."""
    key = X25519PrivateKey.from_private_bytes(
        bech32.decode("age-secret-key-", vectors["x25519"].identities[0].lower(), 32)
    )
    text = bech32.encode("age", key.public_key().public_bytes_raw())
    with pytest.raises(FormatError):
        Recipient.parse(text)
