"""Sealing to hybrid recipients, and to no others."""

import hashlib
import io
import subprocess
import sys

import pytest

from dengwen_keys.age import bech32
from dengwen_keys.age.identities import Identity, decrypt
from dengwen_keys.age.recipients import PREFIX, Recipient, encrypt, encrypt_stream
from dengwen_keys.errors import FormatError, SealError
from tests.keys.vectors import read_vectors

IDENTITY = Identity.from_seed(bytes(32))
RECIPIENT = IDENTITY.recipient
ENCODED = bech32.decode(PREFIX, RECIPIENT.to_text(), 1216)
SMALL_ORDER = (
    bytes(32),
    b"\x01" + bytes(31),
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
)


def test_a_recipient_is_read_as_it_was_written() -> None:
    """1,959 characters, remembered after the first time."""
    recipient = Recipient.parse(RECIPIENT.to_text())
    assert recipient == RECIPIENT
    assert recipient.to_text() == RECIPIENT.to_text()
    assert Recipient.parse(RECIPIENT.to_text()) is recipient


def test_the_hash_is_that_of_the_spelling() -> None:
    """A manifest commits to the characters, which any tool can hash."""
    assert RECIPIENT.hash == hashlib.sha256(RECIPIENT.to_text().encode()).digest()


def test_the_shared_vectors_hold() -> None:
    """Seed, identity and recipient belong together."""
    for key in read_vectors("age.json")["keys"]:
        identity = Identity.from_seed(bytes.fromhex(key["seed"]))
        assert identity.to_text() == key["identity"]
        assert identity.recipient == Recipient.parse(key["recipient"])


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        ("capitals", RECIPIENT.to_text().upper()),
        ("a changed letter", RECIPIENT.to_text().replace("q", "p", 1)),
        ("cut", RECIPIENT.to_text()[:-1]),
        ("white space", RECIPIENT.to_text() + "\n"),
        ("a classical recipient", bech32.encode("age", b"\x09" + bytes(31))),
        ("a hardware tag", bech32.encode("age1tagpq", ENCODED)),
        ("an identity", IDENTITY.to_text()),
        ("a passphrase", "correct horse battery staple"),
        ("nothing", ""),
    ],
)
def test_anything_but_a_hybrid_recipient_is_refused(comment: str, text: str) -> None:
    """What cannot be named cannot stand beside a hybrid recipient either."""
    with pytest.raises(FormatError):
        Recipient.parse(text)


@pytest.mark.parametrize("share", SMALL_ORDER)
@pytest.mark.parametrize("high_bit", [0, 0x80])
def test_a_share_of_small_order_is_refused(share: bytes, high_bit: int) -> None:
    """Source: RFC 7748; half of the hybrid would protect nothing."""
    masked = share[:-1] + bytes([share[-1] | high_bit])
    with pytest.raises(FormatError, match="small order"):
        Recipient.parse(bech32.encode(PREFIX, ENCODED[:-32] + masked))


def test_an_impossible_lattice_key_is_refused() -> None:
    """ML-KEM asks that every coefficient be below 3,329."""
    with pytest.raises(FormatError):
        Recipient.parse(bech32.encode(PREFIX, b"\xff" * 1184 + ENCODED[-32:]))


def test_a_file_needs_one_to_sixty_four_recipients() -> None:
    """A header holds no more, and a file to nobody is a mistake."""
    assert decrypt([IDENTITY], encrypt([RECIPIENT] * 64, b"drum")) == b"drum"
    for count in (0, 65):
        destination = io.BytesIO()
        with pytest.raises(SealError):
            encrypt_stream([RECIPIENT] * count, io.BytesIO(b"drum"), destination)
        assert destination.getvalue() == b""


def test_two_files_of_one_plaintext_share_nothing() -> None:
    """File key, encapsulation and nonce are fresh each time."""
    first, second = encrypt([RECIPIENT], b"drum"), encrypt([RECIPIENT], b"drum")
    assert first[40:1500] != second[40:1500]
    assert first[-36:] != second[-36:]


def test_whoever_only_seals_does_not_load_the_code_that_opens() -> None:
    """Server processes check shapes and seal, and never open."""
    program = (
        "import sys, dengwen_keys.age.recipients, dengwen_keys.age.header\n"
        "print(sorted(name for name in sys.modules if name.startswith('dengwen_keys.age.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert "dengwen_keys.age.recipients" in done.stdout
    assert "identities" not in done.stdout
