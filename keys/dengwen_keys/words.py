"""
Receipt words: twelve words that a petitioner writes down, and every key of hers derived from them.

A BIP-39 mnemonic of 128 bits in English or Chinese, simplified or traditional. The keys come from
the 16 random bytes alone, never from the letters, so the same receipt may be written in any of the
three. Both Chinese lists agree where they share a character, so that either script, or a mixture,
reads the same.

::

    key = HKDF-SHA-256(ikm = 16 bytes, salt = empty, info = "dengwen/words/v1 " ‖ label, 32 bytes)

| label | key |
|---|---|
| ``sign`` | Ed25519 seed of the case's signing key |
| ``mailbox`` | seed of the identity that replies are sealed to |
| ``left`` | the petitioner's half of every compartment's seed |
| ``draw`` ‖ roster hash | key of the permutation that draws the panel |

The words are random and long, so nothing is stretched. Of a mistyped list, four checksum bits find
fifteen in sixteen; the rest shows when no case answers.

Source: BIP 39; docs/formats/words.md.
"""

from __future__ import annotations

import difflib
import functools
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from mnemonic import Mnemonic

from dengwen_audit.note import SigningKey
from dengwen_keys.age.filekey import derive
from dengwen_keys.age.identities import Identity
from dengwen_keys.errors import WordsError

Language = Literal["english", "chinese_simplified", "chinese_traditional"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
WORD_COUNT = 12
ENTROPY_SIZE = 16  # bytes
MAX_TEXT_LENGTH = 1024  # characters: room for twelve words and a lot of space
CASE_KEY_NAME = "case"

_DOMAIN = b"dengwen/words/v1 "
# A Chinese character is a word by itself; anything else runs to a space, a comma or a stop.
_WORD = re.compile(r"[\u3400-\u9fff]|[^\s,.;、。\u3400-\u9fff]+")


@dataclass(frozen=True, repr=False)
class Words:
    """
    The receipt words of one petition.

    Attributes:
        entropy: The 16 secret bytes that the words spell.
    """

    entropy: bytes

    def __repr__(self) -> str:
        """Say nothing of the words."""
        return "Words(…)"

    @classmethod
    def generate(cls) -> Words:
        """Return new random words."""
        return cls(secrets.token_bytes(ENTROPY_SIZE))

    @classmethod
    def parse(cls, text: str) -> Words:
        """
        Read words as people type them: any case, spacing and width, scripts mixed.

        Raises:
            WordsError: If a word is in no list, there are not twelve, or the checksum is wrong.
        """
        if len(text) > MAX_TEXT_LENGTH:
            raise WordsError("words: too much text")
        indexes = [_index(word, i) for i, word in enumerate(_split(text), start=1)]
        if len(indexes) != WORD_COUNT:
            raise WordsError(f"words: expected {WORD_COUNT} words, found {len(indexes)}")
        english = _mnemonic("english")
        try:
            entropy = english.to_entropy([english.wordlist[index] for index in indexes])
        except ValueError:
            raise WordsError(
                "words: all are in the list, but the checksum is wrong: one is another, "
                "or two changed places"
            ) from None
        return cls(bytes(entropy))

    def to_text(self, language: Language = "english") -> str:
        """Spell the words, one space between two: a secret."""
        return _mnemonic(language).to_mnemonic(self.entropy)

    def signing_key(self) -> SigningKey:
        """Return the key that signs for the case."""
        return SigningKey(CASE_KEY_NAME, self._derive(b"sign"))

    def mailbox(self) -> Identity:
        """Return the identity that opens replies."""
        return Identity.from_seed(self._derive(b"mailbox"))

    def left(self) -> bytes:
        """Return the 32 bytes that a compartment's seed needs beside the holders' shares."""
        return self._derive(b"left")

    def draw_key(self, roster_hash: bytes) -> bytes:
        """Return the 32-byte key that draws the panel from the roster with this hash."""
        return self._derive(b"draw" + roster_hash)

    def _derive(self, label: bytes) -> bytes:
        return derive(self.entropy, b"", _DOMAIN + label)


def _split(text: str) -> list[str]:
    """Return the words in *text*, in the form of the lists."""
    # NFKC narrows full-width letters and spaces and composes what NFKD took apart.
    folded = unicodedata.normalize("NFKC", text).lower()
    visible = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return _WORD.findall(visible)


def _index(word: str, position: int) -> int:
    """Return the word's index, 0 to 2047, which all three lists agree on."""
    index = _indexes().get(word)
    if index is None:
        near = difflib.get_close_matches(word, _mnemonic("english").wordlist, n=3)
        raise WordsError(f"words: word {position} is not in the list", position, tuple(near))
    return index


@functools.cache
def _mnemonic(language: Language) -> Mnemonic:
    return Mnemonic(language)


@functools.cache
def _indexes() -> dict[str, int]:
    """Return the index of every word of the three lists; a test shows that they never disagree."""
    return {
        word: index
        for language in LANGUAGES
        for index, word in enumerate(_mnemonic(language).wordlist)
    }
