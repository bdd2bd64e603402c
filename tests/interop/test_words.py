"""The keys of receipt words, derived a second time with Node's own HKDF and Ed25519."""

import hashlib

import pytest

from dengwen_keys.words import Words
from tests.interop.node import run_node

pytestmark = pytest.mark.interop

ROSTER_HASH = hashlib.sha256(b"a roster").digest()
WORDS = [Words(hashlib.shake_128(bytes([i])).digest(16)) for i in range(5)]


def _keys(words: Words) -> dict[str, str]:
    signing_key, mailbox = words.signing_key(), words.mailbox()
    return {
        "sign": signing_key.seed.hex(),
        "public": signing_key.verification_key.public_key.hex(),
        "mailbox": mailbox.seed.hex(),
        "recipient": mailbox.recipient.to_text(),
        "left": words.left().hex(),
        "draw": words.draw_key(ROSTER_HASH).hex(),
    }


def test_both_sides_derive_the_same_keys() -> None:
    """Sixteen bytes give the same six values in another language and another library."""
    request = [{"entropy": words.entropy.hex(), "roster": ROSTER_HASH.hex()} for words in WORDS]
    assert run_node("words.mjs", request) == [_keys(words) for words in WORDS]
