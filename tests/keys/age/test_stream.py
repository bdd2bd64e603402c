"""Chunks cannot be changed, left out, repeated, reordered or cut off unnoticed."""

import io

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from dengwen_keys.age import stream
from dengwen_keys.age.filekey import PayloadKey
from dengwen_keys.errors import DamagedError

KEY = PayloadKey(bytes(range(32)))
CHUNK = 65536
SEALED = CHUNK + 16
TWO_AND_A_BIT = bytes(range(256)) * 512 + b"the end"


class Dribble(io.RawIOBase):
    """A source that, like a pipe, gives less than it was asked for."""

    def __init__(self, data: bytes) -> None:
        self._source = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        """Give at most a thousand bytes."""
        return self._source.read(min(size, 1000))


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
def test_what_was_encrypted_is_decrypted(length: int) -> None:
    """Around every edge of a chunk."""
    plaintext = TWO_AND_A_BIT[:length]
    payload = stream.encrypt(KEY, plaintext)
    assert len(payload) == length + 16 * max(1, -(-length // CHUNK))
    assert stream.decrypt(KEY, payload) == plaintext


def test_a_slow_source_gives_the_same_bytes() -> None:
    """How a pipe cuts its reads does not show."""
    sealed, opened = io.BytesIO(), io.BytesIO()
    stream.encrypt_stream(KEY, Dribble(TWO_AND_A_BIT), sealed)  # type: ignore[arg-type]
    assert sealed.getvalue() == stream.encrypt(KEY, TWO_AND_A_BIT)
    stream.decrypt_stream(KEY, Dribble(sealed.getvalue()), opened)  # type: ignore[arg-type]
    assert opened.getvalue() == TWO_AND_A_BIT


@pytest.mark.parametrize("position", [0, CHUNK - 1, CHUNK, SEALED - 1, SEALED, 2 * SEALED, -1])
def test_a_changed_byte_anywhere_is_refused(position: int) -> None:
    """In a chunk or in its tag, at the beginning or at the end."""
    payload = bytearray(stream.encrypt(KEY, TWO_AND_A_BIT))
    payload[position] ^= 1
    with pytest.raises(DamagedError, match="changed"):
        stream.decrypt(KEY, bytes(payload))


FIRST, SECOND, LAST = (
    stream.encrypt(KEY, TWO_AND_A_BIT)[i * SEALED : (i + 1) * SEALED] for i in range(3)
)


@pytest.mark.parametrize(
    ("comment", "payload"),
    [
        ("nothing", b""),
        ("half a tag", FIRST[:8]),
        ("the last chunk left out", FIRST + SECOND),
        ("the first left out", SECOND + LAST),
        ("the second left out", FIRST + LAST),
        ("two exchanged", SECOND + FIRST + LAST),
        ("one repeated", FIRST + FIRST + LAST),
        ("the last cut", FIRST + SECOND + LAST[:-1]),
        ("a byte more", FIRST + SECOND + LAST + b"\0"),
        ("the last twice", FIRST + SECOND + LAST + LAST),
        ("another file behind it", stream.encrypt(KEY, bytes(CHUNK)) + FIRST),
    ],
)
def test_another_sequence_of_chunks_is_refused(comment: str, payload: bytes) -> None:
    """And nothing of the plaintext is returned."""
    with pytest.raises(DamagedError):
        stream.decrypt(KEY, payload)


def test_an_empty_last_chunk_is_refused_after_others() -> None:
    """A plaintext has one ciphertext length."""
    cipher = ChaCha20Poly1305(KEY)
    empty = cipher.encrypt(stream._nonce(1, is_last=True), b"", None)
    with pytest.raises(DamagedError, match="empty chunk"):
        stream.decrypt(KEY, FIRST + empty)


def test_a_cut_file_is_told_from_a_changed_one() -> None:
    """At a chunk's end, every chunk there is is intact; only the mark of the last is missing."""
    with pytest.raises(DamagedError, match="last chunk is missing"):
        stream.decrypt(KEY, FIRST + SECOND)


def test_only_checked_chunks_reach_the_destination() -> None:
    """A stream stops before the first chunk that is wrong."""
    destination = io.BytesIO()
    with pytest.raises(DamagedError):
        stream.decrypt_stream(KEY, io.BytesIO(FIRST + FIRST + LAST), destination)
    assert destination.getvalue() == TWO_AND_A_BIT[:CHUNK]


def test_another_key_opens_nothing() -> None:
    """The key stands for the whole payload."""
    with pytest.raises(DamagedError):
        stream.decrypt(PayloadKey(bytes(32)), FIRST + SECOND + LAST)
