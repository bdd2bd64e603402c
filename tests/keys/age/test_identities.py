"""Opening with hybrid identities, and what stays shut."""

import base64
import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_keys.age import sizes
from dengwen_keys.age.header import Header, Stanza
from dengwen_keys.age.identities import Identity, decrypt, decrypt_stream
from dengwen_keys.age.recipients import encrypt, encrypt_stream
from dengwen_keys.errors import DamagedError, FormatError, KeysError, NoMatchError
from tests.keys.vectors import read_vectors

ALICE, BOB, EVE = (Identity.from_seed(bytes([i]) * 32) for i in range(3))
FILE = encrypt([ALICE.recipient, BOB.recipient], b"a petition")
HEADER_LENGTH = sizes.header_length(2)


def test_each_recipient_opens_the_file() -> None:
    """With any list of identities that holds a right one."""
    assert decrypt([ALICE], FILE) == b"a petition"
    assert decrypt([BOB], FILE) == b"a petition"
    assert decrypt([EVE, BOB], FILE) == b"a petition"


def test_nobody_else_opens_the_file() -> None:
    """Another key, or none."""
    for identities in ([EVE], []):
        with pytest.raises(NoMatchError):
            decrypt(identities, FILE)


@given(st.binary(max_size=300))
def test_opening_inverts_sealing(plaintext: bytes) -> None:
    """For any content."""
    assert decrypt([EVE], encrypt([EVE.recipient], plaintext)) == plaintext


def test_a_large_file_streams_through() -> None:
    """A chunk at a time, both ways."""
    plaintext = bytes(range(256)) * 1024 + b"the end"
    sealed, opened = io.BytesIO(), io.BytesIO()
    encrypt_stream([EVE.recipient], io.BytesIO(plaintext), sealed)
    sealed.seek(0)
    decrypt_stream([EVE], sealed, opened)
    assert opened.getvalue() == plaintext


def test_the_shared_vectors_open() -> None:
    """Files from both implementations, by each of their recipients."""
    vectors = read_vectors("age.json")
    identities = [Identity.parse(key["identity"]) for key in vectors["keys"]]
    for file in vectors["files"]:
        for identity in identities[: file["recipients"]]:
            data = base64.b64decode(file["file"])
            assert decrypt([identity], data) == bytes.fromhex(file["plaintext"])


@pytest.mark.parametrize("position", range(0, len(FILE), 61))
def test_a_changed_byte_anywhere_is_refused(position: int) -> None:
    """Version, stanzas, MAC, nonce or payload: nothing of the plaintext comes out."""
    changed = bytearray(FILE)
    changed[position] ^= 1
    with pytest.raises(KeysError):
        decrypt([ALICE, BOB], bytes(changed))


@pytest.mark.parametrize("length", [0, 21, 100, HEADER_LENGTH, HEADER_LENGTH + 15, len(FILE) - 1])
def test_a_cut_file_is_refused(length: int) -> None:
    """Wherever it ends."""
    with pytest.raises(KeysError):
        decrypt([ALICE], FILE[:length])


def test_a_lost_stanza_shows_in_the_mac() -> None:
    """Taking a recipient away is a change of the header."""
    header = Header.parse(FILE[:HEADER_LENGTH])
    shorter = Header(header.stanzas[:1], header.mac).to_bytes() + FILE[HEADER_LENGTH:]
    with pytest.raises(DamagedError, match="header"):
        decrypt([ALICE], shorter)


def test_a_malformed_stanza_condemns_the_file_before_any_key_is_used() -> None:
    """Even behind one that would open."""
    header = Header.parse(FILE[:HEADER_LENGTH])
    broken = Stanza("mlkem768x25519", header.stanzas[1].args, bytes(31))
    data = Header((header.stanzas[0], broken), header.mac).to_bytes() + FILE[HEADER_LENGTH:]
    with pytest.raises(FormatError):
        decrypt([ALICE], data)


def test_an_identity_is_read_as_it_was_written() -> None:
    """In capitals, as age spells secrets."""
    assert Identity.parse(ALICE.to_text()) == ALICE
    assert ALICE.to_text().startswith("AGE-SECRET-KEY-PQ-1")


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        ("small letters", ALICE.to_text().lower()),
        ("mixed", ALICE.to_text()[:-1] + ALICE.to_text()[-1].lower()),
        ("a changed letter", ALICE.to_text()[:-1] + ("Q" if ALICE.to_text()[-1] != "Q" else "P")),
        ("a classical identity", ALICE.to_text().replace("-PQ-", "-")),
        ("a letter that becomes ASCII in capitals", ALICE.to_text()[:-1] + "ı"),
        ("a recipient", ALICE.recipient.to_text()),
    ],
)
def test_another_spelling_of_an_identity_is_refused(comment: str, text: str) -> None:
    """One identity has one spelling."""
    with pytest.raises(FormatError):
        Identity.parse(text)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_has_thirty_two_bytes(length: int) -> None:
    """No other length is stretched or cut."""
    with pytest.raises(FormatError):
        Identity.from_seed(bytes(length))


def test_new_identities_differ() -> None:
    """They come from the system's randomness."""
    assert Identity.generate() != Identity.generate()


def test_an_identity_never_prints_its_seed(caplog: pytest.LogCaptureFixture) -> None:
    """Not by `repr`, `str`, a format, a log line or an exception."""
    identity = Identity.from_seed(b"\xab" * 32)
    logging.getLogger(__name__).warning("%s %r", identity, [identity])
    shown = f"{identity} {identity!r} {caplog.text} {ValueError(identity)!r}"
    assert "Identity(…)" in shown
    for secret in ("abab", "\\xab", "AGE-SECRET", str(identity.seed)):
        assert secret not in shown
