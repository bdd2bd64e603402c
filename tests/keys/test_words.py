"""Twelve words, in three lists, that are one petition's keys."""

import hashlib
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from dengwen_keys.errors import WordsError
from dengwen_keys.words import LANGUAGES, Language, Words
from tests.keys.vectors import read_vectors

VECTORS = read_vectors("words.json")
WORDS = Words(bytes.fromhex(VECTORS["accepted"][0]["entropy"]))

all_words = st.builds(Words, st.binary(min_size=16, max_size=16))
languages = st.sampled_from(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lists_are_those_of_the_standard(language: Language) -> None:
    """2,048 different words each, by hash."""
    words = Mnemonic(language).wordlist
    assert len(set(words)) == 2048
    found = hashlib.sha256(("\n".join(words) + "\n").encode()).hexdigest()
    assert found == VECTORS["wordlist-sha256"][language]


def test_a_word_in_two_lists_means_the_same_in_both() -> None:
    """The Chinese lists share 1,275 characters, each at one index; so scripts may be mixed."""
    indexes: dict[str, set[int]] = {}
    for language in LANGUAGES:
        for index, word in enumerate(Mnemonic(language).wordlist):
            indexes.setdefault(word, set()).add(index)
    assert len(indexes) == 3 * 2048 - 1275
    assert all(len(found) == 1 for found in indexes.values())


def test_the_lists_are_in_the_form_that_input_is_brought_to() -> None:
    """NFKC and small letters change no word; every Chinese word is one character of one block."""
    for language in LANGUAGES:
        for word in Mnemonic(language).wordlist:
            assert unicodedata.normalize("NFKC", word).lower() == word
            if language == "english":
                assert word.isascii()
                assert word.isalpha()
            else:
                assert len(word) == 1
                assert "\u4e00" <= word <= "\u9fff"


@pytest.mark.parametrize("entry", VECTORS["words"], ids=lambda entry: entry["entropy"])
def test_the_shared_vectors_hold(entry: dict[str, str]) -> None:
    """Words in three lists, and the keys made of their sixteen bytes."""
    words = Words(bytes.fromhex(entry["entropy"]))
    for language in LANGUAGES:
        assert words.to_text(language) == entry[language]
        assert Words.parse(entry[language]) == words
    assert words.signing_key().name == "case"
    assert words.signing_key().seed.hex() == entry["signing-seed"]
    assert words.signing_key().verification_key.public_key.hex() == entry["public-key"]
    assert words.mailbox().seed.hex() == entry["mailbox-seed"]
    assert words.mailbox().recipient.hash.hex() == entry["mailbox-recipient-sha256"]
    assert words.left().hex() == entry["left"]
    assert words.draw_key(bytes.fromhex(VECTORS["roster-hash"])).hex() == entry["draw-key"]


@given(all_words, languages)
def test_words_are_read_as_they_were_written(words: Words, language: Language) -> None:
    """In any of the three lists."""
    assert Words.parse(words.to_text(language)) == words


@given(all_words, st.lists(languages, min_size=12, max_size=12))
def test_lists_may_be_mixed_word_by_word(words: Words, choice: list[Language]) -> None:
    """A keyboard that offers the other script does no harm."""
    texts = {language: words.to_text(language).split() for language in LANGUAGES}
    mixed = " ".join(texts[language][i] for i, language in enumerate(choice))
    assert Words.parse(mixed) == words


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_any_normal_form_is_read(
    form: Literal["NFC", "NFD", "NFKC", "NFKD"], language: Language
) -> None:
    """Systems differ in how they store what was typed."""
    assert Words.parse(unicodedata.normalize(form, WORDS.to_text(language))) == WORDS


@pytest.mark.parametrize("entry", VECTORS["accepted"], ids=lambda entry: entry["comment"])
def test_what_people_type_is_read(entry: dict[str, str]) -> None:
    """Capitals, widths, spaces, commas."""
    assert Words.parse(entry["text"]).entropy.hex() == entry["entropy"]


@pytest.mark.parametrize("entry", VECTORS["refused"], ids=lambda entry: entry["comment"])
def test_what_is_wrong_is_named_by_position(entry: dict[str, str | int]) -> None:
    """Or by number, or as the checksum's verdict."""
    with pytest.raises(WordsError) as caught:
        Words.parse(str(entry["text"]))
    assert caught.value.position == entry["position"]


def test_a_wrong_word_is_not_repeated_but_near_ones_are_offered() -> None:
    """The offer is for the screen; the message may reach a log."""
    texts = WORDS.to_text().split()
    texts[5] = "omitt"
    with pytest.raises(WordsError, match="word 6 is not in the list") as caught:
        Words.parse(" ".join(texts))
    assert caught.value.suggestions[0] == "omit"
    assert "omit" not in f"{caught.value} {caught.value!r}"


def test_the_checksum_is_named_as_such() -> None:
    """All twelve are words, but not of one receipt."""
    with pytest.raises(WordsError, match="checksum") as caught:
        Words.parse("abandon " * 12)
    assert caught.value.position is None


def test_the_checksum_finds_fifteen_of_sixteen() -> None:
    """Among all last words, exactly one in sixteen fits: four bits of checksum."""
    start = "abandon " * 11
    fitting = 0
    for word in Mnemonic("english").wordlist:
        try:
            Words.parse(start + word)
        except WordsError:
            continue
        fitting += 1
    assert fitting == 2048 // 16


def test_a_long_text_is_refused_unread() -> None:
    """Nobody types a book."""
    with pytest.raises(WordsError, match="too much"):
        Words.parse("abandon " * 200)


def test_new_words_differ() -> None:
    """They come from the system's randomness."""
    first, second = Words.generate(), Words.generate()
    assert first != second
    assert len(first.entropy) == 16


def test_every_key_is_of_its_own() -> None:
    """Four labels, four keys; another roster, another draw; and none is the entropy."""
    keys = [
        WORDS.signing_key().seed,
        WORDS.mailbox().seed,
        WORDS.left(),
        WORDS.draw_key(bytes(32)),
        WORDS.draw_key(b"\x01" * 32),
    ]
    assert len({*keys}) == 5
    assert all(len(key) == 32 and WORDS.entropy not in key for key in keys)


def test_words_are_never_printed() -> None:
    """Not by `repr`, `str` or a format."""
    shown = f"{WORDS} {WORDS!r} {[WORDS]}"
    assert shown == "Words(…) Words(…) [Words(…)]"
