"""Tests of cosignature.py: a witness's word is of one checkpoint, at one time, by one key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dengwen_audit.cosignature import Cosigner, check_cosignature
from dengwen_audit.errors import SignatureError
from dengwen_audit.note import NoteSignature, SigningKey
from dengwen_audit.text import MAX_NUMBER, TextError
from tests.mangling import byte_flips
from tests.small_log import COSIGNERS, LOG_KEY, NOON, SmallLog, seed

TEXT = SmallLog([b"entry"]).checkpoint().to_bytes()
HILL = COSIGNERS["hill"]
KEY = HILL.key.verification_key


@given(st.integers(0, MAX_NUMBER))
def test_the_time_of_a_cosignature_is_known(time: int) -> None:
    """What is signed is read back."""
    assert check_cosignature(HILL.cosign(TEXT, time), KEY, TEXT) == time


def test_the_message_is_that_of_the_standard() -> None:
    """Two lines, then the checkpoint's whole text; the blob is id, time and signature."""
    line = HILL.cosign(TEXT, NOON)
    message = b"cosignature/v1\ntime 1770000000\n" + TEXT
    assert line.blob == KEY.id + NOON.to_bytes(8, "big") + HILL.key.sign_bytes(message)


def test_a_changed_byte_anywhere_is_refused() -> None:
    """In the id, the time, the signature or the text."""
    line = HILL.cosign(TEXT, NOON)
    for twin in byte_flips(line.blob):
        with pytest.raises(SignatureError):
            check_cosignature(NoteSignature(line.name, twin), KEY, TEXT)
    for twin in byte_flips(TEXT):
        with pytest.raises(SignatureError):
            check_cosignature(line, KEY, twin)


def test_a_cosignature_of_another_length_or_name_is_refused() -> None:
    """A byte more or less, nothing at all, another witness's name."""
    line = HILL.cosign(TEXT, NOON)
    for blob in (line.blob[:-1], line.blob + b"\x00", line.key_id):
        with pytest.raises(SignatureError, match="another length"):
            check_cosignature(NoteSignature(line.name, blob), KEY, TEXT)
    with pytest.raises(SignatureError, match="another key"):
        check_cosignature(replace(line, name="witness.example/lake"), KEY, TEXT)


def test_a_time_that_no_browser_can_hold_is_refused() -> None:
    """Even if it is well signed: both languages judge alike."""
    time = MAX_NUMBER + 1
    message = f"cosignature/v1\ntime {time}\n".encode() + TEXT
    blob = KEY.id + time.to_bytes(8, "big") + HILL.key.sign_bytes(message)
    with pytest.raises(SignatureError, match="is wrong"):
        check_cosignature(NoteSignature(KEY.name, blob), KEY, TEXT)


def test_a_witness_signs_checkpoints_only() -> None:
    """No other text, no other key, no time before 1970."""
    with pytest.raises(TextError):
        HILL.cosign(b"dengwen/release/v1\n", NOON)
    with pytest.raises(AssertionError, match="internal error"):
        Cosigner(LOG_KEY)
    with pytest.raises(AssertionError, match="internal error"):
        HILL.cosign(TEXT, -1)


def test_a_notes_key_is_no_cosigners() -> None:
    """A signature of type 0x01 over the very message does not count."""
    plain = SigningKey(KEY.name, seed("hill"))
    line = plain.sign(b"cosignature/v1\ntime 1770000000\n" + TEXT)
    with pytest.raises(SignatureError, match="another key"):
        check_cosignature(line, plain.verification_key, TEXT)
